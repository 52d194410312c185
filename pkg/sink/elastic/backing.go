package elastic

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/kubewitness/kubewitness/pkg/elasticsearch"
)

// listedFor is how long a list of indices is believed without another one.
const listedFor = time.Minute

// view is what is known of the indices behind a data stream. It is not changed once
// it is made.
type view struct {
	at      time.Time
	asked   int         // what stream.asked was before it was listed
	indices []string    // in the stream's order: the last one is written to
	closed  []time.Time // when each was written to for the last time, or later; zero: not known
	missing bool        // there is no such stream
	unread  bool        // the key may not list indices
}

// write is the name of the write index; "": not known.
func (v *view) write() string {
	if len(v.indices) == 0 {
		return ""
	}
	return v.indices[len(v.indices)-1]
}

// from gives the indices from one on. All, when it is not, or no longer, among them.
func (v *view) from(index string) []string {
	return v.indices[max(0, slices.Index(v.indices, index)):]
}

// earlier gives the indices before the write index that can hold a document which was
// born at a time, parted by whether a search finds all that is in them: that may not be
// refreshed which was written to lately.
func (v *view) earlier(born time.Time, now time.Time) (searched bool, asked []string) {
	for i := range max(0, len(v.indices)-1) {
		closed := v.closed[i]
		switch {
		case !closed.IsZero() && closed.Before(born):
		case closed.IsZero() || now.Sub(closed) < unrefreshed:
			asked = append(asked, v.indices[i])
		default:
			searched = true
		}
	}
	return searched, asked
}

// unrefreshed is how long documents may be there which a search does not find: the
// refresh_interval, and what Elasticsearch's clock may be off.
const unrefreshed = time.Hour

// stream is a data stream.
type stream struct {
	name string

	listing chan struct{} // holds a token, which who lists takes

	mu    sync.Mutex
	last  *view
	asked int  // times that a list was found out of date; only one that was begun behind all of them will do
	deaf  bool // the key may not look documents up
	told  bool // in the log, that it may not
}

func newStream(name string) *stream {
	st := &stream{name: name, listing: make(chan struct{}, 1)}
	st.listing <- struct{}{}
	return st
}

// known gives the last view, if it is still good.
func (st *stream) known(now time.Time) *view {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.last == nil || st.last.asked < st.asked || now.Sub(st.last.at) >= listedFor {
		return nil
	}
	return st.last
}

// outdated has the indices listed again.
func (st *stream) outdated() {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.asked++
}

// seen tells that an index was written to: is it another one than in the view?
func (st *stream) seen(v *view, index string) {
	if index == "" || index == v.write() || v.unread {
		return
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.last == v && v.asked == st.asked {
		st.asked++
	}
}

func (st *stream) mute(deaf bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.deaf = deaf
}

func (st *stream) muted() bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.deaf
}

// view lists the indices behind a stream, or gives the list of a moment ago.
func (s *Sink) view(ctx context.Context, st *stream) (*view, error) {
	if v := st.known(s.cfg.Now()); v != nil {
		return v, nil
	}
	select {
	case <-st.listing:
		defer func() { st.listing <- struct{}{} }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if v := st.known(s.cfg.Now()); v != nil {
		return v, nil // somebody else listed meanwhile
	}
	st.mu.Lock()
	asked := st.asked
	st.mu.Unlock()
	v, err := s.list(ctx, st.name)
	if err != nil {
		return nil, err
	}
	v.asked = asked
	st.mu.Lock()
	defer st.mu.Unlock()
	st.last, st.deaf = v, false // rights may have come
	return v, nil
}

// list asks for the indices. They are read after the moment that the view is of.
func (s *Sink) list(ctx context.Context, name string) (*view, error) {
	v := &view{at: s.cfg.Now()}
	var resolved struct {
		DataStreams []struct {
			Name           string   `json:"name"`
			BackingIndices []string `json:"backing_indices"`
		} `json:"data_streams"`
	}
	var settings map[string]struct {
		Settings struct {
			Index struct {
				CreationDate string `json:"creation_date"`
			} `json:"index"`
		} `json:"settings"`
	}
	err := s.cfg.Client.Do(ctx, http.MethodGet, "/_resolve/index/"+url.PathEscape(name), nil, &resolved)
	if err == nil {
		err = s.cfg.Client.Do(ctx, http.MethodGet, "/"+url.PathEscape(name)+"/_settings/index.creation_date", nil, &settings)
	}
	var refused *elasticsearch.Refused
	switch {
	case err == nil:
	case errors.As(err, &refused) && refused.Status == http.StatusNotFound:
		v.missing = true
		return v, nil
	case errors.As(err, &refused) && refused.Status == http.StatusForbidden:
		v.unread = true
		return v, nil
	default:
		return nil, err
	}
	for _, d := range resolved.DataStreams {
		if d.Name == name {
			v.indices = d.BackingIndices
		}
	}
	made := make([]time.Time, len(v.indices))
	for i, index := range v.indices {
		if ms, err := strconv.ParseInt(settings[index].Settings.Index.CreationDate, 10, 64); err == nil {
			made[i] = time.UnixMilli(ms)
		}
	}
	v.closed = closings(made)
	v.missing = len(v.indices) == 0
	return v, nil
}

// closings gives when indices were written to for the last time, of when they were
// made: not after any later one was. One that was shrunk or restored since seems
// younger than it is, which makes the bound looser and not wrong.
func closings(made []time.Time) []time.Time {
	closed := make([]time.Time, len(made))
	for i := range closed {
		for _, m := range made[i+1:] {
			if !m.IsZero() && (closed[i].IsZero() || m.Before(closed[i])) {
				closed[i] = m
			}
		}
	}
	return closed
}

// generation reads the name that Elasticsearch gives to an index behind a data stream,
// .ds-STREAM-2026.11.30-000002: the number in the row of indices, and the first moment
// at which it surely was there. False: it is another name.
func generation(index string) (n int, by time.Time, ok bool) {
	const tail = len("-2006.01.02-000001")
	if len(index) < tail {
		return 0, by, false
	}
	day, number := index[len(index)-tail+1:len(index)-7], index[len(index)-6:]
	at, err := time.Parse("2006.01.02", day)
	if err != nil {
		return 0, by, false
	}
	n, err = strconv.Atoi(number)
	return n, at.AddDate(0, 0, 1), err == nil && n > 0
}
