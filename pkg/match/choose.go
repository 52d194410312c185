package match

import "slices"

// Rules whose best access has a higher score are not worth an index: too many
// events would make them candidates. They are ruled out together with others.
const residualScore = 0.35

// A place that fewer rules are found by is not worth a look in every event:
// judging them costs less. To search a text costs more than to look up a value.
const (
	fewestRules = 2
	fewestTexts = 4
)

// smallSet is up to how many rules nothing is saved by that.
const smallSet = 16

// chooser gives each rule the access that makes it a candidate least often,
// together with all the others: a value that thousands of rules ask for leads
// to all of them at once, and a place that hardly any asks about is not worth a
// look.
type chooser struct {
	prog    *program
	acc     *accesses
	options [][]*access // by rule
	crowd   map[atom]int
	barred  map[place]bool
}

// chooseAccesses gives each rule an access; nil for those that are residual.
func chooseAccesses(p *program, acc *accesses) []*access {
	c := &chooser{prog: p, acc: acc, options: make([][]*access, len(p.rules)), crowd: map[atom]int{}, barred: map[place]bool{}}
	for i := range p.rules {
		c.options[i] = c.of(p.rules[i].root)
		for _, x := range c.options[i] {
			for _, at := range x.atoms {
				c.crowd[at]++
			}
		}
	}
	chosen := make([]*access, len(p.rules))
	for again := true; again; {
		for i := range chosen {
			chosen[i] = c.best(c.options[i])
		}
		again = c.bar(chosen)
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

// bar bars the places that too few rules are found by, and tells whether there
// were any.
func (c *chooser) bar(chosen []*access) bool {
	if len(chosen) <= smallSet {
		return false
	}
	rules, thin := map[place]int{}, false
	for _, x := range chosen {
		if x != nil {
			for _, k := range x.places() {
				rules[k]++
			}
		}
	}
	for k, n := range rules {
		if n < fewestRules || k.kind != atomValue && n < fewestTexts {
			c.barred[k], thin = true, true
		}
	}
	return thin
}

func (c *chooser) best(options []*access) *access {
	var best *access
	lowest := 0.0
	for _, x := range options {
		if slices.ContainsFunc(x.places(), func(k place) bool { return c.barred[k] }) {
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
