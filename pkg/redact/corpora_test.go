package redact

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
	"github.com/kubewitness/kubewitness/test/corpora"
)

func replay(t *testing.T, file string, f func(*audit.Event)) {
	t.Helper()
	in, err := os.Open(file)
	require.NoError(t, err)
	defer in.Close()
	for r := audit.NewReader(in, file, audit.Limits{}); ; {
		e, err := r.Next()
		if err == io.EOF {
			return
		}
		if rej := (*audit.Rejection)(nil); errors.As(err, &rej) {
			continue
		}
		require.NoError(t, err)
		f(e)
	}
}

// minSecret is the length from which a secret of the recordings is looked for:
// shorter ones are words that occur elsewhere by right.
const minSecret = 12

// secretsOf collects the values of Secrets, as they are and decoded, and tokens.
// It goes about it in another way than the redactor: whatever is below a member
// data of an object with kind Secret or SecretList, or token of a token object.
func secretsOf(v audit.Value, in bool, add func(string)) {
	kind := v.Get("kind").Text()
	in = in || kind == "Secret" || kind == "SecretList"
	for k, m := range v.Members() {
		switch {
		case in && k == "data":
			for name, s := range m.Members() {
				if name != "ca.crt" && name != "tls.crt" && name != "namespace" && name != "username" { // public
					add(s.Text())
				}
			}
		case (kind == "TokenRequest" || kind == "TokenReview") && (k == "status" || k == "spec") && m.Get("token").Kind() == audit.String:
			add(m.Get("token").Text())
		}
		secretsOf(m, in, add)
	}
	for m := range v.Elems() {
		secretsOf(m, in, add)
	}
}

// secretSet finds many secrets in a text, each by its beginning.
type secretSet map[string][]string

func (s secretSet) add(text string) {
	if len(text) < minSecret {
		return
	}
	head := text[:minSecret]
	for _, known := range s[head] {
		if known == text {
			return
		}
	}
	s[head] = append(s[head], text)
}

func (s secretSet) in(text string) string {
	for i := 0; i+minSecret <= len(text); i++ {
		for _, secret := range s[text[i:i+minSecret]] {
			if strings.HasPrefix(text[i:], secret) {
				return secret
			}
		}
	}
	return ""
}

func TestCorpora(t *testing.T) {
	files := []string{
		corpora.Shared(t, "corpora", "normal.jsonl.gz"),
		corpora.Shared(t, "corpora", "attacks-a.jsonl.gz"),
		corpora.Shared(t, "corpora", "webhook-bodies-attacks-a.jsonl.gz"),
	}
	secrets := secretSet{}
	for _, f := range files {
		replay(t, f, func(e *audit.Event) {
			secretsOf(e.Root(), false, func(s string) {
				secrets.add(s)
				if plain, err := base64.StdEncoding.DecodeString(s); err == nil {
					secrets.add(string(plain))
				}
			})
		})
	}
	require.Greater(t, len(secrets), 100)

	r := redactor(t)
	builtin, err := ruleset.Load(ruleset.Options{MinPriority: rules.Debug})
	require.NoError(t, err)
	m, err := builtin.Matcher(false, nil)
	require.NoError(t, err)
	p, err := NewPrinter(builtin.Rules, builtin.Catalogue, match.Options{})
	require.NoError(t, err)
	benches := []bench{{m, p}, newBench(t, showing, match.Options{AppendFields: []string{"jevt.value[/requestObject]"}})}

	events, changed, detections, leaks := 0, 0, 0, 0
	leak := func(where, text string, e *audit.Event) {
		if s := secrets.in(text); s != "" {
			if leaks++; leaks < 10 {
				assert.Fail(t, "a secret survives", "in %s of %s: %.60q", where, e.AuditID, s)
			}
		}
	}
	for _, f := range files {
		replay(t, f, func(e *audit.Event) {
			events++
			stored, paths := r.Redacted(e)
			leak("event", string(stored.Raw), e)
			if stored != e {
				changed++
				require.NotEmpty(t, paths)
				sameShape(t, "", e.Root(), stored.Root())
				sameAnswer(t, e, stored)
				again, pathsAgain := r.Redacted(stored)
				require.Same(t, stored, again)
				require.Equal(t, paths, pathsAgain)
			}
			for _, b := range benches {
				c := &field.Context{Event: e, Num: uint64(events)}
				for _, d := range b.matcher.Match(c).Detections {
					detections++
					leak("detection "+d.Rule.Name, shown(b.printer.Detection(c, stored, d)), e)
				}
			}
		})
	}
	t.Logf("%d events, %d changed, %d detections, %d beginnings of secrets", events, changed, detections, len(secrets))
	require.Zero(t, leaks)
}

func shown(d match.Detection) string {
	var b strings.Builder
	b.WriteString(d.Output)
	for _, f := range d.Fields {
		fmt.Fprint(&b, "\n", f.Value)
	}
	return b.String()
}

// sameAnswer asks for the same answer apart from texts that were redacted.
func sameAnswer(t *testing.T, e, stored *audit.Event) {
	t.Helper()
	before, after := e.Answer(), stored.Answer()
	if len(before.What.Command) == len(after.What.Command) {
		before.What.Command = after.What.Command
	}
	require.Equal(t, before, after, e.AuditID)
}
