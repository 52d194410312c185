package cloudlogging

import "time"

// maxSeen bounds how many entries are remembered, in some 60 bytes each.
const maxSeen = 300_000

// seen remembers which entries were taken, as long as they may be asked for again.
type seen struct {
	at    map[key]struct{}
	order []sight // by when they came
	first int     // of order
}

type sight struct {
	key      key
	received int64 // Unix seconds
}

func (s *seen) has(k key) bool {
	_, ok := s.at[k]
	return ok
}

func (s *seen) add(k key, received time.Time) {
	if s.at == nil {
		s.at = map[key]struct{}{}
	}
	if s.has(k) {
		return
	}
	s.at[k] = struct{}{}
	s.order = append(s.order, sight{k, received.Unix()})
	for len(s.at) > maxSeen {
		s.drop()
	}
}

// forget lets go of what was received before a time. What came out of order may stay a while.
func (s *seen) forget(before time.Time) {
	for s.first < len(s.order) && s.order[s.first].received < before.Unix() {
		s.drop()
	}
}

func (s *seen) drop() {
	delete(s.at, s.order[s.first].key)
	s.first++
	if s.first > len(s.order)/2 {
		s.order = append(s.order[:0], s.order[s.first:]...)
		s.first = 0
	}
}
