package gate

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"fmt"
	"net/http"
	"strings"
)

// AnyCluster in Credential.Clusters stands for all of Config.Clusters.
const AnyCluster = "*"

// minSecret is how many bytes a token or path secret has at least.
const minSecret = 16

// Credential is a proof of who sends: one of Token, PathSecret and CertificateName.
type Credential struct {
	Name            string   // in messages
	Token           string   // a bearer token
	PathSecret      string   // the last segment of the path
	CertificateName string   // common name or DNS name of a verified client certificate
	Clusters        []string // whose events may be sent with it
}

// key is a Credential as it is kept: without the secret.
type key struct {
	token, path *[sha256.Size]byte
	certificate string
	any         bool
	clusters    map[string]bool
	only        string // its only cluster, if it has just one
}

type keys struct{ all []key }

// SetCredentials puts credentials in force, in place of all others. On an error those
// before stay.
func (g *Gate) SetCredentials(credentials []Credential) error {
	var ks keys
	for _, c := range credentials {
		k, err := keyOf(c)
		if err != nil {
			return err
		}
		ks.all = append(ks.all, k)
	}
	g.credentials.Store(&ks)
	return nil
}

func keyOf(c Credential) (key, error) {
	k := key{certificate: c.CertificateName, clusters: map[string]bool{}}
	proofs := 0
	for _, p := range []struct {
		secret string
		digest **[sha256.Size]byte
	}{{c.Token, &k.token}, {c.PathSecret, &k.path}} {
		if p.secret == "" {
			continue
		}
		if len(p.secret) < minSecret || strings.ContainsAny(p.secret, " \t\r\n") {
			return key{}, fmt.Errorf("credential %q: a token or path secret has at least %d bytes and no white space", c.Name, minSecret)
		}
		proofs++
		sum := sha256.Sum256([]byte(p.secret))
		*p.digest = &sum
	}
	if c.CertificateName != "" {
		proofs++
	}
	if proofs != 1 {
		return key{}, fmt.Errorf("credential %q: it has %d of token, path secret and certificate name; give one", c.Name, proofs)
	}
	for _, name := range c.Clusters {
		if name == AnyCluster {
			k.any = true
			continue
		}
		k.clusters[name] = true
		k.only = name
	}
	if k.any || len(k.clusters) > 1 {
		k.only = ""
	}
	if !k.any && len(k.clusters) == 0 {
		return key{}, fmt.Errorf("credential %q: it is for no cluster; name some, or *", c.Name)
	}
	return k, nil
}

// allows tells whether events of a cluster may be sent with the key.
func (k *key) allows(cluster string, known map[string]bool) bool {
	return k.clusters[cluster] || k.any && known[cluster]
}

// validName tells whether something can be the name of a cluster; which there are is
// not asked.
func validName(s string) bool {
	for _, c := range s {
		if c <= ' ' || c == 0x7f || c == 0xfffd {
			return false
		}
	}
	return s != "" && len(s) <= 253
}

// of returns the key that a request proves to have, and by what; nil for none.
func (ks *keys) of(r *http.Request, p path) (*key, Proof) {
	if header, has := r.Header["Authorization"]; has {
		token, is := "", false
		if len(header) == 1 {
			token, is = bearer(header[0])
		}
		if !is {
			return nil, ""
		}
		return ks.find(token, func(k *key) *[sha256.Size]byte { return k.token }), ByToken
	}
	if k := ks.ofCertificate(r); k != nil {
		return k, ByCertificate
	}
	if p.secret == "" {
		return nil, ""
	}
	return ks.find(p.secret, func(k *key) *[sha256.Size]byte { return k.path }), ByPath
}

func bearer(header string) (token string, ok bool) {
	scheme, token, ok := strings.Cut(header, " ")
	return strings.TrimSpace(token), ok && strings.EqualFold(scheme, "Bearer")
}

// find returns the key with a secret. How long it takes says nothing about the
// secrets: all are compared, and their digests only.
func (ks *keys) find(secret string, digest func(*key) *[sha256.Size]byte) (found *key) {
	sum := sha256.Sum256([]byte(secret))
	for i := range ks.all {
		if d := digest(&ks.all[i]); d != nil && subtle.ConstantTimeCompare(sum[:], d[:]) == 1 {
			found = &ks.all[i]
		}
	}
	return found
}

// ofCertificate returns the key of a request's verified certificate.
func (ks *keys) ofCertificate(r *http.Request) *key {
	if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 || len(r.TLS.VerifiedChains[0]) == 0 {
		return nil
	}
	leaf := r.TLS.VerifiedChains[0][0]
	for i := range ks.all {
		if k := &ks.all[i]; k.certificate != "" && isNamed(leaf, k.certificate) {
			return k
		}
	}
	return nil
}

func isNamed(c *x509.Certificate, name string) bool {
	if c.Subject.CommonName == name {
		return true
	}
	for _, dns := range c.DNSNames {
		if dns == name {
			return true
		}
	}
	return false
}
