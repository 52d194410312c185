package store

import (
	"context"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// eventRows are rows as events make them: 2.5 KB of raw JSON and 30 columns, one each
// perRow from a time on.
func eventRows(first, n int, from time.Time, perRow time.Duration) []Row {
	verbs := []string{"get", "list", "watch", "create", "update", "patch", "delete"}
	rows := make([]Row, n)
	for i := range rows {
		k := first + i
		user := fmt.Sprintf("system:serviceaccount:ns-%d:sa-%d", k%40, k*7%300)
		uri := fmt.Sprintf("/api/v1/namespaces/ns-%d/pods/pod-%d", k%40, k*13%5000)
		r := Row{
			ID: fmt.Sprintf("%064x", uint64(k)*0x9e3779b97f4a7c15), Cluster: []string{"prod", "stage", "dev"}[k%3], Time: from.Add(time.Duration(k) * perRow),
			Columns: []Column{
				{"ka.user.name", user}, {"ka.uri", uri}, {"ka.verb", verbs[k*31%7]}, {"ka.response.code", []string{"200", "201", "403", "404", "409"}[k*17%5]},
				{"ka.target.name", fmt.Sprintf("pod-%d", k*13%5000)}, {"ka.target.namespace", fmt.Sprintf("ns-%d", k%40)}, {"ka.target.resource", []string{"pods", "secrets", "configmaps", "leases"}[k%4]},
				{"ka.auth.decision", "allow"}, {"kw.source", fmt.Sprintf("10.0.%d.%d", k%250, k*3%250)}, {"ka.user.groups", `["system:authenticated","system:serviceaccounts"]`},
				{"ka.useragent", fmt.Sprintf("kubelet/v1.%d", 27+k%5)}, {"rules", `["Rule A"]`}, {"tags", `["k8s","mitre"]`}, {"priority", []string{"notice", "warning"}[k%2]},
			},
		}
		for j := len(r.Columns); j < 30; j++ {
			r.Columns = append(r.Columns, Column{fmt.Sprintf("column.%d", j), fmt.Sprintf("v%d", k*j%50)})
		}
		head := fmt.Sprintf(`{"kind":"Event","auditID":"%s","requestURI":"%s","user":{"username":"%s"},"n":%d,`, r.ID[:36], uri, user, k)
		r.Raw = []byte(head + `"object":"` + strings.Repeat(fmt.Sprintf("field-%d ", k%97), 300)[:2300] + `"}`)
		rows[i] = r
	}
	return rows
}

// BenchmarkWrite writes rows in batches of 1000 as a feed does: looked up by ID before,
// and a barrier each second.
func BenchmarkWrite(b *testing.B) {
	s := open(b, b.TempDir())
	from := time.Now().Add(-time.Hour)
	n, synced, before := 0, time.Now(), cpu(b)
	for b.Loop() {
		b.StopTimer()
		rows := eventRows(n, 1000, from, time.Millisecond)
		b.StartTimer()
		_, err := s.Write(context.Background(), rows)
		require.NoError(b, err)
		n += 1000
		if time.Since(synced) > time.Second {
			require.NoError(b, s.Sync(context.Background()))
			synced = time.Now()
		}
	}
	require.NoError(b, s.Sync(context.Background()))
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64((cpu(b)-before).Microseconds())/float64(n), "cpu-µs/row")
	b.ReportMetric(float64(s.Stats().Bytes)/float64(n), "bytes/row")
}

