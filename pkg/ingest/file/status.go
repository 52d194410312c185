package file

import "time"

// Status says where a tail is and what it has seen. Counts begin at New.
type Status struct {
	Path, Cluster string
	Reading       string // the file that is being read, by the name it was opened under; empty: none
	Offset        int64  // bytes of it that are taken
	Lag           int64  // bytes that are there and not taken yet, compressed files as they are
	LastError     string // why it does not go on just now; empty when it does
	ErrorSince    time.Time

	Bytes     int64 // taken
	Bodies    int64 // taken
	Events    int64 // stored by the taker now
	Known     int64 // stored by the taker before
	Dead      int64 // kept by the taker as dead letters
	Retries   int64 // times that the taker refused
	Rotations int64 // files finished
	Cutoffs   int64 // times that the file was cut off (copytruncate)
	Gaps      int64 // times that the position was not found again, so that lines may be missing
	CutLines  int64 // lines above the limit, of which only the begin was handed on
	CutBytes  int64 // bytes of them that were not
	Torn      int64 // unfinished lines at the end of a file, handed on as they were
	Zeros     int64 // zero bytes among the lines
}

// Status returns the status. It may be called at any time.
func (t *Tail) Status() Status {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.status
}

func (t *Tail) count(change func(s *Status)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	change(&t.status)
}

// note keeps the error that holds the tail up, or that none does.
func (t *Tail) note(err error) {
	t.count(func(s *Status) {
		switch {
		case err == nil:
			s.LastError, s.ErrorSince = "", time.Time{}
		default:
			if s.LastError == "" {
				s.ErrorSince = t.cfg.Now()
			}
			s.LastError = err.Error()
		}
	})
}
