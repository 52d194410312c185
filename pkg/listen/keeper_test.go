package listen

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// serve answers over TLS with the name of the client's certificate, and returns
// where.
func serve(t *testing.T, k *Keeper) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	srv := &http.Server{
		TLSConfig:         k.TLS(),
		ErrorLog:          log.New(io.Discard, "", 0),
		ReadHeaderTimeout: time.Minute,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			name := "nobody"
			if len(r.TLS.VerifiedChains) > 0 {
				name = r.TLS.VerifiedChains[0][0].Subject.CommonName
			}
			_, _ = io.WriteString(w, name)
		}),
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		assert.ErrorIs(t, srv.ServeTLS(l, "", ""), http.ErrServerClosed)
	}()
	t.Cleanup(func() { _ = srv.Close(); <-done })
	return l.Addr().String()
}

// caller is a client with its view of the world.
type caller struct {
	roots   *authority
	client  *identity
	version uint16
	cache   tls.ClientSessionCache
}

// answer is what a request over a new connection brought.
type answer struct {
	client, server, protocol string
	resumed                  bool
}

func (c caller) call(t *testing.T, addr string) (answer, error) {
	t.Helper()
	cfg := &tls.Config{RootCAs: x509.NewCertPool(), Time: atNoon, MaxVersion: c.version, ClientSessionCache: c.cache}
	cfg.RootCAs.AddCert(c.roots.cert)
	if c.client != nil {
		own := c.client.pair(t)
		cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &own, nil }
	}
	tr := &http.Transport{TLSClientConfig: cfg, ForceAttemptHTTP2: true, DisableKeepAlives: true}
	defer tr.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+addr, nil)
	require.NoError(t, err)
	resp, err := (&http.Client{Transport: tr}).Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return answer{string(body), resp.TLS.PeerCertificates[0].Subject.CommonName, resp.Proto, resp.TLS.DidResume}, nil
}

func open(t *testing.T, f files, change func(*Config)) *Keeper {
	t.Helper()
	cfg := Config{CertFile: f.cert(), KeyFile: f.key(), Now: atNoon}
	if change != nil {
		change(&cfg)
	}
	k, err := Open(cfg)
	require.NoError(t, err)
	return k
}

var nextYear = noon.AddDate(0, 6, 0)

func TestClients(t *testing.T) {
	house, stranger := newAuthority(t, "house"), newAuthority(t, "stranger")
	good, expired, foreign := house.issue(t, "apiserver", nextYear), house.issue(t, "late", noon.Add(-time.Second)), stranger.issue(t, "apiserver", nextYear)
	f := newFiles(t, house.issue(t, "server", nextYear), house)
	asked := func(c *Config) { c.ClientCAFile = f.ca() }
	required := func(c *Config) { c.ClientCAFile, c.RequireClient = f.ca(), true }
	tests := []struct {
		name   string
		config func(*Config)
		client *identity
		want   string // "": turned away
	}{
		{"not asked for a certificate", nil, nil, "nobody"},
		{"not asked for a certificate, has one", nil, &good, "nobody"},
		{"asked, has none", asked, nil, "nobody"},
		{"asked, good", asked, &good, "apiserver"},
		{"asked, expired", asked, &expired, ""},
		{"asked, of another authority", asked, &foreign, ""},
		{"required, has none", required, nil, ""},
		{"required, good", required, &good, "apiserver"},
		{"required, expired", required, &expired, ""},
		{"required, of another authority", required, &foreign, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := caller{roots: house, client: tt.client}.call(t, serve(t, open(t, f, tt.config)))
			if tt.want == "" {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, answer{client: tt.want, server: "server", protocol: "HTTP/2.0"}, got)
		})
	}
}

func TestOldVersionsOfTLSAreTurnedAway(t *testing.T) {
	house := newAuthority(t, "house")
	addr := serve(t, open(t, newFiles(t, house.issue(t, "server", nextYear)), nil))
	_, err := caller{roots: house, version: tls.VersionTLS12}.call(t, addr)
	require.NoError(t, err)
	conn, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
	if err == nil {
		_ = conn.Close()
	}
	require.Error(t, err)
}

