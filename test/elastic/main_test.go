package elastic

import (
	"os"
	"sync"
	"testing"

	"github.com/kubewitness/kubewitness/test/rig/elastic"
)

// lazy is a server that starts when the first test asks for it.
type lazy struct {
	opts elastic.Options
	mu   sync.Mutex
	s    *elastic.Server
	err  error
}

var (
	plain  lazy
	secure = lazy{opts: elastic.Options{Secure: true}}
)

// get returns the server. The test is skipped where the long tests are off.
func (l *lazy) get(t testing.TB) *elastic.Server {
	t.Helper()
	elastic.Distribution(t)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.s == nil && l.err == nil {
		l.s, l.err = elastic.Launch(t, l.opts)
	}
	if l.err != nil {
		t.Fatal(l.err)
	}
	return l.s
}

func (l *lazy) stop() {
	if l.s != nil {
		l.s.Stop()
	}
}

// server returns the one that all tests share, without security. A test that kills it
// starts it again, and is not run beside others.
func server(t testing.TB) *elastic.Server {
	t.Helper()
	return plain.get(t)
}

// secureServer returns the one with TLS, users and API keys.
func secureServer(t testing.TB) *elastic.Server {
	t.Helper()
	return secure.get(t)
}

func TestMain(m *testing.M) {
	code := m.Run()
	plain.stop()
	secure.stop()
	os.Exit(code)
}
