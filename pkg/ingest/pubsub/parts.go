package pubsub

import (
	"bytes"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/ingest/gcp"
)

// parts are the split entries of which parts are missing, with the messages that the others came in. How parts are put
// together is package gcp's; here is how long they are waited for, and which messages hang on them.
type parts struct {
	messages, bytes int // at most

	mu     sync.Mutex
	closed bool
	by     map[string]*split
	order  []*split // by age
	n      int
	size   int
}

// split is one entry of which parts are missing.
type split struct {
	key      string
	parts    gcp.Assembler // of this entry alone
	messages []*message
	size     int
	since    time.Time
}

func newParts(messages, bytes int) *parts {
	return &parts{messages: messages, bytes: bytes, by: map[string]*split{}}
}

// errClosed says that nothing is waited for any more.
var errClosed = errors.New("pubsub: ending")

var splitMark = []byte(`"split"`)

// partKey tells which split entry an entry is a part of; "" for one that is whole.
func partKey(entry []byte) string {
	if !bytes.Contains(entry, splitMark) {
		return ""
	}
	v, err := audit.ParseValue(entry)
	if err != nil {
		return ""
	}
	s := v.Get("split")
	total, err := strconv.Atoi(s.Get("totalSplits").Text())
	if uid := s.Get("uid"); err == nil && total > 1 && uid.Kind() == audit.String {
		return uid.Text() + "/" + strconv.Itoa(total)
	}
	return ""
}

// add takes a part. When it is the last one, whole is the entry's, and all of its messages are in whole.messages. Otherwise
// the message is kept; over are entries that there is no more room to wait for. The error is what is wrong with the part,
// which then is not kept.
func (ps *parts) add(key string, m *message, now time.Time) (result []gcp.Result, whole *split, over []*split, err error) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if ps.closed {
		return nil, nil, nil, errClosed
	}
	p := ps.by[key]
	if p == nil {
		p = &split{key: key, since: now}
	}
	if result, err = p.parts.Add(m.data); err != nil {
		return nil, nil, nil, err
	}
	if ps.by[key] == nil {
		ps.by[key] = p
		ps.order = append(ps.order, p)
	}
	p.messages = append(p.messages, m)
	p.size += len(m.data)
	ps.n, ps.size = ps.n+1, ps.size+len(m.data)
	if len(result) > 0 || p.parts.Pending() == 0 {
		ps.remove(p)
		return result, p, nil, nil
	}
	for len(ps.order) > 1 && (ps.n > ps.messages || ps.size > ps.bytes) {
		over = append(over, ps.order[0])
		ps.remove(ps.order[0])
	}
	return nil, nil, over, nil
}

func (ps *parts) remove(p *split) {
	delete(ps.by, p.key)
	for i, o := range ps.order {
		if o == p {
			ps.order = append(ps.order[:i], ps.order[i+1:]...)
			break
		}
	}
	ps.n, ps.size = ps.n-len(p.messages), ps.size-p.size
}

// expired takes out the entries whose first part came before a time.
func (ps *parts) expired(before time.Time) (over []*split) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for len(ps.order) > 0 && ps.order[0].since.Before(before) {
		over = append(over, ps.order[0])
		ps.remove(ps.order[0])
	}
	return over
}

// close takes out everything.
func (ps *parts) close() []*split {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	over := ps.order
	ps.closed = true
	ps.by, ps.order, ps.n, ps.size = map[string]*split{}, nil, 0, 0
	return over
}

// waiting is how many messages wait for others.
func (ps *parts) waiting() int {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	return ps.n
}
