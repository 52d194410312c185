package namespace

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kubewitness/kubewitness/pkg/kube"
)

// Config says how a Watcher works. Client and Tell are required.
type Config struct {
	Client *kube.Client    // its Access.Timeout is longer than a watch
	Tell   func(err error) // why labels are not known (any more), once; nil: they are
	Again  time.Duration   // between two attempts; 0: DefaultAgain
	Ask    time.Duration   // bounds a question about one namespace; 0: DefaultAsk
}

// DefaultAgain is the time between two attempts to list.
const DefaultAgain = 5 * time.Second

// DefaultAsk bounds a question about one namespace: a review waits for it.
const DefaultAsk = 200 * time.Millisecond

var namespaces = kube.Resource{Version: "v1", Name: "namespaces"}

// Watcher knows the labels of a cluster's namespaces while Run runs. Its methods may be called
// from any goroutine.
type Watcher struct {
	cfg  Config
	mu   sync.RWMutex
	all  map[string]map[string]string // labels by name; neither is changed once it is in here
	live atomic.Bool                  // it is told of changes
	told *bool                        // whether the last thing that was told is an error; nil: nothing was told

	asked, unknown atomic.Uint64
}

// New makes a watcher that knows nothing yet.
func New(cfg Config) *Watcher {
	if cfg.Again <= 0 {
		cfg.Again = DefaultAgain
	}
	if cfg.Ask <= 0 {
		cfg.Ask = DefaultAsk
	}
	return &Watcher{cfg: cfg, all: map[string]map[string]string{}}
}

// Counters count since New.
type Counters struct {
	Known   int    // namespaces
	Live    bool   // changes are told
	Asked   uint64 // for a namespace that was not known
	Unknown uint64 // answers that no labels are known
}

// Counters gives the counts.
func (w *Watcher) Counters() Counters {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return Counters{Known: len(w.all), Live: w.live.Load(), Asked: w.asked.Load(), Unknown: w.unknown.Load()}
}

// Labels gives the labels of a namespace, not to be changed; known is false where nothing is known
// of it. While changes are not told what was known last counts.
func (w *Watcher) Labels(ctx context.Context, name string) (labels map[string]string, known bool) {
	w.mu.RLock()
	labels, known = w.all[name]
	w.mu.RUnlock()
	if !known && w.live.Load() {
		labels, known = w.ask(ctx, name)
	}
	if !known {
		w.unknown.Add(1)
	}
	return labels, known
}

// object is the part of a Namespace, or of a list of them, that is looked at.
type object struct {
	Metadata struct {
		Name            string
		Labels          map[string]string
		ResourceVersion string
	}
}

func (w *Watcher) ask(ctx context.Context, name string) (map[string]string, bool) {
	w.asked.Add(1)
	ctx, cancel := context.WithTimeout(ctx, w.cfg.Ask)
	defer cancel()
	var o object
	if err := w.cfg.Client.Get(ctx, namespaces, "", name, &o); err != nil {
		return nil, false
	}
	return o.labels(), true // the watch tells of it as well, in order, so nothing is kept here
}

// labels are never nil: a namespace without labels is one whose labels are known.
func (o *object) labels() map[string]string {
	if o.Metadata.Labels == nil {
		return map[string]string{}
	}
	return o.Metadata.Labels
}

// Run watches until the context ends.
func (w *Watcher) Run(ctx context.Context) {
	defer w.live.Store(false)
	again := time.NewTicker(w.cfg.Again)
	defer again.Stop()
	for version := ""; ; {
		from, err := version, error(nil)
		version, err = w.once(ctx, version)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			w.live.Store(false)
			w.tell(err)
		} else if version != "" && version != from {
			continue // a watch that has come to its end goes on where it was
		}
		select {
		case <-ctx.Done():
			return
		case <-again.C:
		}
	}
}

// once lists, where no version is known, and watches from there. It gives the version to go on
// from, "" for a new list.
func (w *Watcher) once(ctx context.Context, version string) (string, error) {
	if version == "" {
		var err error
		if version, err = w.list(ctx); err != nil {
			return "", err
		}
	}
	w.live.Store(true)
	w.tell(nil)
	err := w.cfg.Client.Watch(ctx, namespaces, version, func(n kube.Notice) error {
		var o object
		if err := json.Unmarshal(n.Object, &o); err != nil {
			return fmt.Errorf("namespace: what is told of one: %w", err)
		}
		version = o.Metadata.ResourceVersion
		w.note(n.Type, &o)
		return nil
	})
	switch {
	case err == nil:
		return version, nil
	case kube.Is(err, http.StatusGone): // too old a version
		return "", nil
	}
	return "", err // a list tells when the server is back, and what changed meanwhile
}

func (w *Watcher) list(ctx context.Context) (version string, err error) {
	var list struct {
		object
		Items []object
	}
	if err := w.cfg.Client.List(ctx, namespaces, "", "", &list); err != nil {
		return "", err
	}
	all := make(map[string]map[string]string, len(list.Items))
	for i := range list.Items {
		all[list.Items[i].Metadata.Name] = list.Items[i].labels()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = all
	return list.Metadata.ResourceVersion, nil
}

func (w *Watcher) note(kind string, o *object) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch kind {
	case "ADDED", "MODIFIED":
		w.all[o.Metadata.Name] = maps.Clone(o.labels())
	case "DELETED":
		delete(w.all, o.Metadata.Name)
	}
}

// tell tells an error once, and once that labels are known.
func (w *Watcher) tell(err error) {
	is := err != nil
	if w.told != nil && *w.told == is {
		return
	}
	w.told = &is
	if kube.Is(err, http.StatusForbidden) {
		err = fmt.Errorf("%w; it takes the right to get, list and watch namespaces", err)
	}
	w.cfg.Tell(err)
}
