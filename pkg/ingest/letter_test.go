package ingest

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

func TestDeadLetters(t *testing.T) {
	const notime = `{"auditID":"x","stage":"Panic"}`
	a, b := event("a"), event("b")
	utf8 := event("u", "\"requestObject\":{\"items\":[\"\xff\"]}")
	deep := event("d", `"requestObject":`+strings.Repeat("[", 10_001)+strings.Repeat("]", 10_001))
	line := func(item string) string { return `{"kind":"Event",` + item[1:] + "\n" }
	for _, tt := range []struct {
		name, body string
		events     int
		want       []string // reason and text
	}{
		{"no JSON", "hello, world", 0, []string{"syntax", "hello, world"}},
		{"two lines", "one\n" + line(a) + "two\n", 1, []string{"syntax", "one", "syntax", "two"}},
		{"lines of one text", "kind: EventList\n\nitems:\n- x\n", 0, []string{"syntax", "kind: EventList\n\nitems:\n- x"}},
		{"a text before and behind an event", "one\ntwo\n" + line(a) + "three\nfour\n" + line(b), 2, []string{"syntax", "one\ntwo", "syntax", "three\nfour"}},
		{"broken lines", "{\"a\" 1}\n{\"b\" 2}\nmore\n", 0, []string{"syntax", "{\"a\" 1}", "syntax", "{\"b\" 2}\nmore"}},
		{"a broken item of several lines", "{\n \"a\" 1,\n \"b\": 2\n}\n" + line(a), 1, []string{"syntax", "{\n \"a\" 1,\n \"b\": 2\n}"}},
		{"a broken item, and no more", "{\n \"a\" 1,\n \"b\": 2\n}\n", 0, []string{"syntax", "{\n \"a\" 1,\n \"b\": 2\n}"}},
		{"wrong types", list("7", a, `"text"`, "[1,2]", b, "null"), 2, []string{"type", "7", "type", `"text"`, "type", "[1,2]", "type", "null"}},
		{"kind", `[{"kind":"Pod","a":["}"]},{"b":1}]`, 0, []string{"kind", `{"kind":"Pod","a":["}"]}`, "kind", `{"b":1}`}},
		{"no time", list(a, notime, notime), 1, []string{"time", notime, "time", notime}},
		{"no UTF-8", list(utf8, a, utf8, utf8), 1, []string{"utf8", utf8, "utf8", utf8, "utf8", utf8}},
		{"no UTF-8 in a line", line(a) + line(utf8), 1, []string{"utf8", strings.TrimSpace(line(utf8))}},
		{"too deep", list(deep, b), 1, []string{"depth", deep}},
		{"torn list", strings.TrimSuffix(list(a, b), "}]}\n"), 1, []string{"syntax", b[:len(b)-1]}},
		{"torn first item", list(a)[:100], 0, []string{"syntax", a[:100-strings.Index(list(a), a)]}},
		{"torn line", line(a)[:60] + "\n" + line(b), 1, []string{"syntax", line(a)[:60]}},
		{"not a list", `{"items":[` + a + `],"kind":"Event"}`, 1, []string{"kind", "}"}},
		{"array of lists", "[" + list(notime) + "," + list(a, utf8) + "]", 1, []string{"time", notime, "utf8", utf8}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := newIntake(nil)
			assert.Equal(t, Receipt{Events: tt.events, Dead: len(tt.want) / 2}, in.mustTake(t, tt.body))
			var got []string
			for _, d := range in.log.dead() {
				word, _, _ := strings.Cut(d.Reason, ":")
				got = append(got, word, string(d.Raw))
				if d.Size <= letterBytes {
					sum := sha256.Sum256(d.Raw)
					assert.Equal(t, sum[:], d.Digest)
				}
			}
			for i, text := range tt.want {
				tt.want[i] = text[:min(len(text), letterBytes)]
			}
			assert.Equal(t, tt.want, got)
		})
	}
}

func TestDeadLetterIsCutAndItsDigestIsOfAll(t *testing.T) {
	text := strings.Repeat("0123456789", 1_000_000)
	sum := sha256.Sum256([]byte(text))
	for _, whole := range []bool{false, true} {
		in := newIntake(func(c *Config) { c.Clusters = []Cluster{{Name: "prod", WholeDeadLetters: whole}} })
		in.mustTake(t, "x"+text[1:])
		in.mustTake(t, "{"+text)
		in.mustTake(t, `"`+text[2:]+`"`)
		dead := in.log.dead()
		require.Len(t, dead, 3)
		in.mustTake(t, text)
		d := in.log.dead()[3]
		assert.EqualValues(t, len(text), d.Size)
		assert.Equal(t, sum[:], d.Digest)
		if whole {
			assert.Equal(t, text, string(d.Raw))
		} else {
			assert.Equal(t, text[:letterBytes], string(d.Raw))
		}
	}
}

