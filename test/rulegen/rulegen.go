// Package rulegen makes rules files of any size for benchmarks and tests: rules
// in the number and of the shapes that people have, deterministic by a seed.
//
// They are Falco rules files, so that the loader is part of what is measured
// and other engines can be given the same. Judging events and reading them does
// not belong here.
package rulegen

import (
	_ "embed"
	"fmt"
	"math/rand/v2"
	"strings"
)

// Template gives n rules of one shape with a list of three names each: who but
// these writes in a namespace. Each names a namespace of its own.
func Template(n int) []byte {
	w := &writer{}
	for i := range n {
		w.template(i)
	}
	return w.bytes()
}

// Mixed gives n rules of which four of five are of the template's shape and
// every fifth has no value that it could be looked up by: exclusions,
// alternatives on different fields, texts inside others, regular expressions,
// elements of lists.
//
// Like most rules in force, they seldom match: the seed decides on names, which
// are made up.
func Mixed(n int, seed uint64) []byte {
	w := &writer{rnd: rand.New(rand.NewPCG(seed, 1))}
	w.known()
	for i := range n {
		if i%5 == 4 {
			w.other(i)
		} else {
			w.template(i)
		}
	}
	return w.bytes()
}

//go:embed stocklike.yaml
var stockLike []byte

// StockLike gives 48 rules on the fields that Falco's own rules for audit
// events are on, with about as many clauses each.
func StockLike() []byte { return stockLike }

// writer writes a rules file.
type writer struct {
	strings.Builder
	rnd *rand.Rand
}

func (w *writer) bytes() []byte { return []byte(w.String()) }

func (w *writer) list(name string, items ...string) {
	fmt.Fprintf(w, "- list: %s\n  items: [%s]\n", name, strings.Join(items, ", "))
}

func (w *writer) rule(i int, kind, condition string) {
	fmt.Fprintf(w, `- rule: %s %d
  desc: Generated rule %d.
  condition: >
    %s
  output: "%s %d (user=%%ka.user.name verb=%%ka.verb namespace=%%ka.target.namespace resource=%%ka.target.resource)"
  priority: NOTICE
  source: k8s_audit
  tags: [generated]
`, kind, i, i, condition, kind, i)
}

func (w *writer) template(i int) {
	w.list(fmt.Sprintf("lst%d", i), fmt.Sprintf("user%d-a", i), fmt.Sprintf("user%d-b", i), fmt.Sprintf("user%d-c", i))
	w.rule(i, "Template", fmt.Sprintf("ka.target.namespace = ns%d and ka.verb in (create, patch, update) and not ka.user.name in (lst%d)", i, i))
}

// known writes what the rules of the other shapes have in common.
func (w *writer) known() {
	w.list("known_people", "kubernetes-admin", "minikube-user", "cluster-admin", "break-glass")
	fmt.Fprintln(w, `- macro: known_user
  condition: (ka.user.name startswith "system:" or ka.user.name in (known_people) or ka.user.name endswith "@example.com" or ka.user.name endswith "@corp.example")
- macro: reads
  condition: ka.verb in (get, list, watch)
- macro: complete
  condition: ka.stage = ResponseComplete`)
}

// shapes are conditions without a value that they could be looked up by. In
// each %[1]s is a made up name, of its own for every rule.
var shapes = []struct{ kind, condition string }{
	{"Negation", `complete and not reads and not known_user and not ka.user.name in (%[1]s, %[1]s-bot)`},
	{"Text in URI", `ka.uri contains "/%[1]s/"`},
	{"Alternatives", `ka.target.namespace = %[1]s or ka.target.name = %[1]s or ka.user.name = %[1]s-bot`},
	{"Pattern of name", `complete and ka.target.name regex "%[1]s-[0-9a-f]{8,10}(-[a-z0-9]{5})?"`},
	{"Group", `complete and ka.user.groups intersects (%[1]s-admins, %[1]s-operators)`},
	{"Namespace excluded", `ka.user.name exists and not known_user and not ka.target.namespace startswith "%[1]s-"`},
	{"Text in body", `complete and ka.req.configmap.obj contains "%[1]s_key"`},
	{"Agent", `not reads and ka.useragent icontains "%[1]s"`},
	{"Alternatives with exclusion", `complete and (ka.user.name = %[1]s-bot or not ka.user.name exists) and not ka.target.namespace = %[1]s`},
	{"Image", `complete and ka.req.pod.containers.image.repository intersects (registry.example/%[1]s, registry.example/%[1]s-init)`},
	{"End of name", `(ka.user.name endswith ":%[1]s" or ka.target.name glob "%[1]s-*-backup") and not ka.response.code startswith 2`},
	{"Impersonation", `ka.impuser.name exists and not ka.impuser.name in (%[1]s, %[1]s-bot) and not known_user`},
	{"Pattern of user", `not reads and ka.user.name regex "(svc|robot|bot)-%[1]s-[0-9]+@.*"`},
	{"Failure", `complete and ka.response.code != 200 and ka.response.code != 201 and not known_user and ka.target.name != %[1]s`},
	{"Label", `complete and jevt.value[/requestObject/metadata/labels/app] in (%[1]s, %[1]s-canary)`},
	{"Grant", `complete and (ka.req.role.rules.resources intersects (%[1]s) or ka.req.binding.role = %[1]s)`},
}

// other writes a rule of one of the shapes.
func (w *writer) other(i int) {
	shape := shapes[i/5%len(shapes)]
	w.rule(i, shape.kind, fmt.Sprintf(shape.condition, fmt.Sprintf("%s%d", w.name(), i)))
}

// name makes a name up.
func (w *writer) name() string {
	const consonants, vowels = "bcdfghjklmnprstvwz", "aeiou"
	b := make([]byte, 0, 8)
	for range 3 + w.rnd.IntN(2) {
		b = append(b, consonants[w.rnd.IntN(len(consonants))], vowels[w.rnd.IntN(len(vowels))])
	}
	return string(b)
}
