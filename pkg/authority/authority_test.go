package authority

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

const (
	name = "kubewitness-admission.kubewitness.svc"
	year = 365 * 24 * time.Hour
)

func issue(t *testing.T, at time.Time) Pair {
	t.Helper()
	p, err := Issue([]string{name}, year, at)
	require.NoError(t, err)
	return p
}

// TestIssue: what is made is taken for its name and time, and for nothing else.
func TestIssue(t *testing.T) {
	p, other := issue(t, noon), issue(t, noon)
	assert.True(t, Fits(p.Cert, p.Key))
	assert.False(t, Fits(p.Cert, other.Key))
	for _, c := range []struct {
		what   string
		bundle []byte
		name   string
		at     time.Time
		want   string // "": taken
	}{
		{"now", p.Authority, name, noon, ""},
		{"by a clock that is behind", p.Authority, name, noon.Add(-59 * time.Minute), ""},
		{"before", p.Authority, name, noon.Add(-2 * time.Hour), "not yet valid"},
		{"on the last day", p.Authority, name, noon.Add(year - time.Minute), ""},
		{"after", p.Authority, name, noon.Add(year + time.Minute), "expired"},
		{"for another name", p.Authority, "kubernetes.default.svc", noon, "is valid for"},
		{"by another authority", other.Authority, name, noon, "unknown authority"},
		{"by both", Bundle(other.Authority, p.Authority), name, noon, ""},
		{"by nobody", nil, name, noon, "no certificate"},
		{"by a key", p.Key, name, noon, "something else"},
	} {
		err := Check(c.bundle, p.Cert, c.name, c.at)
		if c.want == "" {
			assert.NoError(t, err, c.what)
		} else {
			assert.ErrorContains(t, err, c.want, c.what)
		}
	}
	_, err := Issue(nil, year, noon)
	assert.ErrorContains(t, err, "one name at least")
}

// TestAuthoritySpeaksForItsNamesOnly: even with its key nobody could make a certificate of
// the authority for something else.
func TestAuthoritySpeaksForItsNamesOnly(t *testing.T) {
	root := &x509.Certificate{
		NotBefore: noon, NotAfter: noon.Add(year), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		PermittedDNSDomains: []string{name}, PermittedDNSDomainsCritical: true,
	}
	made, err := Parse(issue(t, noon).Authority)
	require.NoError(t, err)
	assert.Equal(t, root.PermittedDNSDomains, made[0].PermittedDNSDomains)
	assert.True(t, made[0].PermittedDNSDomainsCritical)

	signer, der, err := sign(root, root, nil)
	require.NoError(t, err)
	parent, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	_, leaf, err := sign(&x509.Certificate{NotBefore: noon, NotAfter: noon.Add(year), DNSNames: []string{"kubernetes.default.svc"}}, parent, signer)
	require.NoError(t, err)
	assert.ErrorContains(t, Check(encode(certificate, der), encode(certificate, leaf), "kubernetes.default.svc", noon), "not permitted")
}

func TestBundle(t *testing.T) {
	a, b := issue(t, noon).Authority, issue(t, noon).Authority
	both := Bundle(a, nil, b, a)
	certs, err := Parse(both)
	require.NoError(t, err)
	assert.Len(t, certs, 2)
	assert.Equal(t, both, Bundle(both))
	assert.Equal(t, append(bytes.Clone(a), b...), both)
	assert.True(t, Holds(both, a))
	assert.True(t, Holds(both, b))
	assert.True(t, Holds(a, a))
	assert.False(t, Holds(a, b))
	assert.False(t, Holds(a, both))
	assert.False(t, Holds(a, nil))
	assert.Empty(t, Bundle([]byte("nonsense")))
}

// TestHandshakes: clients that trust the old authority, both, and the new one, against servers
// with either certificate; both is what works with either.
func TestHandshakes(t *testing.T) {
	before, after := issue(t, time.Now()), issue(t, time.Now())
	servers := map[string]string{"old": serve(t, before), "new": serve(t, after)}
	for _, c := range []struct {
		trusts string
		bundle []byte
		old    bool
		new    bool
	}{
		{"old", before.Authority, true, false},
		{"both", Bundle(before.Authority, after.Authority), true, true},
		{"new", after.Authority, false, true},
	} {
		assert.Equal(t, c.old, asks(t, servers["old"], c.bundle), "trusts %s, meets the old one", c.trusts)
		assert.Equal(t, c.new, asks(t, servers["new"], c.bundle), "trusts %s, meets the new one", c.trusts)
	}
}

func serve(t *testing.T, p Pair) string {
	t.Helper()
	pair, err := tls.X509KeyPair(p.Cert, p.Key)
	require.NoError(t, err)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "yes") }))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	s.Config.ErrorLog = nil
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func asks(t *testing.T, address string, bundle []byte) bool {
	t.Helper()
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(bundle))
	tr := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		},
	}
	defer tr.CloseIdleConnections()
	resp, err := (&http.Client{Transport: tr}).Get("https://" + name)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return true
}

func FuzzParse(f *testing.F) {
	p, err := Issue([]string{name}, year, noon)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(p.Authority)
	f.Add(append(bytes.Clone(p.Authority), p.Cert...))
	f.Add([]byte("-----BEGIN CERTIFICATE-----\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		certs, err := Parse(text)
		if (err == nil) != (len(certs) > 0) {
			t.Fatal("certificates with an error, or neither")
		}
		if b := Bundle(text); err == nil && !bytes.Equal(b, Bundle(b, text)) {
			t.Fatal("a bundle of itself is another")
		}
	})
}
