package bench

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/test/corpora"
)

// envProcess set to 1 turns the measurements of the whole process on, which
// take some minutes.
const envProcess = "KUBEWITNESS_BENCH"

// Sizes of what is measured. Sets whose rules take long to load get the events
// several times over.
const (
	repetitions = 5
	eventBytes  = 48 << 20
	largeBytes  = 512 << 20
)

// TestProcess measures the binary as it is run: `replay` of a file, alerts to
// /dev/null. It asserts nothing: figures hang on the machine. It prints the CPU
// time for an event beside that of Python's json.loads for the same events,
// taken by turns, since both change with what else the machine does.
func TestProcess(t *testing.T) {
	if os.Getenv(envProcess) != "1" {
		t.Skipf("it takes minutes: make bench, or set %s=1", envProcess)
	}
	p := newProcess(t)
	for _, corpus := range Corpora {
		t.Run("events="+corpus, func(t *testing.T) { p.table(t, corpus) })
	}
	t.Run("cores", p.cores)
}

type process struct {
	binary string
	python string // "" where there is none
	dir    string
	sets   []processSet
}

type processSet struct {
	name  string
	args  []string
	times int // how often the events are read in one run
}

func newProcess(t *testing.T) *process {
	p := &process{dir: t.TempDir(), sets: []processSet{{name: "builtin", times: 1}}}
	p.binary = filepath.Join(p.dir, "kubewitness")
	build := exec.Command("go", "build", "-trimpath", "-o", p.binary, "./cmd/kubewitness")
	build.Dir = corpora.Root(t)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	if p.python, err = exec.LookPath("python3"); err != nil {
		fmt.Println("no python3 here: without the calibration the figures compare with nothing")
	}
	t.Run("stock", func(t *testing.T) { // skipped where the file is not there
		t.Setenv(corpora.EnvIntegration, "1")
		p.add("stock-48", 1, corpora.Shared(t, "conformance", "stock", "k8s_audit_rules.yaml"))
	})
	sets, err := RuleSets()
	require.NoError(t, err)
	for _, set := range sets[1:] {
		path := filepath.Join(p.dir, set.Files[0].Name)
		require.NoError(t, os.WriteFile(path, set.Files[0].Content, 0o600))
		times := 1
		if strings.HasSuffix(set.Name, "-10000") {
			times = 8
		}
		p.add(set.Name, times, path)
	}
	return p
}

func (p *process) add(name string, times int, rules string) {
	p.sets = append(p.sets, processSet{name, []string{"--rules", rules}, times})
}

// file writes the events of a corpus over and over, up to a size, and tells
// how many events that are.
func (p *process) file(t *testing.T, corpus string, size int) (path string, n int) {
	t.Helper()
	data := events(t, corpus)
	path = filepath.Join(p.dir, fmt.Sprintf("%s-%d.jsonl", corpus, size))
	f, err := os.Create(path)
	require.NoError(t, err)
	defer f.Close()
	for written := 0; written < size; written += len(data) {
		_, err := f.Write(data)
		require.NoError(t, err)
		n += bytes.Count(data, []byte{'\n'})
	}
	return path, n
}

// usage is what a run of the binary took.
type usage struct {
	cpu, wall time.Duration
	memory    int64 // bytes, at most
}

// replay runs the binary on files.
func (p *process) replay(t *testing.T, procs int, args []string, inputs ...string) usage {
	t.Helper()
	cmd := exec.Command(p.binary, append(append([]string{"replay", "--output", "falco-json"}, args...), inputs...)...)
	cmd.Env = append(os.Environ(), "GOMAXPROCS="+strconv.Itoa(procs))
	cmd.Stdout = nil // /dev/null
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	start := time.Now()
	require.NoError(t, cmd.Run(), "%s", &stderr)
	u := usage{cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), wall: time.Since(start)}
	if r, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		u.memory = r.Maxrss << 10
	}
	return u
}

// calibration is all of Python that is measured: the lines are read before.
const calibration = `
import json, sys, time
lines = open(sys.argv[1], encoding="utf-8").readlines()
start = time.process_time()
for line in lines: json.loads(line)
print(time.process_time() - start)`

// calibrate gives the CPU time of json.loads for all events of a file; 0 where
// there is no Python.
func (p *process) calibrate(t *testing.T, path string) time.Duration {
	t.Helper()
	if p.python == "" {
		return 0
	}
	out, err := exec.Command(p.python, "-c", calibration, path).Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		t.Fatalf("%v: %s", err, exit.Stderr)
	}
	require.NoError(t, err)
	seconds, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	require.NoError(t, err)
	return time.Duration(seconds * float64(time.Second))
}

