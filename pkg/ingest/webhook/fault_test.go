package webhook

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/spool"
)

// dial opens a connection to a server and writes text to it.
func dial(t *testing.T, url, text string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
	_, err = io.WriteString(conn, text)
	require.NoError(t, err)
	return conn
}

// status reads the answer that comes on a connection.
func status(t *testing.T, conn net.Conn) int {
	t.Helper()
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	return answer.StatusCode
}

// head is the head of a request with the token of prod.
func head(length int) string {
	return fmt.Sprintf("POST /audit/prod?timeout=30s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n", token, length)
}

func send200(t *testing.T, w *world, id string) {
	t.Helper()
	assert.Equal(t, 200, w.do(post("/audit/prod", list(item(id)))).Code)
}

func TestSlowBodyIsGivenUp(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.BodyTimeout = 200 * time.Millisecond })
	url := start(t, w, nil)
	slow := dial(t, url, head(1000)+"{")
	send200(t, w, "good")
	assert.Equal(t, 408, status(t, slow))
	assert.Equal(t, []string{"prod good"}, w.log.content())
	assert.Zero(t, w.Counters().InHand)
}

func TestBodyThatBreaksOff(t *testing.T) {
	w := newWorld(t, nil)
	conn := dial(t, start(t, w, nil), head(1000)+list(item("a")))
	require.NoError(t, conn.(*net.TCPConn).CloseWrite())
	assert.Equal(t, 400, status(t, conn))
	assert.Empty(t, w.log.content(), "what is broken off comes again as a whole")
}

func TestManyConnectionsThatSayNothing(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.MaxInHand, c.MaxBody = 8<<20, 1<<20 })
	accepted := make(chan struct{}, 2000)
	s := httptest.NewUnstartedServer(nil)
	s.Config = NewServer(w, nil)
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			accepted <- struct{}{}
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	for i := range 1000 {
		dial(t, s.URL, []string{"", "POST /audit", head(1 << 20), head(1<<20) + "{"}[i%4])
		<-accepted // the kernel drops what does not fit into its queue, and that is not what is tested here
	}
	body := list(item("good"))
	assert.Equal(t, 200, status(t, dial(t, s.URL, head(len(body))+body)))
	assert.Equal(t, []string{"prod good"}, w.log.content())
}

// TestMoreBodiesInHandThanMemory holds bodies back in the log until no more is taken in.
func TestMoreBodiesInHandThanMemory(t *testing.T) {
	const senders = 30
	w := newWorld(t, func(c *Config) { c.MaxBody, c.MaxInHand, c.Judges = 1<<20, 16<<20, 2*senders })
	w.log.gate = make(chan struct{})
	answers := make(chan *httptest.ResponseRecorder, senders)
	for i := range senders {
		go func() { answers <- w.do(post("/audit", list(item(fmt.Sprint(i)))+strings.Repeat(" ", 900<<10))) }()
	}
	require.Eventually(t, func() bool { return len(answers)+w.Counters().Taking == senders }, patience, time.Millisecond)
	away, held := len(answers), w.Counters().InHand
	assert.Positive(t, away)
	assert.Positive(t, held)
	assert.LessOrEqual(t, held, int64(16<<20))
	for range away {
		got := <-answers
		assert.Equal(t, 429, got.Code)
		assert.Equal(t, "3", got.Header().Get("Retry-After"))
	}
	close(w.log.gate)
	for range senders - away {
		assert.Equal(t, 200, (<-answers).Code)
	}
	assert.Zero(t, w.Counters().InHand)
	send200(t, w, "after")
}

func TestBodiesWaitForTheirTurn(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Judges = 1 })
	w.log.gate = make(chan struct{})
	large := func(id string) string { return list(item(id)) + strings.Repeat(" ", smallBody) }
	first := make(chan int, 1)
	go func() { first <- w.do(post("/audit", large("a"))).Code }()
	require.Eventually(t, func() bool { return w.Counters().Taking == 1 }, patience, time.Millisecond)

	ctx, cancel := context.WithCancel(t.Context())
	second := make(chan int, 1)
	go func() { second <- w.do(post("/audit", large("b")).WithContext(ctx)).Code }()
	small := make(chan int, 1)
	go func() { small <- w.do(post("/audit", list(item("c")))).Code }()
	require.Eventually(t, func() bool { return w.Counters().Taking == 2 }, patience, time.Millisecond, "a small body does not wait")
	cancel()
	assert.Equal(t, 503, <-second, "it went away while it waited")
	close(w.log.gate)
	assert.Equal(t, 200, <-first)
	assert.Equal(t, 200, <-small)
	assert.ElementsMatch(t, []string{"prod a", "prod c"}, w.log.content())
}

