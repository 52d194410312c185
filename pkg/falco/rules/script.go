package rules

import (
	"sort"
	"strings"
)

// script is the text of a condition or an output that knows, through appends,
// exceptions and substituted lists, where each of its bytes was written. The
// zero script is empty. Scripts are values: no method changes its receiver.
type script struct {
	text string
	runs []run // in order; the first begins at 0, unless the text is empty
}

// run is a piece of a script that comes from one place.
type run struct {
	begin int     // offset in the text
	from  *scalar // nil where at is the place of all of it
	skip  int     // offset in the scalar's value
	whole bool    // all of it stands for the byte at skip; else it is a piece of the scalar
	at    place
}

// scriptOf is the text of a scalar.
func scriptOf(s *scalar) script {
	if s.node.text() == "" {
		return script{}
	}
	return script{s.node.text(), []run{{from: s}}}
}

// scriptAt is text that was not written as such: all of it stands for p.
func scriptAt(text string, p place) script {
	if text == "" {
		return script{}
	}
	return script{text, []run{{whole: true, at: p}}}
}

// instead is text that was not written as such: all of it stands for byte i of
// the script, or for its end. Where that is is looked up when somebody asks.
func (s script) instead(i int, text string) script {
	if text == "" {
		return script{}
	}
	r := run{whole: true}
	if len(s.runs) > 0 {
		r = s.runs[s.runAt(i)]
	}
	if !r.whole {
		r.skip += i - r.begin
		r.whole = true
	}
	r.begin = 0
	return script{text, []run{r}}
}

func (s script) String() string { return s.text }

// scriptBuilder makes a script from front to back.
type scriptBuilder struct {
	text []byte
	runs []run
}

func (b *scriptBuilder) add(s script) {
	for _, r := range s.runs {
		r.begin += len(b.text)
		if n := len(b.runs); n > 0 && r.goesOn(b.runs[n-1]) {
			continue
		}
		b.runs = append(b.runs, r)
	}
	b.text = append(b.text, s.text...)
}

// goesOn tells whether a run stands for the same as the one before it.
func (r run) goesOn(before run) bool {
	return r.whole && before.whole && r.from == before.from && r.skip == before.skip && r.at == before.at
}

// endsWith tells whether the last byte is one of chars.
func (b *scriptBuilder) endsWith(chars string) bool {
	return len(b.text) > 0 && strings.IndexByte(chars, b.text[len(b.text)-1]) >= 0
}

// drop takes the last byte off again.
func (b *scriptBuilder) drop() {
	b.text = b.text[:len(b.text)-1]
	if last := len(b.runs) - 1; b.runs[last].begin == len(b.text) {
		b.runs = b.runs[:last]
	}
}

func (b *scriptBuilder) script() script { return script{string(b.text), b.runs} }

// join puts scripts behind one another.
func join(parts ...script) script {
	var b scriptBuilder
	for _, p := range parts {
		b.add(p)
	}
	return b.script()
}

// runAt gives the index of the run that byte i is in.
func (s script) runAt(i int) int {
	return max(0, sort.Search(len(s.runs), func(k int) bool { return s.runs[k].begin > i })-1)
}

// slice gives the bytes from begin up to end.
func (s script) slice(begin, end int) script {
	if begin >= end {
		return script{}
	}
	out := script{text: s.text[begin:end]}
	for k := s.runAt(begin); k < len(s.runs) && s.runs[k].begin < end; k++ {
		r := s.runs[k]
		if cut := begin - r.begin; cut > 0 {
			r.begin += cut
			if !r.whole {
				r.skip += cut
			}
		}
		r.begin -= begin
		out.runs = append(out.runs, r)
	}
	return out
}

// at tells where byte i was written; the zero place where nothing is known.
func (s script) at(i int) place {
	if len(s.runs) == 0 {
		return place{}
	}
	r := s.runs[s.runAt(i)]
	switch {
	case r.from == nil:
		return r.at
	case r.whole:
		return r.from.at(r.skip)
	}
	return r.from.at(r.skip + i - r.begin)
}

// trim is the script without white space at either end.
func (s script) trim() script {
	const space = " \t\n\v\f\r"
	begin := len(s.text) - len(strings.TrimLeft(s.text, space))
	return s.slice(begin, len(strings.TrimRight(s.text, space)))
}

// without is the script with every occurrence of part taken out.
func (s script) without(part string) script {
	out, rest := script{}, s
	for {
		i := strings.Index(rest.text, part)
		if i < 0 {
			return join(out, rest)
		}
		out = join(out, rest.slice(0, i))
		rest = rest.slice(i+len(part), len(rest.text))
	}
}
