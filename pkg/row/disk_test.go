package row_test

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/row"
	"github.com/kubewitness/kubewitness/pkg/store"
	"github.com/kubewitness/kubewitness/test/corpora"
)

var (
	diskEvents  = flag.Int("disk.events", 50_000, "how many events TestDiskOfAnEvent stores")
	diskColumns = flag.Bool("disk.columns", false, "have TestDiskOfAnEvent tell what each column costs, which takes as long again for each")
)

// mostDisk is how many bytes an event may take on disk.
const mostDisk = 700

// TestDiskOfAnEvent stores recorded traffic, over and over as events of their own, and
// looks at what it takes on disk.
func TestDiskOfAnEvent(t *testing.T) {
	events := readFile(t, corpora.Shared(t, "corpora", "normal.jsonl.gz"))
	rows, raw := make([]store.Row, *diskEvents), 0
	start := time.Now().Add(-time.Duration(len(rows)) * time.Millisecond)
	for i := range rows {
		e := another(t, events[i%len(events)], i)
		e.Time = start.Add(time.Duration(i)*time.Millisecond - time.Duration(i%7)*137*time.Microsecond)
		r := recordOf(e)
		r.Received = start.Add(time.Duration(i-i%100) * time.Millisecond) // they come in batches
		rows[i] = row.Encode(r)
		raw += len(e.Raw)
	}
	all := diskOf(t, rows, nil)
	t.Logf("%d events of %d bytes: %.0f bytes on disk each, %.0f without columns", len(rows), raw/len(rows), all, diskOf(t, rows, isColumn))
	require.LessOrEqual(t, all, float64(mostDisk))
	if *diskColumns {
		t.Log(costs(t, rows, all))
	}
}

// another is an event like the one, with another auditID.
func another(t *testing.T, e *audit.Event, n int) *audit.Event {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", e.AuditID, n))
	id := hex.EncodeToString(sum[:16])
	id = strings.Join([]string{id[:8], id[8:12], id[12:16], id[16:20], id[20:]}, "-")
	return parseEvent(t, string(bytes.ReplaceAll(e.Raw, []byte(e.AuditID), []byte(id))))
}

func isColumn(string) bool { return true }

// diskOf is how many bytes a row takes on disk without the columns to be left out.
func diskOf(t *testing.T, rows []store.Row, out func(name string) bool) float64 {
	s, err := store.Open(store.Config{Dir: t.TempDir(), Now: time.Now})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	for batch := range slices.Chunk(rows, 1000) {
		batch = slices.Clone(batch)
		for i := range batch {
			if out != nil {
				batch[i].Columns = slices.DeleteFunc(slices.Clone(batch[i].Columns), func(c store.Column) bool { return out(c.Name) })
			}
		}
		w, err := s.Write(t.Context(), batch)
		require.NoError(t, err)
		require.Equal(t, len(batch), w.Rows)
	}
	require.NoError(t, s.Sync(t.Context()))
	return float64(s.Stats().Bytes) / float64(len(rows))
}

// costs tells what the disk would spare without each of the columns that have more
// than a few bytes.
func costs(t *testing.T, rows []store.Row, all float64) string {
	plain := map[string]int{}
	for _, r := range rows {
		for _, c := range r.Columns {
			plain[c.Name] += len(c.Value)
		}
	}
	type cost struct {
		name  string
		bytes float64
	}
	var found []cost
	for name, n := range plain {
		if n >= len(rows) {
			found = append(found, cost{name, all - diskOf(t, rows, func(c string) bool { return c == name })})
		}
	}
	slices.SortFunc(found, func(a, b cost) int { return cmp.Compare(b.bytes, a.bytes) })
	var b strings.Builder
	for _, c := range found {
		fmt.Fprintf(&b, "\n%6.1f of %5.1f bytes  %s", c.bytes, float64(plain[c.name])/float64(len(rows)), c.name)
	}
	return b.String()
}