// manyRows is a store of rows over a week. KUBEWITNESS_STORE_ROWS says how many, and
// KUBEWITNESS_STORE_DIR where they are kept for the next time.
func manyRows(b *testing.B) (*Store, time.Time, int) {
	n := 100_000
	if text := os.Getenv("KUBEWITNESS_STORE_ROWS"); text != "" {
		_, err := fmt.Sscan(text, &n)
		require.NoError(b, err)
	}
	dir := os.Getenv("KUBEWITNESS_STORE_DIR")
	if dir == "" {
		dir = b.TempDir()
	}
	s := open(b, dir)
	from := time.Now().UTC().Truncate(day).Add(-7 * day)
	if oldest, _, ok := s.Bounds(); ok {
		from = oldest
	}
	for i := int(s.Stats().Rows); i < n; i += 1000 {
		_, err := s.Write(context.Background(), eventRows(i, 1000, from, 7*day/time.Duration(n)))
		require.NoError(b, err)
	}
	require.NoError(b, s.Sync(context.Background()))
	return s, from, n
}

// cpu is the time on processors that the process has used.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// timed runs a query as a benchmark, and tells its time on processors, which others on
// the machine do not change much.
func timed(b *testing.B, name string, query func(b *testing.B)) {
	b.Run(name, func(b *testing.B) {
		before := cpu(b)
		for b.Loop() {
			query(b)
		}
		b.ReportMetric(float64((cpu(b)-before).Microseconds())/1000/float64(b.N), "cpu-ms/op")
	})
}

func BenchmarkQueries(b *testing.B) {
	s, _, n := manyRows(b)
	page := func(f Filter) func(*testing.B) {
		return func(b *testing.B) {
			seen := 0
			require.NoError(b, s.Newest(context.Background(), Query{Filter: f}, Scan{}, func(Row) error {
				if seen++; seen == 50 {
					return ErrStop
				}
				return nil
			}))
		}
	}
	timed(b, "newest/all", page(nil))
	timed(b, "newest/frequent", page(Equal{"ka.verb", []string{"get"}}))
	timed(b, "newest/seldom", page(Equal{"ka.target.name", []string{"pod-77"}}))
	timed(b, "newest/none", page(Equal{"ka.target.name", []string{"no-such"}}))
	timed(b, "newest/prefix", page(Prefix{"ka.uri", "/api/v1/namespaces/ns-3/pods/pod-1"}))
	timed(b, "newest/contains", page(Contains{"ka.user.name", "sa-77"}))
	timed(b, "newest/regexp", page(Regexp{"ka.uri", "pods/pod-77$"}))
	timed(b, "newest/range", page(Range{"ka.response.code", 400, 1<<64 - 1}))
	timed(b, "newest/raw", page(Raw{Text: "field-13 field-13"}))
	timed(b, "newest/raw-none", page(Raw{Text: "no such text"}))
	timed(b, "newest/raw-any-case-none", page(Raw{Text: "No Such Text", AnyCase: true}))
	timed(b, "newest/20000", func(b *testing.B) {
		seen := 0
		require.NoError(b, s.Newest(context.Background(), Query{}, Scan{}, func(Row) error {
			if seen++; seen == 20_000 {
				return ErrStop
			}
			return nil
		}))
	})
	timed(b, "get", func(b *testing.B) {
		id := fmt.Sprintf("%064x", uint64(n/3)*0x9e3779b97f4a7c15)
		_, ok, err := s.Get(context.Background(), id, nil)
		require.True(b, ok)
		require.NoError(b, err)
	})
	timed(b, "facets", func(b *testing.B) {
		columns := []FacetColumn{{"ka.user.name", false}, {"ka.verb", false}, {"ka.target.resource", false}, {"ka.target.namespace", false},
			{"ka.response.code", false}, {"rules", true}, {"priority", false}, {"cluster", false}}
		_, err := s.Facets(context.Background(), Query{}, columns, 10)
		require.NoError(b, err)
	})
	timed(b, "histogram", func(b *testing.B) {
		_, err := s.Histogram(context.Background(), Query{}, time.Hour)
		require.NoError(b, err)
	})
	timed(b, "count", func(b *testing.B) {
		_, err := s.Count(context.Background(), Query{Filter: Equal{"ka.verb", []string{"get"}}})
		require.NoError(b, err)
	})
}
