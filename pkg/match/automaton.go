package match

// automaton finds which of many texts are inside a text, all in one pass
// (Aho and Corasick, 1975).
type automaton struct {
	class   [256]uint16 // of bytes: 0 is every byte that no text holds
	classes int
	next    []int32 // by state and class; when complete, the place of the next state's row, and found
	rules   [][]int32
	empty   bool    // one of the texts is empty
	link    []int32 // the longest state that is a proper suffix and has rules; 0: none
}

// found is set with a row's place where a text ends: most bytes lead to states in which
// none does, and must cost no more than the step.
const found = int32(-1) << 31

// automatonText is a text with the rules that look for it.
type automatonText struct {
	text  string
	rules []int32
}

// newAutomaton builds it; with fold set ASCII letters match in either case and
// the texts must be in lower case.
func newAutomaton(texts []automatonText, fold bool) *automaton {
	a := &automaton{classes: 1}
	for _, t := range texts {
		for i := 0; i < len(t.text); i++ {
			if a.class[t.text[i]] == 0 {
				a.class[t.text[i]] = uint16(a.classes)
				a.classes++
			}
		}
	}
	if fold {
		for c := 'A'; c <= 'Z'; c++ {
			a.class[c] = a.class[c+'a'-'A']
		}
	}
	a.state()
	for _, t := range texts {
		a.insert(t)
	}
	a.complete()
	return a
}

func (a *automaton) state() int32 {
	a.next = append(a.next, make([]int32, a.classes)...)
	a.rules = append(a.rules, nil)
	a.link = append(a.link, 0)
	return int32(len(a.rules) - 1)
}

func (a *automaton) insert(t automatonText) {
	var s int32
	for i := 0; i < len(t.text); i++ {
		at := int(s)*a.classes + int(a.class[t.text[i]])
		if a.next[at] == 0 {
			to := a.state()
			a.next[at] = to
		}
		s = a.next[at]
	}
	a.rules[s] = append(a.rules[s], t.rules...)
	a.empty = a.empty || s == 0
}

// complete turns the trie into an automaton, breadth first: where a state has
// no way on, its longest proper suffix goes on for it.
func (a *automaton) complete() {
	suffix := make([]int32, len(a.rules))
	var queue []int32
	for c := 1; c < a.classes; c++ {
		if s := a.next[c]; s != 0 {
			queue = append(queue, s)
		}
	}
	for len(queue) > 0 {
		s := queue[0]
		queue = queue[1:]
		f := suffix[s]
		a.link[s] = a.link[f]
		if len(a.rules[f]) > 0 {
			a.link[s] = f
		}
		for c := 1; c < a.classes; c++ {
			at := int(s)*a.classes + c
			via := a.next[int(f)*a.classes+c]
			if a.next[at] == 0 {
				a.next[at] = via
				continue
			}
			suffix[a.next[at]] = via
			queue = append(queue, a.next[at])
		}
	}
	for i, s := range a.next {
		a.next[i] = s * int32(a.classes)
		if len(a.rules[s]) > 0 || a.link[s] != 0 {
			a.next[i] |= found
		}
	}
}

// find appends the rules of the texts that are inside s, some perhaps more than
// once.
func (a *automaton) find(s string, dst []int32) []int32 {
	row, next := int32(0), a.next
	for i := 0; i < len(s); i++ {
		row = next[int(row&^found)+int(a.class[s[i]])]
		if row >= 0 {
			continue
		}
		for hit := (row &^ found) / int32(a.classes); hit != 0; hit = a.link[hit] {
			dst = append(dst, a.rules[hit]...)
		}
	}
	return dst
}

// any tells whether one of the texts is inside s.
func (a *automaton) any(s string) bool {
	row, next := int32(0), a.next
	for i := 0; i < len(s) && !a.empty; i++ {
		if row = next[int(row)+int(a.class[s[i]])]; row < 0 {
			return true
		}
	}
	return a.empty
}
