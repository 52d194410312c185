package cloudlogging

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/ingest/gcp"
	server "github.com/kubewitness/kubewitness/test/cloudlogging"
)

func newHistory(t testing.TB, change func(*HistoryConfig)) (*server.Server, *History) {
	t.Helper()
	s := server.New(t)
	client, err := Dial(t.Context(), Access{Endpoint: s.Addr()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	cfg := HistoryConfig{
		Client: client, Quotas: &Quotas{PerMinute: 1_000_000, Now: time.Now}, Backoff: time.Millisecond,
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), Now: time.Now,
	}
	if change != nil {
		change(&cfg)
	}
	h, err := NewHistory(cfg)
	require.NoError(t, err)
	return s, h
}

// auditIDsOf are those of the events in lines, as an import reads them.
func auditIDsOf(t testing.TB, lines []byte) (ids []string) {
	t.Helper()
	r := audit.NewReader(bytes.NewReader(lines), "lines", audit.Limits{})
	r.ConvertWith(new(gcp.Stream))
	for {
		e, err := r.Next()
		if err == io.EOF {
			return ids
		}
		require.NoError(t, err)
		ids = append(ids, e.AuditID)
	}
}

var begin = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// stretch is so many minutes of the project's log.
func stretch(from, to int) Stretch {
	return Stretch{server.Project, begin.Add(time.Duration(from) * time.Minute), begin.Add(time.Duration(to) * time.Minute)}
}

// TestHistory: stretches are read side by side, each entry once, by no more requests than each takes; what a piece says is
// done is in it and in those before.
func TestHistory(t *testing.T) {
	s, h := newHistory(t, nil)
	s.Add(server.Entries(0, 6000, begin, 600*time.Millisecond)...) // an hour
	split := server.Split(server.Entry(server.Made{N: 6000, At: begin.Add(30 * time.Minute)}), 3)
	s.Add(split...)
	stretches := Divide([]Stretch{stretch(0, 50)}, 4, time.Minute)
	require.Len(t, stretches, 4)
	done := map[time.Time]time.Time{}
	var ids []string
	require.NoError(t, h.Read(t.Context(), stretches, func(p Piece) error {
		ids = append(ids, auditIDsOf(t, p.Lines)...)
		if p.Entries > 0 {
			assert.NotEmpty(t, p.Lines)
		}
		for _, s := range stretches {
			if !p.From.Before(s.From) && p.From.Before(s.To) {
				if at, ok := done[s.From]; ok {
					assert.Equal(t, at, p.From)
				}
				done[s.From] = p.To
			}
		}
		return nil
	}))
	assert.ElementsMatch(t, append(names(0, 5000), "a-6000"), ids)
	for _, s := range stretches {
		assert.Equal(t, s.To, done[s.From])
	}
	assert.Len(t, s.Requests(), 4*2, "1,250 entries each")
	read, quota := h.Counters()
	assert.EqualValues(t, 8, read.Requests)
	assert.EqualValues(t, 8, quota.Requests)
}

// TestHistoryEnds with the first thing that goes wrong and does not pass.
func TestHistoryEnds(t *testing.T) {
	s, h := newHistory(t, nil)
	s.Add(server.Entries(0, 6000, begin, 600*time.Millisecond)...)
	stop := errors.New("stop")
	assert.ErrorIs(t, h.Read(t.Context(), Divide([]Stretch{stretch(0, 60)}, 6, time.Minute), func(Piece) error { return stop }), stop)
	s.Fail(func(int) error { return status.Error(codes.PermissionDenied, "no") })
	var refused *Refused
	assert.ErrorAs(t, h.Read(t.Context(), []Stretch{stretch(0, 60)}, func(Piece) error { return nil }), &refused)
	assert.Equal(t, "PermissionDenied", refused.Code)
	s.Fail(nil)
	assert.NoError(t, h.Read(t.Context(), nil, nil))
}

// TestHistoryResumes: a run that was ended goes on with what is not done, and nothing is missed.
func TestHistoryResumes(t *testing.T) {
	s, h := newHistory(t, func(c *HistoryConfig) { c.Workers = 2 })
	s.Pages(100)
	s.Add(server.Entries(0, 3000, begin, time.Second)...)
	dir := t.TempDir()
	all := stretch(0, 60)
	rng := rand.New(rand.NewPCG(1, 1))
	got := map[string]bool{}
	stop := errors.New("stop")
	runs := 0
	for ; ; runs++ {
		p, err := OpenProgress(dir, "these")
		require.NoError(t, err)
		left := p.Left(all)
		if len(left) == 0 {
			break
		}
		pieces := rng.IntN(8)
		err = h.Read(t.Context(), Divide(left, 3, time.Minute), func(piece Piece) error {
			if pieces--; pieces < 0 {
				return stop
			}
			for _, id := range auditIDsOf(t, piece.Lines) {
				got[id] = true
			}
			p.Done(piece.Stretch)
			return p.Save()
		})
		if err != nil {
			require.ErrorIs(t, err, stop)
		}
	}
	assert.Len(t, got, 3000)
	assert.Greater(t, runs, 3)
}

// TestProgress against a list of minutes.
func TestProgress(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for range 200 {
		p := &Progress{done: map[string][]interval{}}
		var done [61]bool
		for range rng.IntN(8) {
			from := rng.IntN(60)
			to := from + rng.IntN(60-from) + rng.IntN(2)
			p.Done(stretch(from, to))
			for m := from; m < to; m++ {
				done[m] = true
			}
		}
		from := rng.IntN(60)
		to := from + rng.IntN(60-from)
		var want, got []int
		for m := from; m < to; m++ {
			if !done[m] {
				want = append(want, m)
			}
		}
		for _, s := range Divide(p.Left(stretch(from, to)), rng.IntN(5), time.Minute) {
			require.True(t, s.To.After(s.From))
			for at := s.From; at.Before(s.To); at = at.Truncate(time.Minute).Add(time.Minute) {
				got = append(got, int(at.Sub(begin)/time.Minute))
			}
		}
		slices.Sort(got)
		assert.Equal(t, want, slices.Compact(got))
	}
}

// TestProgressNotUnderstood: nothing is read again, or left out, by mistake.
func TestProgressNotUnderstood(t *testing.T) {
	dir := t.TempDir()
	p, err := OpenProgress(dir, "these")
	require.NoError(t, err)
	p.Done(stretch(0, 1))
	require.NoError(t, p.Save())
	p.Forget()
	assert.Equal(t, []Stretch{stretch(0, 1)}, p.Left(stretch(0, 1)))
	for text, problem := range map[string]string{"x": "invalid", `{"version":9}`: "version 9", `{"version":1,"of":"those"}`: "those", `{"version":1,"of":"these","more":1}`: "unknown"} {
		require.NoError(t, os.WriteFile(p.path, []byte(text), 0o600))
		_, err := OpenProgress(dir, "these")
		assert.ErrorContains(t, err, "remove it to read all again")
		assert.ErrorContains(t, err, problem)
	}
}

// TestUnspelled: what has no form in JSON is rejected by who reads the lines, and so counted.
func TestUnspelled(t *testing.T) {
	var p Piece
	p.add(oddEntries(t)["time out of range"], oddEntries(t)["unknown detail"])
	r := audit.NewReader(bytes.NewReader(p.Lines), "lines", audit.Limits{})
	r.ConvertWith(new(gcp.Stream))
	_, err := r.Next()
	var rej *audit.Rejection
	require.ErrorAs(t, err, &rej)
	assert.Equal(t, audit.ReasonEntry, rej.Reason)
	e, err := r.Next()
	require.NoError(t, err)
	assert.Equal(t, "a-1", e.AuditID)
}
