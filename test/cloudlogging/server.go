// Package cloudlogging is a Cloud Logging for tests: a gRPC server on this machine that keeps entries and gives them as
// the API does, by pages and as they come, and that fails as it is told.
//
// It understands the queries that kubewitness makes, by looking for the comparisons in them, and no others. Nothing in here
// knows how kubewitness reads.
package cloudlogging

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/logging/apiv2/loggingpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// Request is a request of entries.list that came in.
type Request struct {
	Resource, Filter, Token string
	Answered                bool // with a page
	Entries                 int  // in it
}

// Server is a Cloud Logging.
type Server struct {
	loggingpb.UnimplementedLoggingServiceV2Server
	listener net.Listener
	rights   *httptest.Server

	mu          sync.Mutex
	entries     []*loggingpb.LogEntry // by time, then insertId
	requests    []Request
	reached     time.Time // the latest entry that was given in a page
	tails       map[*tail]bool
	tailed      int                 // tails that were asked for
	page        int                 // entries of a page at most
	fail        func(int) error     // for each request by its number, from 0 on; nil: none fails
	blank       func(int) bool      // whether a page comes empty, with a token
	refuse      error               // of tails
	suppress    int                 // entries that tails leave out from now on
	permissions []string            // that are granted; nil: all
	below       map[string][]string // what is in folders and organizations
	failLists   int                 // status of HTTP for who looks; 0: none
}

// New starts a server that ends with the test.
func New(t testing.TB) *Server {
	t.Helper()
	s, stop, err := Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return s
}

// Start starts a server; stop ends it.
func Start() (s *Server, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	s = &Server{listener: l, tails: map[*tail]bool{}, page: 1000}
	g := grpc.NewServer()
	loggingpb.RegisterLoggingServiceV2Server(g, s)
	s.rights = httptest.NewServer(http.HandlerFunc(s.resources))
	done := make(chan error, 1)
	go func() { done <- g.Serve(l) }()
	return s, func() {
		g.Stop()
		<-done
		s.rights.Close()
	}, nil
}

// Addr is where it listens, host:port.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// RightsAddr is where it answers what permissions there are and what is in folders, host:port.
func (s *Server) RightsAddr() string { return strings.TrimPrefix(s.rights.URL, "http://") }

// Add puts entries into the log. Open tails get them.
func (s *Server) Add(entries ...*loggingpb.LogEntry) { s.put(true, entries) }

// AddSilently puts entries into the log that tails say nothing of.
func (s *Server) AddSilently(entries ...*loggingpb.LogEntry) { s.put(false, entries) }

func (s *Server) put(tell bool, entries []*loggingpb.LogEntry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries = append(s.entries, entries...)
	if !slices.IsSortedFunc(s.entries, inOrder) {
		slices.SortStableFunc(s.entries, inOrder)
	}
	if tell {
		for t := range s.tails {
			t.add(entries, &s.suppress)
		}
	}
}

func inOrder(a, b *loggingpb.LogEntry) int {
	if c := a.GetTimestamp().AsTime().Compare(b.GetTimestamp().AsTime()); c != 0 {
		return c
	}
	return strings.Compare(a.GetInsertId(), b.GetInsertId())
}

// Pages sets how many entries a page has at most.
func (s *Server) Pages(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.page = n
}

// Fail lets requests fail, by their number from 0 on.
func (s *Server) Fail(f func(request int) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = f
}

// Blank lets requests be answered by a page without entries, and a token, by their number from 0 on.
func (s *Server) Blank(f func(request int) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blank = f
}

// Grant sets which permissions there are.
func (s *Server) Grant(permissions ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.permissions = append([]string{}, permissions...)
}

// Requests are those that came in so far.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Reached is the time of the latest entry that was given in a page.
func (s *Server) Reached() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reached
}

