package deploy_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/test/corpora"
)

// within bounds what a service may take for anything, on a busy machine.
const within = time.Minute

// service is a running `kubewitness serve`.
type service struct {
	cmd           *exec.Cmd
	webhook, http string // addresses
	detections    chan map[string]any
	ended         chan error
	mu            sync.Mutex
	told          bytes.Buffer // its messages
}

// start starts a service and returns when it says that it serves. It is killed with
// the test, should it still be there.
func start(t *testing.T, cmd *exec.Cmd) *service {
	t.Helper()
	s := &service{cmd: cmd, detections: make(chan map[string]any, 1000), ended: make(chan error, 1)}
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	stderr, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	serving := make(chan map[string]any, 1)
	var reading sync.WaitGroup
	reading.Go(func() { s.listen(stderr, serving) })
	reading.Go(func() {
		eachJSON(stdout, func(line map[string]any) { s.detections <- line })
	})
	go func() {
		reading.Wait()
		s.ended <- cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // fails when it has ended
		if t.Failed() {
			s.mu.Lock()
			defer s.mu.Unlock()
			t.Log(s.told.String())
		}
	})
	select {
	case said := <-serving:
		s.webhook, _ = said["webhook"].(string)
		s.http, _ = said["http"].(string)
	case err := <-s.ended:
		require.FailNow(t, "the service has ended", "%v\n%s", err, s.told.String())
	case <-time.After(within):
		require.FailNow(t, "the service does not say that it serves")
	}
	return s
}

// listen keeps the messages and waits for the one that says where the service is.
func (s *service) listen(r io.Reader, serving chan<- map[string]any) {
	eachJSON(io.TeeReader(r, writerFunc(func(p []byte) (int, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.told.Write(p)
	})), func(line map[string]any) {
		if line["msg"] == "serving" {
			serving <- line
		}
	})
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func eachJSON(r io.Reader, f func(map[string]any)) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var v map[string]any
		if json.Unmarshal(lines.Bytes(), &v) == nil {
			f(v)
		}
	}
}

// stop ends the service as a kubelet does, and holds that it ends well.
func (s *service) stop(t *testing.T) {
	t.Helper()
	require.NoError(t, s.cmd.Process.Signal(syscall.SIGTERM))
	select {
	case err := <-s.ended:
		require.NoError(t, err, "SIGTERM is an end as told")
	case <-time.After(within):
		require.FailNow(t, "SIGTERM does not end the service")
	}
}

// get returns the answer to a question to the port of health and metrics.
func (s *service) get(t *testing.T, path string) string {
	t.Helper()
	resp, err := http.Get("http://" + s.http + path)
	require.NoError(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, resp.StatusCode, "%s: %s", path, b)
	return string(b)
}

// send posts a body to the webhook, which must take it, and returns the answer.
func (s *service) send(t *testing.T, client *tls.Config, scheme, path string, body []byte) string {
	t.Helper()
	c := &http.Client{Transport: &http.Transport{TLSClientConfig: client}}
	defer c.CloseIdleConnections()
	resp, err := c.Post(scheme+"://"+s.webhook+path, "application/json", bytes.NewReader(body))
	require.NoError(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, resp.StatusCode, string(b))
	return string(b)
}

// detection waits for a detection on standard output.
func (s *service) detection(t *testing.T) map[string]any {
	t.Helper()
	select {
	case d := <-s.detections:
		return d
	case <-time.After(within):
		require.FailNow(t, "no detection comes")
		return nil
	}
}

// sample is the recorded sample as an API server would send it.
func sample(t *testing.T) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(corpora.Root(t), "examples", "sample", "audit.jsonl"))
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return []byte(`{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[` + strings.Join(lines, ",") + "]}\n")
}

// certificates runs deploy/kubernetes/certificates.sh, for a server of these addresses
// and the API servers of prod.
func certificates(t *testing.T, addresses ...string) (dir string) {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("certificates.sh needs openssl, which is not here")
	}
	dir = filepath.Join(t.TempDir(), "certs")
	issue(t, dir, append([]string{"server"}, addresses...)...)
	issue(t, dir, "client", "kube-apiserver-prod")
	return dir
}

func issue(t *testing.T, dir string, args ...string) {
	t.Helper()
	out, err := exec.Command(manifestPath(t, "certificates.sh"), append([]string{dir}, args...)...).CombinedOutput()
	require.NoError(t, err, string(out))
}

// mutualTLS is the TLS of somebody with a certificate in the folder.
func mutualTLS(t *testing.T, dir, name string) *tls.Config {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key"))
	require.NoError(t, err)
	ca, err := os.ReadFile(filepath.Join(dir, "ca.crt"))
	require.NoError(t, err)
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(ca))
	return &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: pool}
}