// TestSenderThatGoesAway leaves after the body is sent. What it sent is stored all
// the same, and known when it comes again.
func TestSenderThatGoesAway(t *testing.T) {
	w := newWorld(t, nil)
	w.log.gate = make(chan struct{})
	body := list(item("a"))
	gone := make(chan struct{})
	watched := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		go func() {
			<-r.Context().Done()
			close(gone)
		}()
		w.ServeHTTP(rw, r)
	})
	conn := dial(t, start(t, watched, nil), head(len(body))+body)
	require.Eventually(t, func() bool { return w.Counters().Taking == 1 }, patience, time.Millisecond)
	require.NoError(t, conn.Close())
	<-gone
	close(w.log.gate)
	require.Eventually(t, func() bool { return len(w.log.content()) == 1 && w.Counters().Taking == 0 }, patience, time.Millisecond)
	got := w.do(post("/audit/prod", body))
	assert.Equal(t, "stored 0, known 1, no events 0\n", got.Body.String())
}

func TestServerAnswers503First(t *testing.T) {
	w := newWorld(t, nil)
	w.log.errs = []error{spool.Unknown{Cause: errOther}, spool.Full{}, spool.Draining{}}
	body := list(item("a"), item("b"))
	var codes []int
	for range 5 {
		codes = append(codes, w.do(post("/audit", body)).Code)
	}
	assert.Equal(t, []int{503, 429, 503, 200, 200}, codes)
	assert.Equal(t, []string{"prod a", "prod b"}, w.log.content())
}

// TestGarbageDoesNotBlockTheGoodSender sends all kinds of garbage on many
// connections while an API server sends events.
func TestGarbageDoesNotBlockTheGoodSender(t *testing.T) {
	c := newConsumer(t)
	h := newOnDisk(t, c, false)
	a := newAuthority(t)
	url := start(t, h, a)
	b := apiserver(t, kubeconfig(t, url+"/audit", a, clientCertificate(t, a, "apiserver.prod")))

	plain := start(t, h, nil)
	stop := make(chan struct{})
	var senders sync.WaitGroup
	for seed := range uint64(4) {
		r := mathrand.New(mathrand.NewPCG(seed, 1))
		senders.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					garbage(t, r, plain)
				}
			}
		})
	}
	want := send(b, "prod", "r", 500)
	seen := c.wait(t, len(want))
	close(stop)
	senders.Wait()
	for id := range want {
		assert.Equal(t, 1, seen[id], id)
	}
	assert.Zero(t, h.Counters().InHand)
	assert.Positive(t, h.Counters().Answers[401])
	assert.Positive(t, h.Counters().Answers[403])
}

// garbage sends one piece of garbage.
func garbage(t *testing.T, r *mathrand.Rand, url string) {
	random := make([]byte, r.IntN(64<<10))
	for i := range random {
		random[i] = byte(r.Uint32())
	}
	bodies := [][]byte{
		random, append([]byte("\x1f\x8b\x08\x00"), random...), []byte(gzipped(t, string(random)))[:len(random)/2],
		[]byte(list(`{"auditID":7,"stageTimestamp":"never"}`, "null", "[]")), bytes.Repeat([]byte("["), 30_000), bytes.Repeat([]byte(`{"items":`), 3000),
		bytes.Repeat([]byte("\n"), 100_000), {},
	}
	req, err := http.NewRequest(http.MethodPost, url+"/audit/test", bytes.NewReader(bodies[r.IntN(len(bodies))]))
	if err != nil {
		t.Error(err)
		return
	}
	req.Header.Set("Authorization", "Bearer "+[]string{token, bothToken, anyToken, "wrong"}[r.IntN(4)])
	if r.IntN(2) == 0 {
		req.Header.Set("Content-Encoding", "gzip")
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil { // turned away before the body was sent
		return
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	answer.Body.Close()
	if answer.StatusCode >= 500 {
		t.Errorf("answered %d", answer.StatusCode)
	}
}
