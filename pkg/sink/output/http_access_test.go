package output_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/sink/output"
)

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string // PEM
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Unix(0, 0), NotAfter: time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC), KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	a := &authority{cert: cert, key: key, file: filepath.Join(t.TempDir(), "ca.pem")}
	writePEM(t, a.file, "CERTIFICATE", der)
	return a
}

// issue writes a certificate with its key for 127.0.0.1 to two files.
func (a *authority) issue(t *testing.T, name string) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Unix(0, 0), NotAfter: time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	require.NoError(t, err)
	keyDER, err := x509.MarshalECPrivateKey(key)
	require.NoError(t, err)
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writePEM(t, certFile, "CERTIFICATE", der)
	writePEM(t, keyFile, "EC PRIVATE KEY", keyDER)
	return certFile, keyFile
}

func writePEM(t *testing.T, path, kind string, der []byte) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
}

// serveTLS starts a server of an authority that demands client certificates of
// another, if there is one, and tells the name in them.
func serveTLS(t *testing.T, a, clients *authority, names chan<- string) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		name := ""
		if len(r.TLS.PeerCertificates) > 0 {
			name = r.TLS.PeerCertificates[0].Subject.CommonName
		}
		names <- name
	}))
	pair, err := tls.LoadX509KeyPair(a.issue(t, "server"))
	require.NoError(t, err)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	if clients != nil {
		server.TLS.ClientCAs, server.TLS.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
		server.TLS.ClientCAs.AddCert(clients.cert)
	}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

// TestHTTPTLS: the server's certificate is checked against the file, which is read
// again: a wrong one that is put right is right without a restart.
func TestHTTPTLS(t *testing.T) {
	good, other := newAuthority(t, "good"), newAuthority(t, "other")
	names := make(chan string, 100)
	server := serveTLS(t, good, nil, names)
	require.ErrorContains(t, requireRecoverable(t, post(t, server.URL).Write(t.Context(), delivery(t, 1, 1))), "unknown authority")

	ca := filepath.Join(t.TempDir(), "ca.pem")
	copyFile(t, other.file, ca)
	h := post(t, server.URL, func(c *output.HTTPConfig) { c.CAFile = ca })
	require.ErrorContains(t, requireRecoverable(t, h.Write(t.Context(), delivery(t, 1, 1))), "unknown authority")
	assert.Empty(t, names)
	copyFile(t, good.file, ca)
	require.NoError(t, h.Write(t.Context(), delivery(t, 1, 1)))
	require.NoError(t, os.Remove(ca))
	require.ErrorIs(t, requireRecoverable(t, h.Write(t.Context(), delivery(t, 2, 1))), os.ErrNotExist)
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	require.NoError(t, os.WriteFile(to, []byte(content(t, from)), 0o600))
}

// TestHTTPMutualTLS: the client shows its certificate, and the new one when the
// files have changed.
func TestHTTPMutualTLS(t *testing.T) {
	servers, clients := newAuthority(t, "servers"), newAuthority(t, "clients")
	names := make(chan string, 100)
	server := serveTLS(t, servers, clients, names)
	requireRecoverable(t, post(t, server.URL, func(c *output.HTTPConfig) { c.CAFile = servers.file }).Write(t.Context(), delivery(t, 1, 1)))
	assert.Empty(t, names)

	cert, key := clients.issue(t, "first")
	h := post(t, server.URL, func(c *output.HTTPConfig) { c.CAFile, c.CertFile, c.KeyFile = servers.file, cert, key })
	require.NoError(t, h.Write(t.Context(), delivery(t, 1, 1)))
	assert.Equal(t, "first", <-names)
	newCert, newKey := clients.issue(t, "second")
	copyFile(t, newCert, cert)
	require.ErrorContains(t, requireRecoverable(t, h.Write(t.Context(), delivery(t, 4, 1))), "are no certificate with its key", "half of it is new")
	copyFile(t, newKey, key)
	require.NoError(t, h.Write(t.Context(), delivery(t, 4, 1)))
	assert.Equal(t, "second", <-names)
}

// TestHTTPHeadersFromFiles are read again for each delivery.
func TestHTTPHeadersFromFiles(t *testing.T) {
	got := make(chan string, 100)
	server := serve(t, func(_ http.ResponseWriter, r *http.Request) { got <- r.Header.Get("Authorization") })
	file := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(file, []byte(" Bearer one\n"), 0o600))
	h := post(t, server.URL, func(c *output.HTTPConfig) { c.Headers = []output.Header{{Name: "authorization", ValueFile: file}} })
	require.NoError(t, h.Write(t.Context(), delivery(t, 1, 1)))
	require.NoError(t, os.WriteFile(file, []byte("Bearer two"), 0o600))
	require.NoError(t, h.Write(t.Context(), delivery(t, 4, 1)))
	assert.Equal(t, []string{"Bearer one", "Bearer two"}, []string{<-got, <-got})
	for value, want := range map[string]string{"": "is empty", " \n": "is empty", "Bearer thr\r\nee": "control character", "Bearer \x00three": "control character"} {
		require.NoError(t, os.WriteFile(file, []byte(value), 0o600))
		err := requireRecoverable(t, h.Write(t.Context(), delivery(t, 7, 1)))
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "thr")
	}
	require.NoError(t, os.Remove(file))
	require.ErrorIs(t, requireRecoverable(t, h.Write(t.Context(), delivery(t, 7, 1))), os.ErrNotExist)
	assert.Empty(t, got)
}

