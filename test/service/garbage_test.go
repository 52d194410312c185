package service

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestGarbage sends a service what no API server would, beside one that works: it is
// answered for what it is, and the good sender is never turned away.
func TestGarbage(t *testing.T) {
	long(t)
	g := newGarbage(t, uint64(time.Now().UnixNano()))
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	m := newMaker(t, g.seed)
	wg.Go(func() { g.feed(ctx, m) })
	defer wg.Wait()
	defer stop()
	for _, c := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"RandomBytes", g.randomBytes},
		{"WrongTypes", g.wrongTypes},
		{"WrongPlaces", g.wrongPlaces},
		{"TooLarge", g.tooLarge},
		{"SlowLoris", g.slowLoris},
		{"Connections", g.connections},
	} {
		before := g.senders.counts(http.StatusOK)
		t.Run(c.name, c.run)
		eventually(t, "the good sender goes on", func() bool { return g.senders.counts(http.StatusOK) > before+5 })
	}
	stop()
	wg.Wait()
	g.process.drained(t)
	requireAll(t, g.senders, g.receiver)
	for status, n := range g.senders.answers {
		require.Contains(t, []int{0, http.StatusOK}, status, "%d answers to the good sender", n)
	}
	require.LessOrEqual(t, g.senders.counts(0), 1, "the one that was broken off at the end")
	t.Logf("%d bodies of the good sender acknowledged, the slowest in %v; %s", g.senders.counts(http.StatusOK), g.slowest, g.peak(t))
	g.process.terminate(t)
}

// garbage is a service with a good sender.
type garbage struct {
	seed     uint64
	rng      *rand.Rand
	receiver *receiver
	senders  *senders
	process  *process
	slowest  time.Duration // answer to the good sender
}

func newGarbage(t *testing.T, seed uint64) *garbage {
	t.Logf("seed %d", seed)
	dir := t.TempDir()
	g := &garbage{seed: seed, rng: rand.New(rand.NewPCG(seed, 0)), receiver: newReceiver(t), senders: newSenders(1)}
	g.process = start(t, plan{binary: binary(t, ""), dir: dir, config: withHTTP(filepath.Join(dir, "data"), "1MiB", g.receiver) +
		fmt.Sprintf("clusters: [{name: %s}]\n", cluster)})
	require.NotEmpty(t, g.process.webhook, "%s", g.process.log())
	return g
}

// feed is the good sender.
func (g *garbage) feed(ctx context.Context, m *maker) {
	for ctx.Err() == nil {
		b := m.next()
		began := time.Now()
		g.senders.once(ctx, g.process, b)
		g.slowest = max(g.slowest, time.Since(began))
		pause(ctx, 20*time.Millisecond)
	}
}

// peak is the most memory that the process had.
func (g *garbage) peak(t *testing.T) string {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", g.process.cmd.Process.Pid))
	if err != nil {
		return "memory is not known here"
	}
	for line := range strings.Lines(string(status)) {
		if strings.HasPrefix(line, "VmHWM") {
			return strings.Join(strings.Fields(line), " ")
		}
	}
	return ""
}

// ask sends a request and gives the status of the answer; 0 if there is none.
func (g *garbage) ask(t *testing.T, method, path string, body io.Reader, change func(*http.Request)) (code int) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+g.process.webhook+path, body)
	require.NoError(t, err)
	if change != nil {
		change(req)
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body) // the status is what counts
	return resp.StatusCode
}

func (g *garbage) randomBytes(t *testing.T) {
	noise := rand.NewChaCha8([32]byte{1})
	for range 200 {
		b := make([]byte, g.rng.IntN(64<<10))
		_, _ = noise.Read(b)
		require.Equal(t, http.StatusOK, g.ask(t, http.MethodPost, "/audit/"+cluster, bytes.NewReader(b), nil), "kept as a dead letter")
	}
}

func (g *garbage) wrongTypes(t *testing.T) {
	list := func(items string) string {
		return `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":` + items + `}`
	}
	for _, text := range []string{
		"", " ", "null", "0", "-", `"text"`, "[]", "{}", "[[[]]]", "{", "[1,2,3]", list("null"), list("{}"), list("7"), list(`["a",null,{},[]]`),
		list(`[{"auditID":7,"stage":[],"verb":{},"user":"u","objectRef":[1]}]`), `{"kind":"Pod","apiVersion":"v1"}`,
		strings.Repeat("[", 100_000), strings.Repeat(`{"a":`, 100_000), list("[" + strings.Repeat("{},", 100_000) + "{}]"),
		"\xff\xfe{\x00}\x00", "\x1f\x8b\x08", "\x1f\x8b\x08\x00garbage garbage garbage",
	} {
		require.Equal(t, http.StatusOK, g.ask(t, http.MethodPost, "/audit/"+cluster, strings.NewReader(text), nil), "%.100q", text)
	}
}

