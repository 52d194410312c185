package webhook

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	auditinternal "k8s.io/apiserver/pkg/apis/audit"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
	"k8s.io/apiserver/pkg/audit"
	"k8s.io/apiserver/plugin/pkg/audit/buffered"
	"k8s.io/apiserver/plugin/pkg/audit/webhook"

	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/spool"
)

// patience is how long a test waits for what should happen at once.
const patience = 30 * time.Second

// consumer reads a log on disk.
type consumer struct {
	log *spool.Log

	mu   sync.Mutex
	seen map[string]int // times that each event came, by auditID and stage
	dead int
	rest chan struct{} // gets a token after each delivery
}

// newConsumer opens a log on disk and reads it.
func newConsumer(t *testing.T) *consumer {
	t.Helper()
	c := &consumer{seen: map[string]int{}, rest: make(chan struct{}, 1)}
	log, err := spool.Open(t.Context(), spool.Config{
		Dir: t.TempDir(), Consumers: []string{"test"}, Now: time.Now, MaxBytes: 1 << 30, FreeFloor: 1 << 20,
	})
	require.NoError(t, err)
	c.log = log
	done := make(chan error, 1)
	go func() { done <- log.Consume(context.Background(), "test", c.handle) }()
	t.Cleanup(func() {
		assert.NoError(t, log.Close(context.Background()))
		assert.NoError(t, <-done)
	})
	return c
}

func (c *consumer) handle(_ context.Context, d spool.Delivery) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range d.Records {
		for _, it := range r.Events {
			if _, err := record.DecodeNotes(it.Notes); err != nil {
				return spool.Permanent{Err: err}
			}
			var e struct{ AuditID, Stage string }
			if err := json.Unmarshal(it.Raw, &e); err != nil {
				return spool.Permanent{Err: err}
			}
			c.seen[r.Cluster+" "+e.AuditID+" "+e.Stage]++
		}
		c.dead += len(r.Dead)
	}
	select {
	case c.rest <- struct{}{}:
	default:
	}
	return nil
}

