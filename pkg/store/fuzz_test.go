package store

import (
	"math/rand/v2"
	"regexp"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// FuzzQuery holds that a text in a filter is a text, whatever is in it: the query is one
// that the engine takes, and selects what the oracle does.
func FuzzQuery(f *testing.F) {
	s := open(f, f.TempDir())
	rng := rand.New(rand.NewPCG(1, 1))
	rows := oddRows(rng, 60, false)
	_, err := s.Write(f.Context(), rows)
	require.NoError(f, err)
	require.NoError(f, s.Sync(f.Context()))
	for i, text := range oddities {
		f.Add(byte(i), text)
	}
	f.Add(byte(8), `(?:)*|(?s:.)(?m:$)`)
	f.Add(byte(8), `(|a)*(x{0})*`)
	f.Add(byte(8), `(a|)+$|^(?:(?:))`)
	f.Fuzz(func(t *testing.T, kind byte, text string) {
		var filter Filter
		column := []string{"mixed", "t4", "t1", "cluster"}[int(kind/16)%4]
		switch kind % 11 {
		case 0:
			filter = Equal{column, []string{text}}
		case 1:
			filter = Equal{column, []string{text, "1.5", text + "x"}}
		case 2:
			filter = Prefix{column, text}
		case 3:
			filter = Suffix{column, text}
		case 4:
			filter = Contains{column, text}
		case 5:
			filter = Raw{Text: text}
		case 6:
			filter = Raw{Text: text, AnyCase: true}
		case 7:
			filter = Exists{text}
		case 8:
			if _, err := regexp.Compile(text); err != nil || len(text) > 200 {
				return
			}
			filter = Regexp{column, text}
		case 9:
			filter = Cut{text}
		case 10:
			filter = And{Prefix{text, text}, Or{Suffix{column, text}, Not{Contains{column, text}}}}
		}
		if r, is := filter.(Raw); is && r.AnyCase && !utf8.ValidString(text) {
			return // broken bytes count as equal to each other
		}
		agree(t, s, rows, filter)
		agree(t, s, rows, Not{filter})
	})
}
