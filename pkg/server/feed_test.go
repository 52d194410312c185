package server

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/sink"
	"github.com/kubewitness/kubewitness/pkg/spool"
)

// moody is a sink that fails as it is told to.
type moody struct{ err error }

func (m *moody) Name() string                                 { return "moody" }
func (m *moody) Write(context.Context, []*record.Event) error { return m.err }
func (m *moody) Counters() sink.Counters                      { return sink.Counters{} }
func (m *moody) Close() error                                 { return nil }

// TestFailingOutputIsTold: the service's log says when an output begins to fail, and
// when that is over, not how often it was tried.
func TestFailingOutputIsTold(t *testing.T) {
	var log bytes.Buffer
	out := new(moody)
	f := &feed{sink: out, out: out, logger: slog.New(slog.NewTextHandler(&log, nil))}
	raw := []byte(`{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"a","stage":"Panic","stageTimestamp":"2026-11-21T10:00:00Z"}`)
	d := spool.Delivery{First: 1, Records: []spool.Record{{Kind: "webhook", Cluster: "prod", Events: []spool.Item{{Raw: raw, Notes: record.EncodeNotes(record.Notes{})}}}}}
	ended, end := context.WithCancel(t.Context())
	end()
	for _, step := range []struct {
		ctx  context.Context
		err  error
		told string
	}{
		{t.Context(), nil, ""},
		{ended, errors.New("interrupted"), ""},
		{t.Context(), sink.Recoverable{Err: errors.New("no route")}, "level=WARN msg=\"output fails"},
		{t.Context(), errors.New("still no route"), ""},
		{t.Context(), nil, "level=INFO msg=\"output takes"},
		{t.Context(), nil, ""},
		{t.Context(), sink.Permanent{Err: errors.New("no such thing")}, "level=ERROR msg=\"output will never take"},
		{t.Context(), sink.Permanent{Err: errors.New("no such thing")}, "level=ERROR msg=\"output will never take"},
		{t.Context(), errors.New("no route"), "level=WARN msg=\"output fails"},
	} {
		log.Reset()
		out.err = step.err
		err := f.handle(step.ctx, d)
		require.Equal(t, step.err == nil, err == nil, "%v", err)
		if step.told == "" {
			assert.Empty(t, log.String())
			continue
		}
		assert.Contains(t, log.String(), step.told)
		assert.Contains(t, log.String(), "output=moody")
		if step.err != nil {
			assert.Contains(t, log.String(), step.err.Error()+`"`)
		}
	}
}
