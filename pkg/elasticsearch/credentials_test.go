package elasticsearch

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestReplaced holds that credentials are read again when they are refused, the call is
// then sent once more, and not when there are no new ones.
func TestReplaced(t *testing.T) {
	for _, status := range []int{401, 403} {
		var calls atomic.Int32
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			calls.Add(1)
			if r.Header.Get("Authorization") != "ApiKey bmV3" {
				say(w, status, `{"error":{"type":"security_exception","reason":"no"},"status":401}`)
				return
			}
			say(w, 200, `{}`)
		})
		path := file(t, "b2xk")
		c := client(t, func(cfg *Config) { cfg.APIKeyFile = path }, s.URL)
		call := func() error { return c.Do(t.Context(), "POST", "/", []byte(`{}`), nil) }
		var refused *Refused
		require.ErrorAs(t, call(), &refused)
		assert.Equal(t, status, refused.Status)
		assert.Equal(t, int32(1), calls.Load(), "the same credentials are not tried again")

		require.NoError(t, os.WriteFile(path, nil, 0o600))
		err := call()
		require.ErrorAs(t, err, &refused)
		assert.ErrorContains(t, err, "is empty")
		require.NoError(t, os.WriteFile(path, []byte("bmV3\n"), 0o600))
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() { assert.NoError(t, call()) })
		}
		all.Wait()
		before := calls.Load()
		require.NoError(t, call())
		assert.Equal(t, before+1, calls.Load())
	}
}

// TestReplacedByItem holds the same for rights that are wanting for single documents:
// what became of the others is known, and is told.
func TestReplacedByItem(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "ApiKey bmV3" {
			say(w, 200, `{"errors":false,"items":[{"create":{"status":201}}]}`)
			return
		}
		say(w, 200, `{"errors":true,"items":[{"create":{"status":403,"error":{"type":"security_exception","reason":"no"}}}]}`)
	})
	path := file(t, "b2xk")
	c := client(t, func(cfg *Config) { cfg.APIKeyFile = path }, s.URL)
	require.NoError(t, os.WriteFile(path, []byte("bmV3"), 0o600))
	items, err := c.Bulk(t.Context(), "x", []byte("body"), 1)
	require.NoError(t, err)
	assert.Equal(t, []BulkItem{{Status: 403, Type: "security_exception", Reason: "no"}}, items)
	items, err = c.Bulk(t.Context(), "x", []byte("body"), 1)
	require.NoError(t, err)
	assert.Equal(t, 201, items[0].Status)
}

// TestSecrets holds that no error tells a secret, not even one that is sent back.
func TestSecrets(t *testing.T) {
	echo := serve(t, func(w http.ResponseWriter, r *http.Request) {
		auth := r.Header.Get("Authorization")
		_, encoded, _ := strings.Cut(auth, " ")
		plain, _ := base64.StdEncoding.DecodeString(encoded)
		if r.URL.Path == "/page" {
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write([]byte(auth + string(plain)))
			return
		}
		say(w, 401, `{"error":{"type":"security_exception","reason":"who is `+auth+`, that is `+string(plain)+`?"},"status":401}`)
	})
	for name, set := range map[string]func(*Config){
		"basic":   func(cfg *Config) { cfg.Username, cfg.PasswordFile = "someone", file(t, "hush-hush") },
		"API key": func(cfg *Config) { cfg.APIKeyFile = file(t, base64.StdEncoding.EncodeToString([]byte("id:hush-hush"))) },
	} {
		t.Run(name, func(t *testing.T) {
			c := client(t, set, echo.URL)
			for _, path := range []string{"/", "/page"} {
				err := c.Do(t.Context(), "GET", path, nil, nil)
				require.Error(t, err)
				assert.NotContains(t, err.Error(), "hush")
				assert.NotContains(t, err.Error(), c.conn.Load().secrets[0])
			}
		})
	}
}

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, name string) *authority {
	a := &authority{}
	a.cert, a.key = sign(t, &x509.Certificate{Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}, nil)
	return a
}

func (a *authority) pem() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw}))
}

// issue makes a certificate for either end of a connection, and its key.
func (a *authority) issue(t *testing.T, name string) (cert, key string) {
	c, k := sign(t, &x509.Certificate{Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}}, a)
	der, err := x509.MarshalPKCS8PrivateKey(k)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func sign(t *testing.T, template *x509.Certificate, by *authority) (*x509.Certificate, *ecdsa.PrivateKey) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template.SerialNumber, template.NotBefore, template.NotAfter = big.NewInt(1), noon.AddDate(-1, 0, 0), noon.AddDate(1, 0, 0)
	parent, parentKey := template, key
	if by != nil {
		parent, parentKey = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), parentKey)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return cert, key
}

// TestTLS holds that both ends have to be known to the other, and that a file is read
// again when they are not.
func TestTLS(t *testing.T) {
	ours, strangers := newAuthority(t, "ours"), newAuthority(t, "strangers")
	cert, key := ours.issue(t, "node")
	pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
	require.NoError(t, err)
	known := x509.NewCertPool()
	known.AddCert(ours.cert)
	s := httptest.NewUnstartedServer(says(200, `{}`))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	// The pool for what clients are asked for stays empty, so that they show what they have.
	s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAnyClientCert, Time: atNoon, VerifyConnection: func(cs tls.ConnectionState) error {
		_, err := cs.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: known, CurrentTime: noon, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
		return err
	}}
	s.StartTLS()
	t.Cleanup(s.Close)

	badCert, badKey := strangers.issue(t, "client")
	cert, key = ours.issue(t, "client")
	certFile, keyFile, caFile := file(t, badCert), file(t, badKey), file(t, strangers.pem())
	c := client(t, func(cfg *Config) { cfg.CAFile, cfg.CertFile, cfg.KeyFile = caFile, certFile, keyFile }, s.URL)
	call := func() error { return c.Do(t.Context(), "GET", "/", nil, nil) }

	err = call()
	var unavailable *Unavailable
	require.ErrorAs(t, err, &unavailable)
	assert.ErrorContains(t, err, "its certificate is signed by an authority that is not among those of the CA file")
	require.NoError(t, os.WriteFile(caFile, []byte(ours.pem()), 0o600))
	err = call()
	require.ErrorAs(t, err, &unavailable)
	assert.ErrorContains(t, err, "remote error: tls: ")
	require.NoError(t, os.WriteFile(certFile, []byte(cert), 0o600))
	assert.ErrorContains(t, call(), "cannot be read again", "the key is still another's")
	require.NoError(t, os.WriteFile(keyFile, []byte(key), 0o600))
	assert.NoError(t, call())

	plain := serve(t, says(200, `{}`))
	tlsToPlain := client(t, nil, "https"+strings.TrimPrefix(plain.URL, "http"))
	assert.ErrorContains(t, tlsToPlain.Do(t.Context(), "GET", "/", nil, nil), "does not speak TLS")
	late := client(t, func(cfg *Config) {
		cfg.CAFile, cfg.CertFile, cfg.KeyFile = caFile, certFile, keyFile
		cfg.Now = func() time.Time { return noon.AddDate(2, 0, 0) }
	}, s.URL)
	assert.ErrorContains(t, late.Do(t.Context(), "GET", "/", nil, nil), "expired")
}