func TestProtocolsAreThoseConfigured(t *testing.T) {
	house := newAuthority(t, "house")
	k := open(t, newFiles(t, house.issue(t, "server", nextYear)), func(c *Config) { c.Protocols = []string{"http/1.1"} })
	got, err := caller{roots: house}.call(t, serve(t, k))
	require.NoError(t, err)
	assert.Equal(t, "HTTP/1.1", got.protocol)
}

func TestRotationIsInForceFromTheNextHandshake(t *testing.T) {
	house, next := newAuthority(t, "house"), newAuthority(t, "next")
	client, renewed := house.issue(t, "client", nextYear), next.issue(t, "client", nextYear)
	f := newFiles(t, house.issue(t, "first", nextYear), house)
	told := make(chan Certificate, 10)
	k := open(t, f, func(c *Config) {
		c.ClientCAFile, c.RequireClient, c.Quiet = f.ca(), true, 100*time.Millisecond
		c.Renewed = func(cert Certificate) { told <- cert }
		c.Refused = func(err error) { t.Log(err) } // a busy machine may look between the files
	})
	run(t, k)
	addr := serve(t, k)
	cache := tls.NewLRUClientSessionCache(10)
	old := caller{roots: house, client: &client, cache: cache}
	for range 2 {
		got, err := old.call(t, addr)
		require.NoError(t, err)
		assert.Equal(t, answer{client: "client", server: "first", protocol: "HTTP/2.0"}, got, "and never resumed")
	}

	until := noon.AddDate(0, 0, 90)
	f.put(t, next.issue(t, "second", until))
	f.trust(t, next)
	for got := (Certificate{}); got.Subject != "CN=second"; { // a busy machine may take it for two changes
		select {
		case got = <-told:
		case <-time.After(20 * time.Second):
			require.Fail(t, "not told of the renewal")
		}
	}
	require.NoError(t, k.Reload())
	got, err := caller{roots: next, client: &renewed}.call(t, addr)
	require.NoError(t, err)
	assert.Equal(t, answer{client: "client", server: "second", protocol: "HTTP/2.0"}, got)
	assert.Equal(t, until, k.Certificate().NotAfter)
	_, err = caller{roots: next, client: &client, cache: cache}.call(t, addr)
	require.Error(t, err, "the old authority is believed no more")
}

// run runs a keeper until the test ends.
func run(t *testing.T, k *Keeper) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		k.Run(ctx)
	}()
	t.Cleanup(func() { stop(); <-done })
}

func TestBrokenRotationLeavesTheOldInForce(t *testing.T) {
	house := newAuthority(t, "house")
	other := house.issue(t, "other", nextYear)
	secret := []byte("-----BEGIN PRIVATE KEY-----\n" + base64.StdEncoding.EncodeToString([]byte("hunter2 hunter2 hunter2")) + "\n-----END PRIVATE KEY-----\n")
	tests := []struct {
		name  string
		spoil func(t *testing.T, f files)
		want  string
	}{
		{"key of another certificate", func(t *testing.T, f files) { write(t, f.key(), other.key) }, "the key is not that of the first certificate"},
		{"certificate without its key", func(t *testing.T, f files) { write(t, f.cert(), other.cert) }, "the key is not that of the first certificate"},
		{"key that is none", func(t *testing.T, f files) { write(t, f.key(), secret) }, "the key file holds no key that can be used"},
		{"key that is no PEM", func(t *testing.T, f files) { write(t, f.key(), []byte("hunter2")) }, "the key file holds no key that can be used"},
		{"certificate half written", func(t *testing.T, f files) { write(t, f.cert(), other.cert[:200]) }, "1 PEM blocks CERTIFICATE begin, and only 0 can be read"},
		{"certificate that is none", func(t *testing.T, f files) { write(t, f.cert(), encode("CERTIFICATE", []byte("hunter2"))) }, "certificate 1: x509"},
		{"key where the certificate should be", func(t *testing.T, f files) { write(t, f.cert(), other.key) }, "holds no PEM block of type CERTIFICATE"},
		{"certificate gone", func(t *testing.T, f files) { require.NoError(t, os.Remove(f.cert())) }, "no such file"},
		{"key gone", func(t *testing.T, f files) { require.NoError(t, os.Remove(f.key())) }, "no such file"},
		{"authorities gone", func(t *testing.T, f files) { require.NoError(t, os.Remove(f.ca())) }, "no such file"},
		{"authorities empty", func(t *testing.T, f files) { write(t, f.ca(), nil) }, "no PEM block of type CERTIFICATE"},
		{"authorities half broken", func(t *testing.T, f files) {
			write(t, f.ca(), append(bytes.Replace(house.pem, []byte("M"), []byte("!"), 1), house.pem...))
		}, "2 PEM blocks CERTIFICATE begin, and only 1 can be read"},
		{"expired", func(t *testing.T, f files) { f.put(t, house.issue(t, "late", noon.Add(-time.Second))) }, "which is not now; the old one stays in force"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server, client := house.issue(t, "first", nextYear), house.issue(t, "client", nextYear)
			f := newFiles(t, server, house)
			var refused []error
			k := open(t, f, func(c *Config) {
				c.ClientCAFile = f.ca()
				c.Refused = func(err error) { refused = append(refused, err) }
				c.Renewed = func(got Certificate) { t.Error(got) }
			})
			addr := serve(t, k)
			tt.spoil(t, f)
			err := k.Reload()
			require.ErrorContains(t, err, tt.want)
			assert.Equal(t, []error{err}, refused)
			assertNoSecret(t, err, server.key, other.key, secret, []byte("hunter2"))
			got, err := caller{roots: house, client: &client}.call(t, addr)
			require.NoError(t, err)
			assert.Equal(t, answer{client: "client", server: "first", protocol: "HTTP/2.0"}, got)

			f.put(t, server)
			f.trust(t, house)
			require.NoError(t, k.Reload(), "what is in force is nothing new")
			renewals, refusals := k.Renewals()
			assert.Equal(t, []int64{0, 1}, []int64{renewals, refusals})
		})
	}
}

