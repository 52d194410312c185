package elasticsearch

import (
	"net/url"
	"sync"
	"time"

	"github.com/elastic/elastic-transport-go/v8/elastictransport"
)

// How long a node is left out: after a first failure, and at most. It doubles with each
// failure, and a success forgets them all.
const (
	leastOut = time.Second
	mostOut  = time.Minute
)

// pool takes nodes in turn. The library's own leaves a node out for a minute when one
// call to it was given up, for ever longer, since its successes do not count; here a
// single failure is little.
type pool struct {
	now func() time.Time

	mu    sync.Mutex
	next  int
	nodes []node
}

type node struct {
	conn     *elastictransport.Connection
	failures int
	until    time.Time // it is left out until then
}

func newPool(conns []*elastictransport.Connection, now func() time.Time) *pool {
	p := &pool{now: now}
	for _, c := range conns {
		p.nodes = append(p.nodes, node{conn: c})
	}
	return p
}

// Next returns the next node that is not left out, or the one that would be back first.
func (p *pool) Next() (*elastictransport.Connection, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now, first := p.now(), p.next
	for i := range p.nodes {
		at := (p.next + i) % len(p.nodes)
		if !p.nodes[at].until.After(now) {
			first = at
			break
		}
		if p.nodes[at].until.Before(p.nodes[first].until) {
			first = at
		}
	}
	p.next = (first + 1) % len(p.nodes)
	return p.nodes[first].conn, nil
}

// OnSuccess forgets the failures of a node.
func (p *pool) OnSuccess(c *elastictransport.Connection) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.find(c)
	n.failures, n.until = 0, time.Time{}
	return nil
}

// OnFailure leaves a node out.
func (p *pool) OnFailure(c *elastictransport.Connection) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.find(c)
	n.until = p.now().Add(min(mostOut, leastOut<<min(n.failures, 10)))
	n.failures++
	return nil
}

// URLs returns all nodes.
func (p *pool) URLs() []*url.URL {
	var urls []*url.URL
	for _, n := range p.nodes {
		urls = append(urls, n.conn.URL)
	}
	return urls
}

// ConcurrentSafe tells the library that it need not lock.
func (p *pool) ConcurrentSafe() {}

func (p *pool) find(c *elastictransport.Connection) *node {
	for i := range p.nodes {
		if p.nodes[i].conn == c {
			return &p.nodes[i]
		}
	}
	return &node{} // the library knows the nodes from us
}
