package load

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/test/bench"
	"github.com/kubewitness/kubewitness/test/corpora"
	"github.com/kubewitness/kubewitness/test/rulegen"
)

// Variables of the environment.
const (
	envLoad    = "KUBEWITNESS_LOAD"         // 1: the whole measurement
	envTime    = "KUBEWITNESS_LOAD_TIME"    // how long each run takes; a minute
	envRuns    = "KUBEWITNESS_LOAD_RUNS"    // names of runs, with commas; all
	envProfile = "KUBEWITNESS_LOAD_PROFILE" // a file: the service runs in a test binary that writes its CPU profile there
)

// run is one line of the table.
type run struct {
	name  string
	rules bool // a hundred generated ones; else the built-in ones
	plan  Plan
	store bool // events are kept in the embedded store too
}

// The runs: as fast as it goes, what is asked for, what an API server sends at
// most, and events one by one as admission and Pub/Sub bring them.
var runs = []run{
	{"max", true, Plan{Events: 400, Connections: 8}, false},
	{"20000", true, Plan{Events: 400, Rate: 20000, Connections: 16}, false},
	{"4000", true, Plan{Events: 400, Rate: 4000, Connections: 8}, false},
	{"single", true, Plan{Events: 1, Connections: 64}, false},
	{"max-builtin", false, Plan{Events: 400, Connections: 8}, false},
	{"4000-builtin", false, Plan{Events: 400, Rate: 4000, Connections: 8}, false},
	{"max-store", true, Plan{Events: 400, Connections: 8}, true},
	{"4000-store", true, Plan{Events: 400, Rate: 4000, Connections: 8}, true},
}

// TestLoad measures and prints. It asserts that nothing is lost, and nothing about
// time, which hangs on the machine.
func TestLoad(t *testing.T) {
	if os.Getenv(envLoad) != "1" {
		t.Skipf("it takes minutes: make load, or set %s=1", envLoad)
	}
	span := time.Minute
	if text := os.Getenv(envTime); text != "" {
		var err error
		span, err = time.ParseDuration(text)
		require.NoError(t, err)
	}
	only := strings.FieldsFunc(os.Getenv(envRuns), func(r rune) bool { return r == ',' })
	w := newWorkshop(t)
	var all []Measurement
	for _, r := range runs {
		if len(only) > 0 && !slices.Contains(only, r.name) {
			continue
		}
		r.plan.Time = span
		t.Run(r.name, func(t *testing.T) { all = append(all, w.measure(t, r)) })
	}
	Print(os.Stdout, all)
}

// TestNothingIsLost sends for a second, slowly, and looks at counts only.
func TestNothingIsLost(t *testing.T) {
	if _, err := CPU("self"); err != nil {
		t.Skip("the kernel does not tell what a process takes")
	}
	w := newWorkshop(t)
	for _, r := range []run{
		{"batches", true, Plan{Events: 40, Rate: 400, Connections: 2, Time: time.Second}, false},
		{"stored", true, Plan{Events: 40, Rate: 400, Connections: 2, Time: time.Second}, true},
		{"single", false, Plan{Events: 1, Rate: 100, Connections: 4, Time: time.Second}, false},
	} {
		m := w.measure(t, r)
		assert.Equal(t, int(r.plan.Rate), m.Result.Events)
		assert.Zero(t, m.Result.Refused)
		assert.Positive(t, m.Service)
		if !r.rules {
			assert.Positive(t, m.Found)
		}
	}
}

// workshop is what runs have in common.
type workshop struct {
	binary   string
	rules    string
	recorded []byte
}

func newWorkshop(t *testing.T) *workshop {
	t.Helper()
	w := &workshop{binary: filepath.Join(t.TempDir(), "kubewitness"), rules: filepath.Join(t.TempDir(), "rules.yaml")}
	build := exec.Command("go", "build", "-trimpath", "-o", w.binary, "./cmd/kubewitness")
	build.Dir = corpora.Root(t)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.NoError(t, os.WriteFile(w.rules, rulegen.Template(100), 0o600))
	w.recorded, err = bench.Events("3k")
	require.NoError(t, err)
	return w
}

// measure starts a service of its own for a run: no run's memory or backlog is
// another's.
func (w *workshop) measure(t *testing.T, r run) Measurement {
	t.Helper()
	s, err := Start(w.command(t, r), os.Stderr)
	require.NoError(t, err)
	defer func() { assert.NoError(t, s.Stop()) }()
	m, err := Measure(t.Context(), r.name, s, r.plan, w.recorded)
	require.NoError(t, err)
	to := outputs
	if r.store {
		to++
	}
	require.NoError(t, m.Lost(to))
	return m
}

// outputs is how many outputs the service has: to standard output, which nobody
// reads, and to a file. The embedded store is another.
const outputs = 2

// command starts the binary, or this test binary in its place when a profile is
// wanted; see TestMain.
func (w *workshop) command(t *testing.T, r run) *exec.Cmd {
	t.Helper()
	dir := t.TempDir()
	paths := ""
	if r.rules {
		paths = strconv.Quote(w.rules)
	}
	file := filepath.Join(dir, "load.yaml")
	require.NoError(t, os.WriteFile(file, fmt.Appendf(nil, settings, dir, paths, r.store, filepath.Join(dir, "detections.jsonl")), 0o600))
	profile := os.Getenv(envProfile)
	if profile == "" {
		cmd := exec.Command(w.binary, "serve", "--config", file)
		cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "KUBEWITNESS_") })
		return cmd
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), envServe+"="+file, envProfile+"="+profile+"."+r.name)
	return cmd
}

// settings of the service: folder, rules, file of an output.
const settings = `
data: %q
rules: {paths: [%s]}
webhook: {listen: "127.0.0.1:0", insecure: true}
http: {listen: "127.0.0.1:0"}
log: {format: json}
store: {enabled: %t}
outputs:
  stdout: {enabled: true}
  file: {path: %q}
`

func TestLatencyIsThatOfAShare(t *testing.T) {
	var r Result
	assert.Zero(t, r.Latency(0.5))
	for i := range 100 {
		r.Latencies = append(r.Latencies, time.Duration(i+1))
	}
	for share, want := range map[float64]time.Duration{0: 1, 0.5: 51, 0.99: 100, 1: 100} {
		assert.Equal(t, want, r.Latency(share), strconv.FormatFloat(share, 'g', -1, 64))
	}
}

func TestRequestsDifferInTheirIdentitiesOnly(t *testing.T) {
	recorded, err := bench.Events("3k")
	require.NoError(t, err)
	all, err := newItems(recorded)
	require.NoError(t, err)
	r := newRequest("127.0.0.1:1", all, len(all)-1, 3)
	r.mark(1)
	one := string(r.bytes)
	r.mark(2)
	two := string(r.bytes)
	assert.NotEqual(t, one, two)
	assert.Equal(t, 3, strings.Count(one, `"auditID":"0100000000000000`), fmt.Sprintf("%.300s", one))
	assert.Equal(t, one, strings.ReplaceAll(two, `"auditID":"0200000000000000`, `"auditID":"0100000000000000`))
}