func TestExpiredCertificateIsReplacedByAnyPair(t *testing.T) {
	house := newAuthority(t, "house")
	f := newFiles(t, house.issue(t, "first", noon.Add(-time.Hour)))
	k := open(t, f, nil)
	assert.Equal(t, noon.Add(-time.Hour), k.Certificate().NotAfter)
	f.put(t, house.issue(t, "second", noon.Add(-time.Minute)))
	require.NoError(t, k.Reload())
	assert.Equal(t, "CN=second", k.Certificate().Subject)
}

func TestOpenRefuses(t *testing.T) {
	house := newAuthority(t, "house")
	f := newFiles(t, house.issue(t, "server", nextYear))
	tests := []struct {
		name string
		cfg  Config
		want string
	}{
		{"no certificate", Config{KeyFile: f.key(), Now: atNoon}, "needs a certificate file and a key file"},
		{"no key", Config{CertFile: f.cert(), Now: atNoon}, "needs a certificate file and a key file"},
		{"no clock", Config{CertFile: f.cert(), KeyFile: f.key()}, "Now is not set"},
		{"clients required of nobody", Config{CertFile: f.cert(), KeyFile: f.key(), RequireClient: true, Now: atNoon}, "cannot be required"},
		{"file missing", Config{CertFile: f.cert() + "x", KeyFile: f.key(), Now: atNoon}, "no such file"},
		{"authorities empty", Config{CertFile: f.cert(), KeyFile: f.key(), ClientCAFile: f.ca(), Now: atNoon}, "no PEM block"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Open(tt.cfg)
			require.ErrorContains(t, err, tt.want)
			assert.True(t, strings.HasPrefix(err.Error(), "listen: "), err)
		})
	}
}

// assertNoSecret holds that nothing of the secrets, decoded or not, is in an error.
func assertNoSecret(t *testing.T, err error, secrets ...[]byte) {
	t.Helper()
	for _, s := range secrets {
		if block, _ := pem.Decode(s); block != nil {
			s = []byte(strings.Split(string(s), "\n")[1])
			assert.NotContains(t, err.Error(), string(block.Bytes))
		}
		assert.NotContains(t, err.Error(), string(s))
	}
}

func FuzzCertificates(f *testing.F) {
	f.Add([]byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"))
	f.Add([]byte("-----BEGIN CERTIFICATE-----\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		certs, err := certificates(text)
		if err != nil && certs != nil {
			t.Fatal("certificates and an error")
		}
		if _, err := pool(text); err == nil && len(certs) == 0 {
			t.Fatal("a pool of nothing")
		}
	})
}
