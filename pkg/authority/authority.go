// Package authority makes the certificates that API servers know a webhook by.
//
// Each authority signs one certificate, when it is made, and its key is forgotten: there is no
// key anywhere that could sign another. What renews a certificate makes a new authority,
// and whoever trusts both for a while ([Bundle]) takes either certificate. An authority may
// speak for the names of its certificate and no others.
//
// Keys are ECDSA on P-256, files are PEM, and certificates begin an hour before now, so that
// clocks may differ. Where they are kept, when they are renewed and who is told stays outside.
package authority

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// skew is how far clocks may be behind.
const skew = time.Hour

// Pair is a certificate with its key, and the authority that signed it, all as PEM.
type Pair struct {
	Authority, Cert, Key []byte
}

// Issue makes an authority and a certificate of it for a server with these DNS names, one
// at least, good for so long from now on.
func Issue(names []string, validity time.Duration, now time.Time) (Pair, error) {
	if len(names) == 0 {
		return Pair{}, errors.New("authority: a certificate has one name at least")
	}
	from, until := now.Add(-skew), now.Add(validity)
	root := &x509.Certificate{
		Subject: pkix.Name{CommonName: "kubewitness authority of " + now.UTC().Format(time.DateOnly)}, NotBefore: from, NotAfter: until,
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign,
		PermittedDNSDomains: names, PermittedDNSDomainsCritical: true,
	}
	signer, cert, err := sign(root, root, nil)
	if err != nil {
		return Pair{}, err
	}
	leaf := &x509.Certificate{
		Subject: pkix.Name{CommonName: "kubewitness"}, NotBefore: from, NotAfter: until, DNSNames: names,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if root, err = x509.ParseCertificate(cert); err != nil {
		return Pair{}, fmt.Errorf("authority: %w", err)
	}
	key, own, err := sign(leaf, root, signer)
	if err != nil {
		return Pair{}, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return Pair{}, fmt.Errorf("authority: %w", err)
	}
	return Pair{Authority: encode(certificate, cert), Cert: encode(certificate, own), Key: encode("PRIVATE KEY", der)}, nil
}

// sign makes a key and a certificate for it, by itself where there is no signer.
func sign(template, parent *x509.Certificate, signer *ecdsa.PrivateKey) (*ecdsa.PrivateKey, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("authority: %w", err)
	}
	if signer == nil {
		signer = key
	}
	if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120)); err != nil {
		return nil, nil, fmt.Errorf("authority: %w", err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		return nil, nil, fmt.Errorf("authority: %w", err)
	}
	return key, der, nil
}

const certificate = "CERTIFICATE"

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// Parse reads the certificates of a PEM text; one at least, and nothing else beside them.
func Parse(text []byte) (certs []*x509.Certificate, err error) {
	for rest := bytes.TrimSpace(text); len(rest) > 0; rest = bytes.TrimSpace(rest) {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil || block.Type != certificate {
			return nil, errors.New("authority: there is something else than PEM blocks of type CERTIFICATE")
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("authority: certificate %d: %w", len(certs)+1, err)
		}
		certs = append(certs, c)
	}
	if len(certs) == 0 {
		return nil, errors.New("authority: there is no certificate")
	}
	return certs, nil
}

// Bundle puts the certificates of several texts behind each other, each once. Texts may be
// empty; what cannot be read is left out.
func Bundle(texts ...[]byte) []byte {
	var out []byte
	seen := map[string]bool{}
	for _, text := range texts {
		certs, err := Parse(text)
		if err != nil {
			continue
		}
		for _, c := range certs {
			if !seen[string(c.Raw)] {
				seen[string(c.Raw)] = true
				out = append(out, encode(certificate, c.Raw)...)
			}
		}
	}
	return out
}

// Holds tells whether a bundle has every certificate of another text.
func Holds(bundle, text []byte) bool {
	return len(text) > 0 && bytes.Equal(Bundle(bundle), Bundle(bundle, text))
}

// Check tells why a client that trusts a bundle would not take a server's certificate for a
// name at a time: nil means that it would. The server's intermediates may stand behind its
// certificate.
func Check(bundle, cert []byte, name string, now time.Time) error {
	roots, err := Parse(bundle)
	if err != nil {
		return err
	}
	chain, err := Parse(cert)
	if err != nil {
		return err
	}
	opts := x509.VerifyOptions{DNSName: name, CurrentTime: now, Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool()}
	for _, c := range roots {
		opts.Roots.AddCert(c)
	}
	for _, c := range chain[1:] {
		opts.Intermediates.AddCert(c)
	}
	if _, err := chain[0].Verify(opts); err != nil {
		return fmt.Errorf("authority: %w", err)
	}
	return nil
}

// Fits tells whether a certificate and a key are a pair.
func Fits(cert, key []byte) bool {
	_, err := tls.X509KeyPair(cert, key)
	return err == nil
}

// Text is a certificate as PEM.
func Text(c *x509.Certificate) []byte { return encode(certificate, c.Raw) }

// Issued is when a certificate of [Issue] was made.
func Issued(c *x509.Certificate) time.Time { return c.NotBefore.Add(skew) }
