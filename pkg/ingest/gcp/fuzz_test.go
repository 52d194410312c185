package gcp

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// FuzzConvert holds that no bytes make the conversion panic, that what comes out is an event, on one line, which says what
// it does not know, and that neither the order of an entry's keys nor members that nobody knows change the identity.
func FuzzConvert(f *testing.F) {
	for _, x := range examples(f) {
		f.Add(x.entry)
	}
	f.Add([]byte(`{"protoPayload":{"serviceName":"k8s.io"},"insertId":"a","timestamp":"0001-01-01T00:00:00+23:59"}`))
	f.Add([]byte(`{"protoPayload":{"serviceName":"k8s.io","methodName":"a.v1.b\ud800.c","request":{"a":1,"a":"\udc00"}},"insertId":"a","timestamp":"2026-01-01T00:00:00Z"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := Converter{}.Convert(raw)
		var other *NotKubernetes
		var bad *Malformed
		if err != nil {
			require.True(t, errors.As(err, &other) || errors.As(err, &bad), "an error of no kind: %v", err)
			require.NotContains(t, err.Error(), "a defect of this program")
			return
		}
		require.True(t, json.Valid(r.Raw), "%s", r.Raw)
		require.False(t, bytes.ContainsAny(r.Raw, "\n\r"), "%s", r.Raw)
		e, err := audit.NewReader(bytes.NewReader(r.Raw), "fuzz", audit.Limits{}).Next()
		require.NoError(t, err)
		require.True(t, r.Time.Equal(e.Time), "%s, not %s", r.Time, e.Time)
		_ = e.Answer().Sentence()
		if v, err := audit.ParseValue(raw); err == nil && !isEvent(v.Get("jsonPayload")) { // those are passed on, whatever they hold
			requireTyped(t, r.Raw)
		}
		again, err := Converter{}.Convert(shuffled(t, raw))
		require.NoError(t, err)
		assert.Equal(t, r.Identity, again.Identity)
		assert.Equal(t, r.Cluster, again.Cluster)
	})
}

// shuffled is the entry with its members the other way round and some more between them.
func shuffled(t *testing.T, raw []byte) []byte {
	t.Helper()
	v, err := audit.ParseValue(raw)
	require.NoError(t, err)
	out := []byte("}")
	for key, member := range v.Members() {
		if v.Get(key).Raw() == nil || &v.Get(key).Raw()[0] != &member.Raw()[0] {
			continue // a later one of the same name counts
		}
		one := appendString([]byte{','}, key)
		one = append(append(one, ':'), member.Raw()...)
		out = append(one, out...)
	}
	return append([]byte(`{"aNewField":{"insertId":"no","timestamp":[1]}`), out...)
}

// FuzzStream holds that any bytes can come in several parts and shapes, and that as many events come out as are counted.
func FuzzStream(f *testing.F) {
	for _, x := range examples(f) {
		f.Add(x.entry, x.entry)
	}
	part := func(i string) []byte {
		return []byte(`{"insertId":"x.` + i + `","timestamp":"2026-01-01T00:00:00Z","split":{"uid":"u","index":` + i + `,"totalSplits":2},` +
			`"protoPayload":{"serviceName":"k8s.io","methodName":"io.k8s.core.v1.pods.create","request":{"a":["b","c` + i + `"],"d":{"e":` + i + `}}}}`)
	}
	f.Add(part("0"), part("1"))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		s := new(Stream)
		var made []audit.Converted
		for _, item := range [][]byte{a, b, bytes.Join([][]byte{[]byte(`{"entries":[`), a, []byte(`,`), b, []byte(`]}`)}, nil)} {
			out, _ := s.Convert(bytes.Clone(item))
			made = append(made, out...)
		}
		made = append(made, s.Flush()...)
		assert.EqualValues(t, s.Counts().Events, len(made))
		for _, c := range made {
			_, err := audit.NewReader(bytes.NewReader(c.Raw), "fuzz", audit.Limits{}).Next()
			require.NoError(t, err, "%s", c.Raw)
		}
	})
}