func (g *garbage) wrongPlaces(t *testing.T) {
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	for _, c := range []struct {
		method, path string
		change       func(*http.Request)
		want         int
	}{
		{http.MethodPost, "/audit/another", nil, http.StatusForbidden},
		{http.MethodPost, "/audit", header("X-Kubewitness-Cluster", "another"), http.StatusForbidden},
		{http.MethodPost, "/audit/" + cluster + "/secret/more", nil, http.StatusNotFound},
		{http.MethodPost, "/elsewhere", nil, http.StatusNotFound},
		{http.MethodPost, "/metrics", nil, http.StatusNotFound},
		{http.MethodGet, "/audit/" + cluster, nil, http.StatusMethodNotAllowed},
		{http.MethodDelete, "/audit/" + cluster, nil, http.StatusMethodNotAllowed},
		{http.MethodPost, "/audit/" + cluster, header("Content-Encoding", "br"), http.StatusUnsupportedMediaType},
		{http.MethodPost, "/audit/" + cluster, header("Origin", "https://example.com"), http.StatusForbidden},
		{http.MethodPost, "/audit/" + cluster, func(r *http.Request) { r.Host = "example.com" }, http.StatusForbidden},
	} {
		assert.Equal(t, c.want, g.ask(t, c.method, c.path, strings.NewReader("{}"), c.change), "%s %s", c.method, c.path)
	}
}

// zeros is n bytes of blanks.
func zeros(n int64) io.Reader { return io.LimitReader(blanks{}, n) }

type blanks struct{}

func (blanks) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func (g *garbage) tooLarge(t *testing.T) {
	const size = 70 << 20
	told := g.ask(t, http.MethodPost, "/audit/"+cluster, zeros(size), func(r *http.Request) {
		r.ContentLength = size
		r.Header.Set("Expect", "100-continue")
	})
	assert.Equal(t, http.StatusRequestEntityTooLarge, told)
	// Where the length is not told the answer may come in the middle of the body, and
	// the connection may break before it is read.
	assert.Contains(t, []int{0, http.StatusRequestEntityTooLarge}, g.ask(t, http.MethodPost, "/audit/"+cluster, zeros(size), nil))
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	_, err := io.Copy(z, zeros(size))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	assert.Equal(t, http.StatusRequestEntityTooLarge, g.ask(t, http.MethodPost, "/audit/"+cluster, &bomb, nil))
}

// slowLoris opens connections and sends almost nothing on them: the service closes
// them in its own time.
func (g *garbage) slowLoris(t *testing.T) {
	var conns []net.Conn
	for i := range 300 {
		c, err := net.Dial("tcp", g.process.webhook)
		require.NoError(t, err)
		defer c.Close()
		text := "POST /audit/" + cluster + " HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "
		if i%2 == 0 {
			text = "POST /audit/" + cluster + " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 67000000\r\n\r\n{"
		}
		_, err = io.WriteString(c, text)
		require.NoError(t, err)
		conns = append(conns, c)
	}
	before := g.senders.counts(http.StatusOK)
	eventually(t, "the good sender goes on", func() bool { return g.senders.counts(http.StatusOK) > before+20 })
	for _, c := range conns {
		require.NoError(t, c.SetReadDeadline(time.Now().Add(patience)))
		_, err := io.Copy(io.Discard, c)
		require.NotErrorIs(t, err, os.ErrDeadlineExceeded, "it is held open")
	}
}

// connections opens 10,000 connections, fewer where the limit is lower.
func (g *garbage) connections(t *testing.T) {
	n := 10_000
	var limit syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit))
	if most := int(limit.Cur) - 500; most < n {
		n = most
		t.Logf("%d connections only: that many files may be open (ulimit -n)", n)
	}
	var conns []net.Conn
	defer func() {
		for _, c := range conns {
			_ = c.Close()
		}
	}()
	for range n {
		c, err := net.Dial("tcp", g.process.webhook)
		require.NoError(t, err)
		conns = append(conns, c)
	}
	before := g.senders.counts(http.StatusOK)
	eventually(t, "the good sender goes on", func() bool { return g.senders.counts(http.StatusOK) > before+20 })
	body := list([]item{newMaker(t, g.seed+1).one(recorded(t).plain[0], 0)})
	fresh := fmt.Sprintf("POST /audit/%s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %s\r\n\r\n%s", cluster, strconv.Itoa(len(body.data)), body.data)
	last := conns[len(conns)-1]
	_, err := io.WriteString(last, fresh)
	require.NoError(t, err)
	require.NoError(t, last.SetReadDeadline(time.Now().Add(patience)))
	answer := make([]byte, 15)
	_, err = io.ReadFull(last, answer)
	require.NoError(t, err)
	require.Equal(t, "HTTP/1.1 200 OK", string(answer), "on the last connection")
}
