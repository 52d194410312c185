package redact

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// FuzzEvent holds that whatever comes out is JSON of the same shape, and that a
// second time changes nothing.
func FuzzEvent(f *testing.F) {
	for _, line := range sample(f) {
		if len(line) < 2500 {
			f.Add(line)
		}
	}
	f.Add([]byte(request("secrets", `[{"op":"add","path":"/data/x","value":{"a":[1,true,null,"x"]}},"--token","x"]`)))
	f.Add([]byte(request("x", `{"env":[{"name":"\u0041_TOKEN","value":"\ud83d\ude00"}],"args":["--password=x y","https://a:b@c"]}`)))
	f.Add([]byte(uri("/exec?command=--token&command=x&token=%41%zz+" + jwt)))
	f.Add([]byte(request("x", `{"a":`+quote(`{"password":"x","b":`+quote(`{"kind":"Secret","data":{"x":"y"}}`)+`}`)+`}`)))
	r := redactor(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		v, err := audit.ParseValue(raw)
		out, _, changed := r.Event(&audit.Event{Raw: raw})
		require.Equal(t, changed, !bytes.Equal(raw, out))
		if err != nil {
			return
		}
		_, _ = rewrittenOnce(t, r, string(v.Raw()))
	})
}

// FuzzText: a second pass over a text only takes away.
func FuzzText(f *testing.F) {
	for _, s := range []string{"a --password=x " + jwt, pem, `token: "\"x"`, "https://a:b@c/?password=x&token=y", "Authorization: Basic abc", `{"password":"x"} {`} {
		f.Add(s)
	}
	r := redactor(f)
	f.Fuzz(func(t *testing.T, s string) {
		once := r.Text(s)
		onlyTakesAway(t, once, r.Text(once))
	})
}

// FuzzCanary plants a secret in a place that a rule covers, among things that
// are chosen at random, and looks for it afterwards.
func FuzzCanary(f *testing.F) {
	for i := range uint64(64) {
		f.Add(i, "x", "CanarySecret")
	}
	r := redactor(f)
	f.Fuzz(func(t *testing.T, seed uint64, noise, secret string) {
		secret = strings.Map(func(c rune) rune {
			if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' {
				return c
			}
			return -1
		}, secret)
		secret = "Zq9" + secret + "9qZ"
		noise = strings.ToValidUTF8(noise, "?")
		if strings.Contains(noise, "9q") || strings.Contains(noise, "q9") || strings.Contains(noise, "Zq") {
			return
		}
		p := planter{rng: rand.New(rand.NewPCG(seed, 1)), secret: secret, noise: noise}
		out, paths := rewrittenOnce(t, r, p.event())
		require.NotContains(t, out, secret)
		require.NotEmpty(t, paths)
	})
}

// planter writes events with a secret in them.
type planter struct {
	rng           *rand.Rand
	secret, noise string
}

func (p *planter) pick(of ...string) string { return of[p.rng.IntN(len(of))] }

// event puts the secret into one place, inside objects, lists and strings.
func (p *planter) event() string {
	resource := p.pick("secrets", "pods", "widgets", "configmaps")
	body := p.place(resource)
	for range p.rng.IntN(4) {
		switch p.rng.IntN(4) {
		case 0:
			body = `{"a":` + quote(p.noise) + `,"items":[1,` + body + `]}`
		case 1:
			body = `[` + quote(p.noise) + `,` + body + `,null]`
		case 2:
			body = `{"metadata":{"annotations":{"x":` + quote(body) + `}},"z":` + p.word("y") + `}`
		case 3:
			body = "{ \"spec\" : " + body + "\t, \"n\":\n-1e3 }"
		}
	}
	return `{"kind":"Event","x":` + quote(p.noise) + `,"objectRef":{"resource":` + p.word(resource) + `},"` + p.pick("requestObject", "responseObject") + `":` + body + `}`
}

// word writes a word with some of its letters escaped.
func (p *planter) word(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if p.rng.IntN(8) == 0 {
			fmt.Fprintf(&b, `\u%04x`, c)
		} else {
			b.WriteByte(c)
		}
	}
	return `"` + b.String() + `"`
}

// place is an object or array with the secret where a rule covers it.
func (p *planter) place(resource string) string {
	w, key := p.word, quote("k"+p.noise)
	switch p.rng.IntN(9) {
	case 0:
		return `{` + w(p.pick("data", "stringData", "Data")) + `:{` + key + `:` + w(p.secret) + `},` + w("kind") + `:` + w(p.pick("Secret", "secret", "SecretList ")) + `}`
	case 1:
		return `{` + w("kind") + `:"Secret",` + w("data") + `:[{"a":` + w(p.secret) + `}]}`
	case 2:
		return `{"env":[{` + w("value") + `:` + w(p.secret) + `,` + w("name") + `:` + w(p.pick("DB_PASSWORD", "x-token", "API_KEY")) + `}]}`
	case 3:
		return `{"env":{"X_SECRET":` + w(p.secret) + `}}`
	case 4:
		path := p.pick("/stringData/x", "/data/password", "/spec/containers/0/env/1/value", "/spec/password")
		return `[{"op":` + w(p.pick("add", "test", "replace", "x")) + `,` + w("value") + `:` + w(p.secret) + `,` + w("path") + `:` + w(path) + `}]`
	case 5:
		return `{"data":{` + w(p.pick("db-password", "TOKEN", "tls.key")) + `:` + w(p.secret) + `}}`
	case 6:
		return `["--a",` + w("--password") + `,` + w(p.secret) + `]`
	case 7:
		text := p.pick("--token=", "PASSWORD=", "https://u:", "password: ", "-----BEGIN PRIVATE KEY-----\n") + p.secret
		if strings.HasPrefix(text, "https") {
			text += "@host"
		}
		return `{"m":` + quote(p.noise+" "+text) + `}`
	}
	return `{` + w(p.pick("token", "password", "clientSecret")) + `:` + w(p.secret) + `}`
}
