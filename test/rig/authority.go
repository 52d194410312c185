package rig

import (
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
)

// Authority is a certificate authority that signs for one test.
type Authority struct {
	tb   testing.TB
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	File string // its certificate, as PEM
}

// Identity is a certificate with its key, in memory and in files.
type Identity struct {
	tls.Certificate
	CertFile, KeyFile string
}

const validity = 24 * time.Hour

// NewAuthority makes NAME.crt and NAME.key in a folder.
func NewAuthority(tb testing.TB, dir, name string) *Authority {
	tb.Helper()
	a := &Authority{tb: tb, dir: dir, key: newKey(tb)}
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: name},
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	a.cert = sign(tb, template, template, &a.key.PublicKey, a.key)
	a.File, _ = a.write(name, a.cert, a.key)
	return a
}

// Issue signs a certificate for a user or server; file names the pair of files.
// Every certificate may be used on both ends, on the loopback interface.
func (a *Authority) Issue(file, name string, groups ...string) Identity {
	a.tb.Helper()
	key := newKey(a.tb)
	cert := sign(a.tb, &x509.Certificate{
		Subject:     pkix.Name{CommonName: name, Organization: groups},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
		DNSNames:    []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}, a.cert, &key.PublicKey, a.key)
	id := Identity{Certificate: tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}}
	id.CertFile, id.KeyFile = a.write(file, cert, key)
	return id
}

// pool holds the authority's certificate.
func (a *Authority) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

func (a *Authority) write(file string, cert *x509.Certificate, key *ecdsa.PrivateKey) (certFile, keyFile string) {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		a.tb.Fatalf("rig: %v", err)
	}
	certFile, keyFile = filepath.Join(a.dir, file+".crt"), filepath.Join(a.dir, file+".key")
	writePEM(a.tb, certFile, "CERTIFICATE", cert.Raw)
	writePEM(a.tb, keyFile, "EC PRIVATE KEY", der)
	return certFile, keyFile
}

// signingKey makes the pair of keys that service accounts' tokens are signed with
// and checked by.
func signingKey(tb testing.TB, dir string) (private, public string) {
	key := newKey(tb)
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		tb.Fatalf("rig: %v", err)
	}
	pub, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		tb.Fatalf("rig: %v", err)
	}
	private, public = filepath.Join(dir, "service-accounts.key"), filepath.Join(dir, "service-accounts.pub")
	writePEM(tb, private, "EC PRIVATE KEY", der)
	writePEM(tb, public, "PUBLIC KEY", pub)
	return private, public
}

func newKey(tb testing.TB) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatalf("rig: %v", err)
	}
	return key
}

func sign(tb testing.TB, template, parent *x509.Certificate, pub *ecdsa.PublicKey, key *ecdsa.PrivateKey) *x509.Certificate {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		tb.Fatalf("rig: %v", err)
	}
	template.SerialNumber = serial
	template.NotBefore = time.Now().Add(-time.Hour)
	template.NotAfter = template.NotBefore.Add(validity)
	der, err := x509.CreateCertificate(rand.Reader, template, parent, pub, key)
	if err != nil {
		tb.Fatalf("rig: %v", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatalf("rig: %v", err)
	}
	return cert
}

func writePEM(tb testing.TB, path, kind string, der []byte) {
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		tb.Fatalf("rig: %v", err)
	}
}
