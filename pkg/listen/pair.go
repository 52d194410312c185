package listen

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"time"
)

// pair is a certificate with its key, the authorities of the clients, and the
// configuration made of them. It does not change.
type pair struct {
	leaf   *x509.Certificate
	config *tls.Config
	digest [sha256.Size]byte // of the three files
}

// read makes a pair of what the files hold now.
func (k *Keeper) read() (*pair, error) {
	cert, err := os.ReadFile(k.cfg.CertFile)
	if err != nil {
		return nil, fmt.Errorf("listen: the certificate: %w", err)
	}
	key, err := os.ReadFile(k.cfg.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("listen: the key: %w", err)
	}
	both, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("listen: %s and %s: %w", k.cfg.CertFile, k.cfg.KeyFile, keyless(err, cert))
	}
	p := &pair{leaf: both.Leaf, config: &tls.Config{
		MinVersion:             tls.VersionTLS12,
		NextProtos:             k.cfg.Protocols,
		Certificates:           []tls.Certificate{both},
		SessionTicketsDisabled: true,
		Time:                   k.cfg.Now,
	}}
	var authorities []byte
	if k.cfg.ClientCAFile != "" {
		if authorities, err = os.ReadFile(k.cfg.ClientCAFile); err != nil {
			return nil, fmt.Errorf("listen: the authorities of clients: %w", err)
		}
		if p.config.ClientCAs, err = pool(authorities); err != nil {
			return nil, fmt.Errorf("listen: %s: %w", k.cfg.ClientCAFile, err)
		}
		p.config.ClientAuth = tls.VerifyClientCertIfGiven
		if k.cfg.RequireClient {
			p.config.ClientAuth = tls.RequireAndVerifyClientCert
		}
	}
	h := sha256.New()
	for _, part := range [][]byte{cert, key, authorities} {
		sum := sha256.Sum256(part)
		h.Write(sum[:])
	}
	p.digest = [sha256.Size]byte(h.Sum(nil))
	return p, nil
}

// keyless returns why a certificate and a key are no pair. The library's own words
// are passed on where they can only be about the certificate, which is no secret.
func keyless(err error, cert []byte) error {
	certs, bad := certificates(cert)
	switch {
	case bad != nil:
		return bad
	case len(certs) == 0:
		return errors.New("the certificate file holds no PEM block of type CERTIFICATE")
	case err.Error() == "tls: private key does not match public key":
		return errors.New("the key is not that of the first certificate; if both are being replaced, the other one is still to come")
	}
	return errors.New("the key file holds no key that can be used: a PEM block PRIVATE KEY, RSA PRIVATE KEY or EC PRIVATE KEY, not encrypted, of the certificate's kind")
}

// certificates reads PEM. Blocks of other types are passed over.
func certificates(text []byte) (certs []*x509.Certificate, err error) {
	begun := bytes.Count(text, []byte("-----BEGIN CERTIFICATE-----"))
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			break
		}
		if text = rest; block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d: %w", len(certs)+1, err)
		}
		certs = append(certs, c)
	}
	if len(certs) != begun { // pem.Decode passes over what is broken
		return nil, fmt.Errorf("%d PEM blocks CERTIFICATE begin, and only %d can be read", begun, len(certs))
	}
	return certs, nil
}

// pool reads authorities. Half of a bundle would turn good clients away, so a block
// that cannot be read refuses all.
func pool(text []byte) (*x509.CertPool, error) {
	certs, err := certificates(text)
	if err != nil {
		return nil, err
	}
	if len(certs) == 0 {
		return nil, errors.New("no PEM block of type CERTIFICATE")
	}
	p := x509.NewCertPool()
	for _, c := range certs {
		p.AddCert(c)
	}
	return p, nil
}

func (p *pair) validAt(now time.Time) bool {
	return !now.Before(p.leaf.NotBefore) && !now.After(p.leaf.NotAfter)
}

func (p *pair) describe() Certificate {
	return Certificate{
		Subject:   p.leaf.Subject.String(),
		Serial:    fmt.Sprintf("%x", p.leaf.SerialNumber),
		NotBefore: p.leaf.NotBefore,
		NotAfter:  p.leaf.NotAfter,
	}
}