// TestHTTPErrorsTellNoSecrets: whatever goes wrong, neither what the URL holds
// besides the host nor a header is in the error.
func TestHTTPErrorsTellNoSecrets(t *testing.T) {
	const secret = "s3cr3t"
	file := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(file, []byte("Bearer "+secret), 0o600))
	for name, serveConn := range map[string]func(net.Conn){
		"closes":           func(net.Conn) {},
		"echoes":           func(c net.Conn) { _, _ = io.CopyN(c, c, 300) },
		"echoes as status": func(c net.Conn) { fmt.Fprintf(c, "HTTP/1.1 %s\r\n\r\n", firstBytes(c)) },
		"echoes as header": func(c net.Conn) { fmt.Fprintf(c, "HTTP/1.1 200 OK\r\n%s\r\n\r\n", firstBytes(c)) },
		"echoes as reason": func(c net.Conn) {
			fmt.Fprintf(c, "HTTP/1.1 400 %s\r\nContent-Length: 0\r\n\r\n", strings.ReplaceAll(firstBytes(c), "\r\n", " "))
		},
		"echoes in the body": func(c net.Conn) { fmt.Fprintf(c, "HTTP/1.1 500 No\r\nConnection: close\r\n\r\n%s", firstBytes(c)) },
		"redirects": func(c net.Conn) {
			firstBytes(c)
			fmt.Fprintf(c, "HTTP/1.1 302 Found\r\nLocation: /%s\r\nContent-Length: 0\r\n\r\n", secret)
		},
		"redirects badly": func(c net.Conn) {
			firstBytes(c)
			fmt.Fprintf(c, "HTTP/1.1 302 Found\r\nLocation: http://%%zz%s\r\nContent-Length: 0\r\n\r\n", secret)
		},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			defer l.Close()
			go func() {
				for {
					conn, err := l.Accept()
					if err != nil {
						return
					}
					serveConn(conn)
					_ = conn.Close()
				}
			}()
			for _, scheme := range []string{"http", "https"} {
				h := post(t, fmt.Sprintf("%s://me:%s@%s/%s?token=%s", scheme, secret, l.Addr(), secret, secret), func(c *output.HTTPConfig) {
					c.Headers = []output.Header{{Name: "X-Token", ValueFile: file}}
					c.Timeout = time.Second
				})
				err = h.Write(t.Context(), delivery(t, 1, 1))
				require.Error(t, err)
				assert.NotContains(t, err.Error(), secret)
				assert.NotContains(t, err.Error(), "me:")
				assert.Contains(t, err.Error(), "output: http: "+scheme+"://"+l.Addr().String()+": ")
			}
		})
	}
}

// firstBytes reads what comes at once of a request.
func firstBytes(c net.Conn) string {
	b := make([]byte, 300)
	n, _ := c.Read(b)
	return string(b[:n])
}

// TestHTTPWrongConfig is known at the start, and told without secrets.
func TestHTTPWrongConfig(t *testing.T) {
	file := filepath.Join(t.TempDir(), "text")
	require.NoError(t, os.WriteFile(file, []byte("text"), 0o600))
	headers := func(names ...string) (hs []output.Header) {
		for _, n := range names {
			hs = append(hs, output.Header{Name: n, ValueFile: file})
		}
		return hs
	}
	for want, cfg := range map[string]output.HTTPConfig{
		"cannot be read":           {URL: "http://me:s3cr3t@host:x/"},
		"not one of http":          {URL: "ftp://me:s3cr3t@host"},
		"one of http or https":     {URL: "http:///s3cr3t"},
		"plain http":               {URL: "http://h", CAFile: file},
		"belong together":          {URL: "https://h", CertFile: file},
		"no certificate in PEM":    {URL: "https://h", CAFile: file},
		"with its key":             {URL: "https://h", CertFile: file, KeyFile: file},
		"no such file":             {URL: "https://h", CAFile: file + "no"},
		"no name of a header":      {URL: "https://h", Headers: headers("a b")},
		"cannot be set here":       {URL: "https://h", Headers: headers("content-type")},
		"stands there twice":       {URL: "https://h", Headers: headers("X-A", "x-a")},
		"no file with its value":   {URL: "https://h", Headers: []output.Header{{Name: "X-A"}}},
		"the user agent holds a":   {URL: "https://h", UserAgent: "a\r\nb"},
		"header X-A: open " + file: {URL: "https://h", Headers: []output.Header{{Name: "X-A", ValueFile: file + "no"}}},
	} {
		cfg.Now = func() time.Time { return start }
		_, err := output.NewHTTP(cfg)
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, "output: http: ")
		assert.NotContains(t, err.Error(), "s3cr3t")
	}
	_, err := output.NewHTTP(output.HTTPConfig{URL: "http://h"})
	require.ErrorContains(t, err, "no clock")
}
