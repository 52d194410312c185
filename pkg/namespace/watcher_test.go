package namespace

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/kube"
)

// apiServer answers what a watcher asks. What it is not told to say, it waits for.
type apiServer struct {
	*httptest.Server
	mu      sync.Mutex
	lists   []string          // answers to lists, one after the other; the last again and again
	objects map[string]string // by name
	asked   []string
	notices chan string // "" ends the watch
}

func newAPIServer(t *testing.T, lists ...string) *apiServer {
	s := &apiServer{lists: lists, objects: map[string]string{}, notices: make(chan string)}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.CloseClientConnections)
	return s
}

func (s *apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.asked = append(s.asked, strings.TrimPrefix(r.URL.RequestURI(), "/api/v1/namespaces"))
	if r.URL.Query().Get("watch") != "" {
		s.mu.Unlock()
		s.watch(w, r)
		return
	}
	defer s.mu.Unlock()
	answer := s.objects[strings.TrimPrefix(r.URL.Path, "/api/v1/namespaces/")]
	if r.URL.Path == "/api/v1/namespaces" {
		answer = s.lists[0]
		if len(s.lists) > 1 {
			s.lists = s.lists[1:]
		}
	}
	var status struct {
		Kind string
		Code int
	}
	if json.Unmarshal([]byte(answer), &status) != nil {
		answer, status.Kind, status.Code = `{"kind":"Status","message":"not found"}`, "Status", http.StatusNotFound
	}
	if status.Kind == "Status" {
		w.WriteHeader(status.Code)
	}
	fmt.Fprint(w, answer)
}

func (s *apiServer) watch(w http.ResponseWriter, r *http.Request) {
	w.WriteHeader(http.StatusOK)
	_ = http.NewResponseController(w).Flush()
	for {
		select {
		case n := <-s.notices:
			if n == "" {
				return
			}
			fmt.Fprintln(w, n)
			_ = http.NewResponseController(w).Flush()
		case <-r.Context().Done():
			return
		}
	}
}

func (s *apiServer) questions() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string{}, s.asked...)
}

// watched is a watcher that runs until the test ends; told has what it told.
func (s *apiServer) watched(t *testing.T) (w *Watcher, told chan error) {
	at, err := url.Parse(s.URL)
	require.NoError(t, err)
	told = make(chan error, 100)
	w = New(Config{Client: kube.New(s.Client(), at), Tell: func(err error) { told <- err }, Again: time.Millisecond, Ask: time.Minute})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
		assert.False(t, w.Counters().Live)
	})
	return w, told
}

const watchFrom = "?allowWatchBookmarks=true&resourceVersion=%s&timeoutSeconds=300&watch=1"

func notice(kind, name, version, labels string) string {
	return fmt.Sprintf(`{"type":%q,"object":{"metadata":{"name":%q,"resourceVersion":%q,"labels":%s}}}`, kind, name, version, labels)
}

// TestWatcher: what is listed, what is told, and what is asked for.
func TestWatcher(t *testing.T) {
	s := newAPIServer(t, `{"kind":"NamespaceList","metadata":{"resourceVersion":"7"},"items":[{"metadata":{"name":"shop","labels":{"env":"prod"}}},{"metadata":{"name":"bare"}}]}`)
	s.objects["fresh"] = `{"kind":"Namespace","metadata":{"name":"fresh","labels":{"env":"lab"}}}`
	w, told := s.watched(t)
	require.NoError(t, <-told)
	is := func(name string, want map[string]string, known bool) func() bool {
		return func() bool {
			got, is := w.Labels(t.Context(), name)
			return is == known && assert.ObjectsAreEqual(want, got)
		}
	}
	assert.True(t, is("shop", map[string]string{"env": "prod"}, true)())
	assert.True(t, is("bare", map[string]string{}, true)(), "it is known to have none")
	assert.True(t, is("fresh", map[string]string{"env": "lab"}, true)(), "one that nobody has told of is asked for")
	assert.True(t, is("nowhere", nil, false)())
	s.notices <- notice("ADDED", "fresh", "8", `{"env":"lab"}`)
	s.notices <- notice("MODIFIED", "shop", "9", `{"env":"stage"}`)
	s.notices <- notice("DELETED", "bare", "10", `null`)
	s.notices <- `{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"12"}}}`
	s.notices <- "" // it goes on from there
	s.notices <- notice("ADDED", "later", "13", `{}`)
	require.Eventually(t, func() bool { // from 12 on one is gone, and "later" is the third
		return slices.Contains(s.questions(), fmt.Sprintf(watchFrom, "12")) && w.Counters().Known == 3
	}, time.Minute, time.Millisecond)
	assert.True(t, is("later", map[string]string{}, true)())
	assert.True(t, is("shop", map[string]string{"env": "stage"}, true)())
	assert.True(t, is("bare", nil, false)(), "it is gone")
	questions := s.questions()
	assert.Equal(t, "", questions[0], "a list")
	assert.Contains(t, questions, fmt.Sprintf(watchFrom, "7"))
	assert.Equal(t, 1, strings.Count(strings.Join(questions, "\n")+"\n", "/fresh\n"), "what is told is not asked for")
	assert.Empty(t, told, "the end of a watch is nothing to tell")
	assert.True(t, w.Counters().Live)
	assert.EqualValues(t, 2, w.Counters().Unknown)
}

// TestVersionTooOld: what was not told of is listed again.
func TestVersionTooOld(t *testing.T) {
	s := newAPIServer(t, `{"metadata":{"resourceVersion":"7"}}`, `{"metadata":{"resourceVersion":"90"},"items":[{"metadata":{"name":"shop"}}]}`)
	w, told := s.watched(t)
	require.NoError(t, <-told)
	s.notices <- `{"type":"ERROR","object":{"kind":"Status","code":410,"message":"too old resource version"}}`
	require.Eventually(t, func() bool { return w.Counters().Known == 1 }, time.Minute, time.Millisecond)
	assert.Empty(t, told)
}

// TestNobodyMayRead: it is told once with what to do, nobody is asked, and it mends itself.
func TestNobodyMayRead(t *testing.T) {
	s := newAPIServer(t, `{"kind":"Status","code":403,"message":"kubewitness may not list namespaces"}`, `{"kind":"Status","code":403}`, `{"metadata":{"resourceVersion":"7"}}`)
	w, told := s.watched(t)
	require.EqualError(t, <-told, "kubewitness may not list namespaces; it takes the right to get, list and watch namespaces")
	require.NoError(t, <-told, "then somebody gave it the right")
	assert.True(t, w.Counters().Live)
}

// TestServerGone: what was known last counts, and nobody waits for an answer.
func TestServerGone(t *testing.T) {
	s := newAPIServer(t, `{"metadata":{"resourceVersion":"7"},"items":[{"metadata":{"name":"shop","labels":{"env":"prod"}}}]}`)
	w, told := s.watched(t)
	require.NoError(t, <-told)
	s.Listener.Close()
	s.CloseClientConnections()
	require.ErrorContains(t, <-told, "cannot be reached")
	labels, known := w.Labels(t.Context(), "shop")
	assert.True(t, known)
	assert.Equal(t, map[string]string{"env": "prod"}, labels)
	_, known = w.Labels(t.Context(), "fresh")
	assert.False(t, known)
	assert.Zero(t, w.Counters().Asked)
	assert.Empty(t, told, "the same is told once, however often it is tried")
}
