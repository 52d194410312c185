package cloudlogging

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// listEvery is how often it is looked for new projects in a folder or an organization.
	listEvery = 10 * time.Minute
	// listAgain is how soon, when they could not be found.
	listAgain = time.Minute
)

// Claims are the resources that somebody follows already: a project can be named and be in a folder that is, too. The zero
// value is ready.
type Claims struct {
	mu sync.Mutex
	of map[string]bool
}

func (c *Claims) claim(resource string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of[resource] {
		return false
	}
	if c.of == nil {
		c.of = map[string]bool{}
	}
	c.of[resource] = true
	return true
}

func (c *Claims) release(resource string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.of, resource)
}

// Follower follows the log of a resource, and of a folder or an organization those of the projects in it, as they come and go.
type Follower struct {
	cfg    Config
	claims *Claims
	own    *Puller

	running sync.WaitGroup
	mu      sync.Mutex
	below   map[string]*child // by resource
	failing error             // of looking for projects
	from    time.Time         // since when
}

// child is a project of a folder or an organization.
type child struct {
	puller *Puller
	cancel context.CancelFunc
	done   chan struct{}
}

// NewFollower makes a follower; errors are those of New.
func NewFollower(cfg Config, claims *Claims) (*Follower, error) {
	own, err := New(cfg)
	if err != nil {
		return nil, err
	}
	claims.claim(cfg.Resource)
	return &Follower{cfg: cfg, claims: claims, own: own, below: map[string]*child{}}, nil
}

// Run follows until the context ends. It may be called once.
func (f *Follower) Run(ctx context.Context) {
	if HasProjects(f.cfg.Resource) {
		f.running.Go(func() { f.look(ctx) })
	}
	f.own.Run(ctx)
	f.running.Wait()
}

// look looks for projects from time to time.
func (f *Follower) look(ctx context.Context) {
	since := f.cfg.Since
	for ctx.Err() == nil {
		wait := f.again(listEvery)
		projects, err := f.cfg.Client.Projects(ctx, f.cfg.Resource)
		if ctx.Err() != nil {
			break
		}
		if err == nil {
			err = f.follow(ctx, projects, since)
			// What is new is younger than the look before.
			since = max(f.cfg.Since, 2*listEvery)
		}
		if f.note(err); err != nil {
			wait = f.again(listAgain)
		}
		_ = pause(ctx, wait) // the loop looks at the context
	}
	f.stop(func(string) bool { return true })
}

// again is how long is waited: a test does not want to.
func (f *Follower) again(usual time.Duration) time.Duration {
	if f.cfg.List > 0 {
		return f.cfg.List
	}
	return usual
}

// follow begins with projects that are new and ends with those that are gone.
func (f *Follower) follow(ctx context.Context, projects []string, since time.Duration) error {
	f.stop(func(resource string) bool { return !slices.Contains(projects, resource) })
	for _, resource := range projects {
		if !f.claims.claim(resource) {
			continue
		}
		cfg := f.cfg
		cfg.Resource, cfg.Since = resource, since
		p, err := New(cfg)
		if err != nil {
			f.claims.release(resource)
			return err
		}
		runCtx, cancel := context.WithCancel(ctx)
		c := &child{puller: p, cancel: cancel, done: make(chan struct{})}
		f.mu.Lock()
		f.below[resource] = c
		f.mu.Unlock()
		f.cfg.Logger.Info("cloudlogging: a project is followed", "resource", resource, "in", f.cfg.Resource)
		f.running.Go(func() {
			defer close(c.done)
			p.Run(runCtx)
		})
	}
	return nil
}

// stop ends with projects.
func (f *Follower) stop(gone func(resource string) bool) {
	f.mu.Lock()
	ended := map[string]*child{}
	for resource, c := range f.below {
		if gone(resource) {
			ended[resource] = c
			delete(f.below, resource)
		}
	}
	f.mu.Unlock()
	for resource, c := range ended {
		c.cancel()
		<-c.done
		f.claims.release(resource)
		f.cfg.Logger.Info("cloudlogging: a project is not followed any more", "resource", resource, "in", f.cfg.Resource)
	}
}

// note keeps why the projects are not known, and tells what is new of it.
func (f *Follower) note(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case err == nil:
		f.failing, f.from = nil, time.Time{}
		return
	case f.failing == nil:
		f.from = f.cfg.Now()
	}
	if f.failing == nil || f.failing.Error() != err.Error() {
		f.cfg.Logger.Error("cloudlogging: projects cannot be found, it is tried again", "resource", f.cfg.Resource, "error", err)
	}
	f.failing = err
}

// Status returns the statuses of the resource, and of the projects in it by name. It may be called at any time.
func (f *Follower) Status() []Status {
	own := f.own.Status()
	f.mu.Lock()
	if f.failing != nil && own.LastError == "" {
		own.LastError, own.ErrorFrom = f.failing.Error(), f.from
	}
	var below []*Puller
	for _, c := range f.below {
		below = append(below, c.puller)
	}
	f.mu.Unlock()
	all := []Status{own}
	for _, p := range below {
		all = append(all, p.Status())
	}
	slices.SortFunc(all[1:], func(a, b Status) int { return strings.Compare(a.Resource, b.Resource) })
	return all
}
