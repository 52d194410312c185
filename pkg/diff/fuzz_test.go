package diff

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// everything has all of a diff told.
func everything(byNumber bool) Options {
	return Options{All: true, ByNumber: byNumber, MaxChanges: 1 << 20, MaxDepth: 1 << 20, MaxValue: 1 << 30}
}

// FuzzObjects: what a diff says is enough to make the new state of the old one, and
// objects that mean the same do not differ.
func FuzzObjects(f *testing.F) {
	for _, seed := range [][2]string{
		{`{"a":1,"b":[1,2,3]}`, `{"b":[0,1,3],"c":{}}`},
		{`{"spec":{"containers":[{"name":"web","image":"a"},{"name":"log"}]}}`, `{"spec":{"containers":[{"name":"sh"},{"name":"web","image":"b","env":[{"name":"A"}]}]}}`},
		{`[[1],[2,3],"x"]`, `[[2],"x",[3,[1]]]`},
		{`{"a/b~":"~1","[x]":0,"~2":1}`, `{"a/b~":null,"[x]":1.0,"~2":2}`},
		{`[{"name":"1","mountPath":"/"},{"name":1}]`, `[{"mountPath":"/"},{"port":80,"protocol":"TCP"}]`},
		{`[{"name":"a"},{"name":"b"},1]`, `[{"name":"b"},{"name":"a"},1e0]`},
		{`{"metadata":{"annotations":{"a":"b"}}}`, `{"metadata":null}`},
	} {
		f.Add([]byte(seed[0]), []byte(seed[1]))
	}
	f.Fuzz(func(t *testing.T, old, now []byte) {
		a, err := audit.ParseValue(old)
		if err != nil {
			t.Skip()
		}
		b, err := audit.ParseValue(now)
		if err != nil {
			t.Skip()
		}
		r := Objects(a, a, Options{})
		assert.True(t, r.Same())
		assert.LessOrEqual(t, len(Objects(a, b, Options{MaxChanges: 3, MaxDepth: 2, MaxValue: 8}).Changes), 3)

		byNumber := Objects(a, b, everything(true))
		require.Empty(t, byNumber.Reordered)
		made := apply(t, decode(t, old), byNumber.Changes)
		require.Equal(t, canonical(t, decode(t, now), false), canonical(t, made, false), "%q", lines(byNumber))

		byName := Objects(a, b, everything(false))
		made = apply(t, decode(t, old), byName.Changes)
		require.Equal(t, canonical(t, decode(t, now), true), canonical(t, made, true), "%q", lines(byName))
	})
}