// ListLogEntries implements the service.
func (s *Server) ListLogEntries(_ context.Context, req *loggingpb.ListLogEntriesRequest) (*loggingpb.ListLogEntriesResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.requests)
	s.requests = append(s.requests, Request{Resource: strings.Join(req.GetResourceNames(), ","), Filter: req.GetFilter(), Token: req.GetPageToken()})
	if s.fail != nil {
		if err := s.fail(n); err != nil {
			return nil, err
		}
	}
	resp, err := s.list(req, s.blank != nil && s.blank(n))
	if err == nil {
		for _, e := range resp.GetEntries() {
			if at := e.GetTimestamp().AsTime(); at.After(s.reached) {
				s.reached = at
			}
		}
		s.requests[n].Answered, s.requests[n].Entries = true, len(resp.GetEntries())
	}
	return resp, err
}

func (s *Server) list(req *loggingpb.ListLogEntriesRequest, blank bool) (*loggingpb.ListLogEntriesResponse, error) {
	f, err := parse(req.GetFilter())
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	if size := req.GetPageSize(); size <= 0 || size > 1000 {
		return nil, status.Errorf(codes.InvalidArgument, "page_size %d", size)
	}
	entries, desc := s.entries, req.GetOrderBy() == "timestamp desc"
	if desc { // the first page only
		entries = slices.Clone(entries)
		slices.Reverse(entries)
	}
	resp := &loggingpb.ListLogEntriesResponse{}
	last, err := tokenOf(req)
	if err != nil {
		return nil, err
	}
	from := 0
	if !desc { // entries behind the last one, or from the filter's begin on
		from, _ = slices.BinarySearchFunc(entries, last, func(e *loggingpb.LogEntry, after place) int {
			return cmp.Or(cmp.Compare(e.GetTimestamp().AsTime().UnixNano(), max(after.At, f.from)), cmp.Compare(e.GetInsertId(), after.ID))
		})
	}
	for i := from; i < len(entries); i++ {
		e := entries[i]
		if !f.matches(req.GetResourceNames(), e) || placeOf(e) == last {
			continue
		}
		if blank || len(resp.Entries) >= min(s.page, int(req.GetPageSize())) {
			resp.NextPageToken = newToken(req, last)
			break
		}
		resp.Entries = append(resp.Entries, proto.Clone(e).(*loggingpb.LogEntry))
		last = placeOf(e)
	}
	return resp, nil
}

// place is where in the log an entry is.
type place struct {
	At int64 // Unix nanoseconds
	ID string
}

func placeOf(e *loggingpb.LogEntry) place {
	return place{e.GetTimestamp().AsTime().UnixNano(), e.GetInsertId()}
}

// token is what a page token says: a page begins behind an entry, for one query.
type token struct {
	Filter string
	After  place
}

func newToken(req *loggingpb.ListLogEntriesRequest, after place) string {
	return base64.StdEncoding.EncodeToString(must(json.Marshal(token{req.GetFilter(), after})))
}

func tokenOf(req *loggingpb.ListLogEntriesRequest) (after place, err error) {
	if req.GetPageToken() == "" {
		return place{}, nil
	}
	var t token
	text, err := base64.StdEncoding.DecodeString(req.GetPageToken())
	if err == nil {
		err = json.Unmarshal(text, &t)
	}
	if err != nil || t.Filter != req.GetFilter() {
		return place{}, status.Error(codes.InvalidArgument, "page_token doesn't match arguments from the request")
	}
	return t.After, nil
}

// testPermissions answers which of some permissions there are.
func (s *Server) testPermissions(w http.ResponseWriter, r *http.Request) {
	var asked struct{ Permissions []string }
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		http.Error(w, "no question", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	granted := []string{}
	for _, p := range asked.Permissions {
		if s.permissions == nil || slices.Contains(s.permissions, p) {
			granted = append(granted, p)
		}
	}
	s.mu.Unlock()
	_ = json.NewEncoder(w).Encode(map[string][]string{"permissions": granted})
}
