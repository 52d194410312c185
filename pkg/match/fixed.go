package match

import (
	"regexp/syntax"
	"unicode/utf8"
)

// fixedPattern is a regular expression of which every match has the same
// length, with a set of ASCII characters for each place: what identifiers look
// like.
type fixedPattern []asciiSet

type asciiSet [2]uint64

func (s *asciiSet) add(lo, hi rune) {
	for r := lo; r <= hi; r++ {
		s[r/64] |= 1 << (r % 64)
	}
}

func (s *asciiSet) has(c byte) bool { return c < utf8.RuneSelf && s[c/64]&(1<<(c%64)) != 0 }

// longestFixed bounds the length of a fixed pattern.
const longestFixed = 256

// newFixedPattern reads a regular expression; ok is false where it is none of
// this kind.
func newFixedPattern(expr string) (p fixedPattern, ok bool) {
	tree, err := syntax.Parse(expr, syntax.ClassNL)
	if err != nil {
		return nil, false
	}
	return p.add(tree)
}

func (p fixedPattern) add(re *syntax.Regexp) (grown fixedPattern, ok bool) {
	switch re.Op {
	case syntax.OpLiteral:
		if re.Flags&syntax.FoldCase != 0 {
			return nil, false
		}
		for _, r := range re.Rune {
			if p, ok = p.place(r, r); !ok {
				return nil, false
			}
		}
		return p, true
	case syntax.OpCharClass:
		return p.place(re.Rune...)
	case syntax.OpCapture:
		return p.add(re.Sub[0])
	case syntax.OpConcat:
		return p.times(1, re.Sub)
	case syntax.OpRepeat:
		if re.Min == re.Max {
			return p.times(re.Min, re.Sub)
		}
	}
	return nil, false
}

// place adds a place for characters in ranges, given by pairs.
func (p fixedPattern) place(ranges ...rune) (grown fixedPattern, ok bool) {
	var s asciiSet
	for i := 0; i < len(ranges); i += 2 {
		if ranges[i+1] >= utf8.RuneSelf {
			return nil, false
		}
		s.add(ranges[i], ranges[i+1])
	}
	return append(p, s), len(p) < longestFixed
}

func (p fixedPattern) times(n int, subs []*syntax.Regexp) (grown fixedPattern, ok bool) {
	for range n {
		for _, sub := range subs {
			if p, ok = p.add(sub); !ok {
				return nil, false
			}
		}
	}
	return p, true
}

func (p fixedPattern) matches(text string) bool {
	if len(text) != len(p) {
		return false
	}
	for i := range p {
		if !p[i].has(text[i]) {
			return false
		}
	}
	return true
}
