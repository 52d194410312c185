// Package gate tells who sends a request, and for which cluster: by bearer token, client
// certificate or a secret in the path. It is what endpoints have in common that clusters
// send to.
//
// Secrets are kept as digests, are compared in constant time, and are in no error. What
// stands in a request's body, and where credentials are read from, stays outside.
package gate

import (
	"net/http"
	"strings"
	"sync/atomic"
)

// Refusal is why a request is turned away: an answer other than 200.
type Refusal struct {
	Status int    // HTTP
	Text   string // one line
	Retry  bool   // say when to try again
}

// Error implements error.
func (r Refusal) Error() string { return r.Text }

// Proof is how a sender proved who it is.
type Proof string

// The proofs. Nobody proved anything where none is asked for.
const (
	ByToken       Proof = "token"
	ByCertificate Proof = "certificate"
	ByPath        Proof = "path-secret"
	Unproved      Proof = "none"
)

// Config says what a Gate lets in.
type Config struct {
	Prefix         string   // of paths
	Anywhere       bool     // other segments may stand before the prefix
	Clusters       []string // those that there are: * in a credential stands for them; none: any, if Open
	DefaultCluster string   // of requests that name none
	Open           bool     // ask for no credential
}

// Gate lets requests in. Its methods may be called from any goroutine.
type Gate struct {
	cfg         Config
	clusters    map[string]bool
	credentials atomic.Pointer[keys]
}

// New makes a gate. Without Config.Open it refuses all until it has credentials.
func New(cfg Config) *Gate {
	g := &Gate{cfg: cfg, clusters: map[string]bool{}}
	g.cfg.Prefix = "/" + strings.Trim(cfg.Prefix, "/")
	g.credentials.Store(new(keys))
	for _, c := range cfg.Clusters {
		g.clusters[c] = true
	}
	return g
}

// Pass is what a request was let in with.
type Pass struct {
	Cluster string // "": it names none, and there is no default
	Proof   Proof
}

var unproved = Refusal{Status: http.StatusUnauthorized, Text: "no valid credential"}

// Admit tells which cluster a request is for, or, by a Refusal, why it is turned away.
func (g *Gate) Admit(r *http.Request) (Pass, error) {
	p, known := g.parsePath(r.URL)
	pass, err := g.admit(r, p)
	if err == nil && !known {
		err = Refusal{Status: http.StatusNotFound, Text: "no such path; send to " + g.cfg.Prefix + "/CLUSTER"}
	}
	return pass, err
}

func (g *Gate) admit(r *http.Request, p path) (Pass, error) {
	pass := Pass{Proof: Unproved}
	var k *key
	if !g.cfg.Open {
		if k, pass.Proof = g.credentials.Load().of(r, p); k == nil {
			return pass, unproved
		}
	}
	named := p.cluster
	if named == "" {
		named = r.Header.Get("X-Kubewitness-Cluster")
	}
	if named != "" && !validName(named) {
		return pass, Refusal{Status: http.StatusBadRequest, Text: "that is no name of a cluster"}
	}
	switch {
	case named != "":
	case k != nil && k.only != "":
		named = k.only
	default:
		named = g.cfg.DefaultCluster
	}
	switch {
	case k != nil && !k.allows(named, g.clusters):
		return pass, Refusal{Status: http.StatusForbidden, Text: "the credential is not for this cluster"}
	case k == nil && len(g.clusters) > 0 && !g.clusters[named]:
		return pass, Refusal{Status: http.StatusForbidden, Text: "no cluster of this name is configured"}
	}
	pass.Cluster = named
	return pass, nil
}