// line is what was measured of a set of rules.
type line struct {
	set    string
	start  time.Duration   // CPU time on an empty file
	each   []time.Duration // CPU time for an event, by repetition
	ratio  []float64       // of that to json.loads
	memory int64
}

// table measures all sets on a corpus and prints them.
func (p *process) table(t *testing.T, corpus string) {
	path, n := p.file(t, corpus, eventBytes)
	empty := filepath.Join(p.dir, "empty.jsonl")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	lines := make([]line, len(p.sets))
	for i, set := range p.sets {
		lines[i] = line{set: set.name, start: p.startUp(t, set, empty)}
	}
	var loads []time.Duration
	for range repetitions {
		for i, set := range p.sets {
			python := p.calibrate(t, path)
			u := p.replay(t, 1, set.args, slices.Repeat([]string{path}, set.times)...)
			lines[i].add(u, n*set.times, python/time.Duration(n))
			loads = append(loads, python/time.Duration(n))
		}
	}
	fmt.Printf("\nevents %s: %d of %d bytes on average, read %d times or more; GOMAXPROCS=1, %d repetitions\n",
		corpus, n, eventBytes/n, eventBytes/len(events(t, corpus))+1, repetitions)
	if p.python != "" {
		fmt.Printf("json.loads: %.1f us of CPU for an event (median)\n", micros(median(loads)))
	}
	printLines(os.Stdout, lines)
}

func (p *process) startUp(t *testing.T, set processSet, empty string) time.Duration {
	t.Helper()
	var all []time.Duration
	for range 3 {
		all = append(all, p.replay(t, 1, set.args, empty).cpu)
	}
	return median(all)
}

func (l *line) add(u usage, events int, python time.Duration) {
	each := (u.cpu - l.start) / time.Duration(events)
	l.each = append(l.each, each)
	l.memory = max(l.memory, u.memory)
	if python > 0 {
		l.ratio = append(l.ratio, float64(each)/float64(python))
	}
}

func printLines(w io.Writer, lines []line) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "rules\tCPU us/event\tlowest\tx json.loads\tlowest\thighest\tstart-up CPU\tmemory\t")
	for _, l := range lines {
		fmt.Fprintf(tw, "%s\t%.1f\t%.1f\t", l.set, micros(median(l.each)), micros(slices.Min(l.each)))
		if len(l.ratio) > 0 {
			fmt.Fprintf(tw, "%.2f\t%.2f\t%.2f\t", median(l.ratio), slices.Min(l.ratio), slices.Max(l.ratio))
		} else {
			fmt.Fprint(tw, "-\t-\t-\t")
		}
		fmt.Fprintf(tw, "%v\t%d MB\t\n", l.start.Round(time.Millisecond), l.memory>>20)
	}
	tw.Flush()
	for _, shape := range []string{"template", "mixed"} {
		if few, many := find(lines, shape+"-100"), find(lines, shape+"-10000"); few != nil && many != nil {
			fmt.Printf("10,000 %s rules cost %.2f times what 100 cost\n", shape, cost(many)/cost(few))
		}
	}
}

func find(lines []line, set string) *line {
	for i := range lines {
		if lines[i].set == set {
			return &lines[i]
		}
	}
	return nil
}

// cost is the ratio to json.loads where there is one, which noise moves least.
func cost(l *line) float64 {
	if len(l.ratio) > 0 {
		return median(l.ratio)
	}
	return micros(median(l.each))
}

// cores compares the time of one core with that of two on a large file.
func (p *process) cores(t *testing.T) {
	if runtime.NumCPU() < 2 {
		t.Skip("one core only")
	}
	path, n := p.file(t, "3k", largeBytes)
	var one, two []time.Duration
	for range repetitions {
		one = append(one, p.replay(t, 1, nil, path).wall)
		two = append(two, p.replay(t, 2, nil, path).wall)
	}
	fmt.Printf("\n%d events, %d MB, our own rules: %v on one core, %v on two: %.2f times as fast (best of each: %.2f)\n",
		n, largeBytes>>20, median(one).Round(time.Millisecond), median(two).Round(time.Millisecond),
		float64(median(one))/float64(median(two)), float64(slices.Min(one))/float64(slices.Min(two)))
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

func median[T cmp.Ordered](of []T) T {
	sorted := slices.Sorted(slices.Values(of))
	return sorted[len(sorted)/2]
}
