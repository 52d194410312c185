package listen

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// noon is when the tests happen, for both ends of a handshake.
var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func atNoon() time.Time { return noon }

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
	pem  []byte
}

// identity is a certificate and its key in PEM.
type identity struct{ cert, key []byte }

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	key := newKey(t)
	tmpl := &x509.Certificate{
		SerialNumber: serial(t), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: noon.AddDate(-1, 0, 0), NotAfter: noon.AddDate(1, 0, 0), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return &authority{cert: cert, key: key, pem: encode("CERTIFICATE", der)}
}

// issue makes a certificate, good for servers on loopback and for clients, that ends
// at a time.
func (a *authority) issue(t *testing.T, name string, until time.Time) identity {
	t.Helper()
	key := newKey(t)
	tmpl := &x509.Certificate{
		SerialNumber: serial(t), Subject: pkix.Name{CommonName: name},
		NotBefore: noon.AddDate(0, -6, 0), NotAfter: until, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, a.cert, key.Public(), a.key)
	require.NoError(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	return identity{cert: encode("CERTIFICATE", der), key: encode("PRIVATE KEY", secret)}
}

func (i identity) pair(t *testing.T) tls.Certificate {
	t.Helper()
	c, err := tls.X509KeyPair(i.cert, i.key)
	require.NoError(t, err)
	return c
}

func newKey(t *testing.T) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return key
}

func serial(t *testing.T) *big.Int {
	t.Helper()
	n, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	require.NoError(t, err)
	return n
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// files are the three files of a listener.
type files struct{ dir string }

func (f files) cert() string { return filepath.Join(f.dir, "tls.crt") }
func (f files) key() string  { return filepath.Join(f.dir, "tls.key") }
func (f files) ca() string   { return filepath.Join(f.dir, "ca.crt") }

func newFiles(t *testing.T, server identity, clients ...*authority) files {
	t.Helper()
	f := files{t.TempDir()}
	f.put(t, server)
	f.trust(t, clients...)
	return f
}

func (f files) put(t *testing.T, server identity) {
	t.Helper()
	write(t, f.cert(), server.cert)
	write(t, f.key(), server.key)
}

func (f files) trust(t *testing.T, clients ...*authority) {
	t.Helper()
	var all []byte
	for _, a := range clients {
		all = append(all, a.pem...)
	}
	write(t, f.ca(), all)
}

// write puts a file in place as a whole, as those do who renew certificates.
func write(t *testing.T, path string, text []byte) {
	t.Helper()
	require.NoError(t, os.WriteFile(path+".tmp", text, 0o600))
	require.NoError(t, os.Rename(path+".tmp", path))
}