// wait waits until n different events came, and returns how often each came.
func (c *consumer) wait(t *testing.T, n int) map[string]int {
	t.Helper()
	timeout := time.After(patience)
	for {
		c.mu.Lock()
		have := len(c.seen)
		c.mu.Unlock()
		if have >= n {
			break
		}
		select {
		case <-c.rest:
		case <-timeout:
			require.FailNow(t, "events are missing", "%d of %d", have, n)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	out := map[string]int{}
	for id, times := range c.seen {
		out[id] = times
	}
	return out
}

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{}
	template := &x509.Certificate{Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	pair := a.sign(t, template)
	a.cert, a.key, a.pem = pair.Leaf, pair.PrivateKey.(*ecdsa.PrivateKey), pemOf("CERTIFICATE", pair.Certificate[0])
	return a
}

// sign makes a certificate of a template, by itself if the authority has none yet.
func (a *authority) sign(t *testing.T, template *x509.Certificate) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// start starts a server as the program does, with TLS if there is an authority.
func start(t *testing.T, h http.Handler, a *authority) (url string) {
	t.Helper()
	s := httptest.NewUnstartedServer(nil)
	s.Config = NewServer(h, nil)
	if a == nil {
		s.Start()
	} else {
		pool := x509.NewCertPool()
		pool.AddCert(a.cert)
		server := a.sign(t, &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
		s.TLS = &tls.Config{Certificates: []tls.Certificate{server}, ClientCAs: pool, ClientAuth: tls.VerifyClientCertIfGiven}
		s.StartTLS()
	}
	t.Cleanup(s.Close)
	return s.URL
}

// kubeconfig writes the configuration of an API server's webhook.
func kubeconfig(t *testing.T, url string, a *authority, user string) string {
	t.Helper()
	ca := ""
	if a != nil {
		ca = "certificate-authority-data: " + base64.StdEncoding.EncodeToString(a.pem)
	}
	text := fmt.Sprintf(`
apiVersion: v1
kind: Config
clusters: [{name: kubewitness, cluster: {server: "%s", %s}}]
users: [{name: apiserver, user: {%s}}]
contexts: [{name: kubewitness, context: {cluster: kubewitness, user: apiserver}}]
current-context: kubewitness
`, url, ca, user)
	path := filepath.Join(t.TempDir(), "webhook.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// clientCertificate is the user of a kubeconfig with a client certificate.
func clientCertificate(t *testing.T, a *authority, name string) string {
	t.Helper()
	pair := a.sign(t, &x509.Certificate{Subject: pkix.Name{CommonName: name}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	der, err := x509.MarshalECPrivateKey(pair.PrivateKey.(*ecdsa.PrivateKey))
	require.NoError(t, err)
	encode := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("client-certificate-data: %s, client-key-data: %s", encode(pemOf("CERTIFICATE", pair.Certificate[0])), encode(pemOf("EC PRIVATE KEY", der)))
}

// backend is the audit backend of an API server that can be shut down.
type backend struct {
	audit.Backend
	stop chan struct{}
}

// apiserver is the audit backend of an API server, with its batching and its retries,
// which it makes after milliseconds instead of ten seconds.
func apiserver(t *testing.T, kubeconfig string) *backend {
	t.Helper()
	sender, err := webhook.NewBackend(kubeconfig, auditv1.SchemeGroupVersion, wait.Backoff{Duration: 10 * time.Millisecond, Factor: 1.5, Jitter: 0.2, Steps: 5}, nil)
	require.NoError(t, err)
	b := &backend{stop: make(chan struct{})}
	b.Backend = buffered.NewBackend(sender, buffered.BatchConfig{BufferSize: 10_000, MaxBatchSize: 100, MaxBatchWait: 100 * time.Millisecond, AsyncDelegate: true})
	require.NoError(t, b.Run(b.stop))
	return b
}

// send gives the backend events of so many requests, two for each, and waits until
// it has sent them. It returns what the log's consumer calls them.
func send(b *backend, cluster, prefix string, requests int) (want map[string]int) {
	want = map[string]int{}
	for i := range requests {
		id := fmt.Sprint(prefix, i)
		for _, stage := range []auditinternal.Stage{auditinternal.StageRequestReceived, auditinternal.StageResponseComplete} {
			e := &auditinternal.Event{
				Level: auditinternal.LevelRequestResponse, AuditID: types.UID(id), Stage: stage, Verb: "create",
				RequestURI:               "/api/v1/namespaces/shop/pods",
				ObjectRef:                &auditinternal.ObjectReference{Resource: "pods", Namespace: "shop", APIVersion: "v1"},
				RequestReceivedTimestamp: metav1.NowMicro(), StageTimestamp: metav1.NowMicro(), SourceIPs: []string{"10.0.0.1"},
			}
			e.User.Username = "jane"
			if stage == auditinternal.StageResponseComplete {
				e.ResponseStatus = &metav1.Status{Code: 201}
				e.RequestObject = &runtime.Unknown{ContentType: runtime.ContentTypeJSON, Raw: []byte(
					`{"kind":"Pod","apiVersion":"v1","metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"x","securityContext":{"privileged":true}}]}}`)}
			}
			b.ProcessEvents(e)
			want[cluster+" "+id+" "+string(stage)] = 1
		}
	}
	close(b.stop)
	b.Shutdown()
	return want
}

// newOnDisk makes a Handler as the program has it: with a log on disk and the
// built-in rules.
func newOnDisk(t *testing.T, c *consumer, insecure bool) *Handler {
	t.Helper()
	h, err := New(Config{
		Intake: newIntake(c.log, newJudge(t)), Clusters: []string{"prod", "test"}, DefaultCluster: "prod", Insecure: insecure, Now: time.Now,
	})
	require.NoError(t, err)
	if !insecure {
		require.NoError(t, h.SetCredentials(credentials))
	}
	return h
}

func TestAPIServerSendsOverHTTP(t *testing.T) {
	c := newConsumer(t)
	h := newOnDisk(t, c, true)
	b := apiserver(t, kubeconfig(t, start(t, h, nil)+"/audit/prod", nil, ""))
	want := send(b, "prod", "r", 1000)
	assert.Equal(t, want, c.wait(t, len(want)))
	assert.Zero(t, c.dead)
	assert.Zero(t, h.Counters().InHand)
}

func TestAPIServerSendsOverMutualTLS(t *testing.T) {
	c, a := newConsumer(t), newAuthority(t)
	url := start(t, newOnDisk(t, c, false), a)
	certified := apiserver(t, kubeconfig(t, url+"/audit", a, clientCertificate(t, a, "apiserver.prod")))
	tokened := apiserver(t, kubeconfig(t, url+"/audit/test", a, "token: "+bothToken))
	secret := apiserver(t, kubeconfig(t, url+"/audit/test/"+pathSecret, a, ""))
	stranger := apiserver(t, kubeconfig(t, url+"/audit/prod", a, clientCertificate(t, a, "stranger")))
	forged := apiserver(t, kubeconfig(t, url+"/audit", a, clientCertificate(t, newAuthority(t), "apiserver.prod")))

	want := map[string]int{}
	for id := range send(certified, "prod", "c", 300) {
		want[id] = 1
	}
	for id := range send(tokened, "test", "t", 300) {
		want[id] = 1
	}
	for id := range send(secret, "test", "s", 100) {
		want[id] = 1
	}
	send(stranger, "prod", "x", 3)
	send(forged, "prod", "y", 3)
	assert.Equal(t, want, c.wait(t, len(want)))
}

// TestAPIServerRepeatsWhatFailed has each body fail on its first attempts: before it
// is taken, after it is taken (so that it comes twice), and with the answers of a log
// that is full.
func TestAPIServerRepeatsWhatFailed(t *testing.T) {
	c := newConsumer(t)
	h := newOnDisk(t, c, true)
	var n, repeated atomic.Int64
	flaky := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch n.Add(1) % 4 {
		case 1:
			repeated.Add(1)
			http.Error(w, "not now", http.StatusInternalServerError)
		case 2: // taken, and the sender never hears of it
			repeated.Add(1)
			h.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		case 3:
			repeated.Add(1)
			_, _ = io.CopyN(io.Discard, r.Body, 100)
			w.Header().Set("Retry-After", "1")
			http.Error(w, "closing", http.StatusServiceUnavailable)
		default:
			h.ServeHTTP(w, r)
		}
	})
	b := apiserver(t, kubeconfig(t, start(t, flaky, nil)+"/audit", nil, ""))
	want := send(b, "prod", "r", 200)
	assert.Equal(t, want, c.wait(t, len(want)), "all of it, and once")
	assert.Positive(t, repeated.Load())
}
