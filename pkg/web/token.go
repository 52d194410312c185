package web

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/kubewitness/kubewitness/pkg/api"
	"github.com/kubewitness/kubewitness/pkg/search"
)

// minSecret is how many bytes a token has at least; a shorter one opens nothing.
const minSecret = 16

// Token lets its bearer ask.
type Token struct {
	Name   string        // in logs and in the status
	Secret func() string // asked for each time, since it may change; "": nobody has it
	Scope  search.Scope  // what its bearer sees
	Import bool          // and may import
}

// caller is who asks.
type caller struct {
	principal search.Principal
	mayImport bool
	proof     [sha256.Size]byte // digest of what was shown
	open      bool              // nothing had to be shown
}

// gate tells who asks.
type gate struct {
	tokens   []Token
	failures *throttle
}

func newGate(tokens []Token, now func() time.Time) (*gate, error) {
	names := map[string]bool{}
	for _, t := range tokens {
		switch {
		case t.Name == "" || t.Secret == nil:
			return nil, fmt.Errorf("web: token %q: it needs a name and a secret", t.Name)
		case names[t.Name]:
			return nil, fmt.Errorf("web: token %q is there twice; give each a name of its own", t.Name)
		}
		names[t.Name] = true
	}
	return &gate{tokens: tokens, failures: newThrottle(now)}, nil
}

// find gives the caller who shows a secret, nil if it is of no token. How long it takes
// says nothing about the secrets: all are compared, and their digests only.
func (g *gate) find(proof [sha256.Size]byte) (found *caller) {
	for i := range g.tokens {
		t := &g.tokens[i]
		secret := t.Secret()
		digest := sha256.Sum256([]byte(secret))
		if subtle.ConstantTimeCompare(proof[:], digest[:]) == 1 && len(secret) >= minSecret {
			found = &caller{principal: search.Principal{Name: t.Name, Scope: t.Scope}, mayImport: t.Import, proof: proof}
		}
	}
	return found
}

// still tells whether a caller would be let in again, as the same.
func (g *gate) still(who *caller) bool {
	if who.open {
		return true
	}
	again := g.find(who.proof)
	return again != nil && again.principal.Name == who.principal.Name
}

// shown gives the secret that a request shows: a bearer token, or a password.
func shown(r *http.Request) (secret string, ok bool) {
	headers := r.Header["Authorization"]
	if len(headers) != 1 {
		return "", false
	}
	scheme, token, _ := strings.Cut(headers[0], " ")
	if strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(token), true
	}
	_, secret, ok = r.BasicAuth()
	return secret, ok
}

// admit tells who sends a request. The error is a problem.
//
// One with a valid token is always let in, however many tokens of the same peer were
// wrong: behind a proxy all have one address, and one who is wrong must not lock out the
// others. Tokens are too long to be guessed at any rate.
func (h *Handler) admit(r *http.Request) (*caller, error) {
	if len(h.gate.tokens) == 0 {
		return &caller{principal: search.Principal{Name: "local", Scope: search.Everything}, mayImport: true, open: true}, nil
	}
	secret, is := shown(r)
	if is {
		if who := h.gate.find(sha256.Sum256([]byte(secret))); who != nil {
			return who, nil
		}
	}
	h.counts.denied.Add(1)
	if !is && len(r.Header["Authorization"]) == 0 { // as browsers begin: it is no attempt
		return nil, problem(api.ProblemUnauthorized, "send a token: Authorization: Bearer TOKEN, or as the password of HTTP Basic")
	}
	peer := peerOf(r)
	if !h.gate.failures.allow(peer) {
		h.counts.throttled.Add(1)
		return nil, problem(api.ProblemThrottled, "wait a minute; then send a token that is in force")
	}
	h.cfg.Logger.Warn("a request without a valid token was refused", "peer", peer)
	return nil, problem(api.ProblemUnauthorized, "the token is not in force; look for a space or a line break in it, or ask for a new one")
}

func peerOf(r *http.Request) string {
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		return host
	}
	return r.RemoteAddr
}

type callerKey struct{}

// Guard lets through to next who shows a token, as the API does, and tells it who it is:
// PrincipalOf. Others are refused as by the API. It is for pages.
func (h *Handler) Guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, err := h.admit(r)
		if err != nil {
			h.refuse(w, r, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, who)))
	})
}

// PrincipalOf gives who sends a request that has come through Guard. For any other it
// gives a principal that may see nothing.
func PrincipalOf(r *http.Request) search.Principal {
	if who, ok := r.Context().Value(callerKey{}).(*caller); ok {
		return who.principal
	}
	return search.Principal{}
}
