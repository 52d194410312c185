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
	from  *scalar // the scalar that it is a piece of; nil where all of it stands for at
	skip  int     // offset of the run in the scalar's value
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
	return script{text, []run{{at: p}}}
}

func (s script) String() string { return s.text }

// join puts scripts behind one another.
func join(parts ...script) script {
	var text strings.Builder
	var runs []run
	for _, p := range parts {
		for _, r := range p.runs {
			r.begin += text.Len()
			runs = append(runs, r)
		}
		text.WriteString(p.text)
	}
	return script{text.String(), runs}
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
			r.skip += cut
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
	if r.from == nil {
		return r.at
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
