package main

import (
	"bytes"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/replay"
)

func TestProgressLine(t *testing.T) {
	for _, tt := range []struct {
		at   replay.Progress
		want string
	}{
		{replay.Progress{}, "0 B  0 events  0/s  0 alerts"},
		{replay.Progress{Total: 1000}, "  0%  0 B  0 events  0/s  0 alerts"},
		{replay.Progress{Bytes: 250_000, Total: 1_000_000, Events: 300, Alerts: 2, Elapsed: 3 * time.Second}, " 25%  250.0 kB  300 events  100/s  2 alerts  9s left"},
		{replay.Progress{Bytes: 1_000_000, Total: 1_000_000, Events: 1, Elapsed: time.Second}, "100%  1.0 MB  1 events  1/s  0 alerts  0s left"},
		{replay.Progress{Bytes: 2_500_000_000, Events: 7_000_000, Elapsed: 10 * time.Second}, "2.5 GB  7000000 events  700000/s  0 alerts"},
		// A log that grows while it is read.
		{replay.Progress{Bytes: 1500, Total: 1000, Events: 1, Elapsed: time.Second}, "100%  1.5 kB  1 events  1/s  0 alerts  0s left"},
	} {
		var b bytes.Buffer
		p := &progressLine{w: &b}
		p.clear()
		require.Empty(t, b.String(), "nothing is there to be cleared")
		p.draw(tt.at)
		assert.Equal(t, "\r\x1b[K"+tt.want, b.String())
		b.Reset()
		p.clear()
		p.clear()
		assert.Equal(t, "\r\x1b[K", b.String())
	}
}

func TestSize(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 999: "999 B", 1000: "1.0 kB", 1550: "1.6 kB", 999_949: "999.9 kB", 1_000_000: "1.0 MB", 1 << 31: "2.1 GB", 1 << 62: "4.6 EB",
	} {
		assert.Equal(t, want, size(n))
	}
}

// TestNoTerminal: neither a file nor what is no file is one.
func TestNoTerminal(t *testing.T) {
	f, err := os.Create(t.TempDir() + "/f")
	require.NoError(t, err)
	defer f.Close()
	assert.False(t, isTerminal(f))
	assert.False(t, isTerminal(&bytes.Buffer{}))
	assert.False(t, useColor(f))
	null, err := os.Open(os.DevNull)
	require.NoError(t, err)
	defer null.Close()
	assert.False(t, isTerminal(null))
}
