package match

import "slices"

// Rules whose best access has a higher score are not worth an index: too many
// events would make them candidates. They are ruled out together with others.
const residualScore = 0.35

// fewestTexts is for how many rules a slot's text is searched for all events.
const fewestTexts = 4

// chooser gives each rule the access that makes it a candidate least often,
// together with all the others: a value that thousands of rules ask for leads
// to all of them at once.
type chooser struct {
	prog    *program
	acc     *accesses
	options [][]*access // by rule
	crowd   map[atom]int
	texts   map[place]int
}

// chooseAccesses gives each rule an access; nil for those that are residual.
func chooseAccesses(p *program, acc *accesses) []*access {
	c := &chooser{prog: p, acc: acc, options: make([][]*access, len(p.rules)), crowd: map[atom]int{}, texts: map[place]int{}}
	for i := range p.rules {
		c.options[i] = c.of(p.rules[i].root)
		c.count(c.options[i])
	}
	chosen := make([]*access, len(p.rules))
	for i := range chosen {
		chosen[i] = c.best(c.options[i])
	}
	return chosen
}

// of gives the accesses of a rule that are cheap and rare enough.
func (c *chooser) of(root nodeID) []*access {
	var out []*access
	for _, t := range topTerms(c.prog, root) {
		if x := c.acc.of(t); x != nil && x.score <= residualScore && x.cost < costTransform {
			out = append(out, x)
		}
	}
	return out
}

// count notes how many rules could be found by each atom.
func (c *chooser) count(options []*access) {
	var places []place
	for _, x := range options {
		for _, at := range x.atoms {
			c.crowd[at]++
			if k := (place{at.slot, at.kind}); at.kind != atomValue && !slices.Contains(places, k) {
				places = append(places, k)
			}
		}
	}
	for _, k := range places {
		c.texts[k]++
	}
}

func (c *chooser) best(options []*access) *access {
	var best *access
	lowest := 0.0
	for _, x := range options {
		if !c.worthwhile(x) {
			continue
		}
		load := 0.0
		for i, at := range x.atoms {
			load += x.prior[i] * float64(c.crowd[at])
		}
		if best == nil || load < lowest || load == lowest && x.score < best.score {
			best, lowest = x, load
		}
	}
	return best
}

// worthwhile tells whether the texts of an access are looked for in places
// where others are, too.
func (c *chooser) worthwhile(x *access) bool {
	for _, at := range x.atoms {
		if at.kind != atomValue && c.texts[place{at.slot, at.kind}] < fewestTexts {
			return false
		}
	}
	return true
}