func TestDeadLettersHoldNoSecrets(t *testing.T) {
	in := newIntake(func(c *Config) { c.Judge = newJudge(t) })
	secret := `{"kind":"Secret","apiVersion":"v1","metadata":{"name":"db"},"data":{"password":"aHVudGVyMg=="}}`
	filler := `"filler":"` + strings.Repeat("x", 8000) + `"`
	for _, body := range []string{
		list(`{"auditID":"no time","requestObject":` + secret + `}`),
		list(`{"auditID":"no time","requestObject":{"data":{"password":"aHVudGVyMg=="},` + filler + `,"kind":"Secret"}}`),
		secret,
		list(event("a", `"requestObject":`+secret))[:300],
		"password=aHVudGVyMg== and no JSON",
		`{"kind":"Event","stageTimestamp":"password=aHVudGVyMg=="}`,
		list(`{"stageTimestamp":"aHVudGVyMg==","requestObject":` + secret + "}")[:200],
		`{"password":aHVudGVyMg==}`,
		"kind: EventList\nitems:\n- requestObject:\n    data:\n      x: aHVudGVyMg==\n    kind: Secret\n",
		"{\n  \"auditID\" 1,\n  \"requestObject\": {\n    \"data\": {\"x\": \"aHVudGVyMg==\"},\n    \"kind\": \"Secret\"\n  }\n}\n",
	} {
		r := in.mustTake(t, body)
		assert.Equal(t, 1, r.Dead, body)
	}
	for _, d := range in.log.dead() {
		assert.NotContains(t, string(d.Raw), "aHVudGVyMg", d.Reason)
		if !strings.HasPrefix(d.Reason, "time:") { // what a time is spelled like is no secret
			assert.NotContains(t, d.Reason, "aHVudGVyMg")
		}
	}
}

func TestBodyWithAFaultIsKeptAndReadAsFarAsItGoes(t *testing.T) {
	in := newIntake(nil)
	torn := list(event("a"), event("b"))
	torn = torn[:len(torn)-20]
	r, err := in.Take(t.Context(), Body{Source: SourceWebhook, Data: []byte(torn), Fault: fmt.Errorf("gzip: unexpected EOF")})
	require.NoError(t, err)
	assert.Equal(t, Receipt{Events: 1, Dead: 2}, r)
	dead := in.log.dead()
	assert.Equal(t, "body: gzip: unexpected EOF", dead[0].Reason)
	assert.Equal(t, torn, string(dead[0].Raw))
	assert.Equal(t, map[string]uint64{"body": 1, "syntax": 1}, in.Counters()[0].Dead)
}

// TestBombOfRejections takes bodies whose rejections would take gigabytes.
func TestBombOfRejections(t *testing.T) {
	const size = 4 << 20
	fill := func(begin, unit, end string) string {
		return begin + strings.Repeat(unit, size/len(unit)) + end
	}
	for name, body := range map[string]string{
		"array": fill("[", "0,", "0]"), "items": fill(`{"kind":"EventList","items":[`, `"",`, `""]}`), "objects": fill("[", "{},", "{}]"),
		"lines": fill("", "x\n", ""), "documents": fill("", "0 ", ""), "lists": fill("[", "[],", "[]]"), "deep": fill("", "[", ""),
		"texts": fill("", `""`, ""), "open": fill("", "{\n", ""), "quotes": fill("", "\"\n", ""), "nulls": fill("", "null", ""),
		"late list": fill("{\"kind\":\"EventList\"\n,\"metadata\":{}\n,\"items\"\n:\n[0\n,", "1,", "2\n]}"),
		"two lists": fill(`{"items":[`, "],\"items\":[0,", "]}"), "small": fill("[", `{"kind":"Event","stageTimestamp":"2026-11-21T12:00:00Z"},`, "0]"),
	} {
		t.Run(name, func(t *testing.T) {
			in := newIntake(nil)
			r := in.mustTake(t, body)
			assert.LessOrEqual(t, r.Dead, maxLetters+1)
			rejections := uint64(0)
			for reason, n := range in.Counters()[0].Dead {
				if reason != DeadBody {
					rejections += n
				}
			}
			assert.LessOrEqual(t, rejections, uint64(maxRejected))
			dead := in.log.dead()
			if rejections > maxLetters {
				last := dead[len(dead)-1]
				assert.Contains(t, last.Reason, "more things in this body are no events; what follows byte")
				assert.EqualValues(t, len(body), last.Size)
			}
		})
	}
}

// FuzzThings holds what memory is bounded by.
func FuzzThings(f *testing.F) {
	for _, s := range []string{
		list(event("a"), "7"), "[0,0,[1]]", `""""`, "0 1", "x\ny", "{\n\"items\":[0,\n1]}", `{"kind":"EventList","items":[1],"items":["\""]}`,
		"\"\n0\n", "[[{\"items\":[0,0]}]]", "truenull", "{}{}", "\xef\xbb\xbf[]", "[\n{\n]\n0", `{"a":[{"b":1}],"kind":"Event"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var b audit.Batch
		b.Decode(data, audit.Position{Line: 1}, audit.Limits{})
		got, counted := len(b.Events)+len(b.Rejections), things(data, len(data)+1)
		// The end of each line may be a rejection of its own, that of a document that breaks off.
		assert.LessOrEqual(t, got, counted+2+bytes.Count(data, []byte("\n")))

		// Both ways give the same.
		r := newBodyReader(data, audit.Position{Line: 1}, audit.Limits{})
		events := 0
		for {
			_, err := r.Next()
			if _, rejected := err.(*audit.Rejection); err != nil && !rejected {
				break
			} else if err == nil {
				events++
			}
		}
		assert.Equal(t, len(b.Events), events)
	})
}
