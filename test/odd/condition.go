package odd

import (
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
	"github.com/kubewitness/kubewitness/pkg/field"
)

// Conditions makes n conditions about odd values, of all operators on all kinds of
// fields, up to two levels high. They are the same for the same seed.
func Conditions(seed uint64, n int) []condition.Expr {
	g := &generator{rand.New(rand.NewPCG(seed, seed))}
	all := make([]condition.Expr, n)
	for i := range all {
		all[i] = g.condition()
	}
	return all
}

type generator struct{ *rand.Rand }

func (g *generator) condition() condition.Expr {
	for {
		e, err := condition.Parse(g.text(2))
		if err == nil && valid(e) {
			return e
		}
	}
}

// valid holds the checks of a condition against the catalogue.
func valid(e condition.Expr) bool {
	ok := true
	condition.Walk(e, func(e condition.Expr) bool {
		switch e := e.(type) {
		case *condition.Check:
			_, err := condition.Validate(e, field.Default())
			ok = ok && err == nil
		case *condition.Macro:
			ok = false
		}
		return ok
	})
	return ok
}

func (g *generator) text(depth int) string {
	if depth > 0 {
		switch g.IntN(5) {
		case 0:
			return "not " + g.text(depth-1)
		case 1:
			return "(" + g.text(depth-1) + " and " + g.text(depth-1) + ")"
		case 2:
			return "(" + g.text(depth-1) + " or " + g.text(depth-1) + ")"
		}
	}
	return g.check()
}

func pick[T any](g *generator, from ...T) T { return from[g.IntN(len(from))] }

func (g *generator) check() string {
	name := pick(g, "ka.user.name", "ka.user.groups", "ka.useragent", "ka.target.name", "ka.target.namespace", "ka.response.code", "kw.response.code", "kw.source.ip", "kw.source.ips",
		"kw.source.claimed", "ka.sourceips", "ka.sourceips[0]", "ka.auth.decision", "kw.role.verbs", "kw.role.verbs[0]", "kw.pod.containers.run_as_user", "kw.pod.host_network", "ka.req.pod.containers.image",
		"kw.pod.containers.env.names", "kw.object.name", "kw.response.message", "kw.client", "ka.uri", "kw.uri.path", "jevt.value[/user/username]", "jevt.value[/requestObject/data]", "kw.latency.ms", "evt.source",
		"ka.uri.param[command]", "kw.user.extra[x]", "kw.dryrun", "kw.duplicate_keys", "kw.pod.containers.args", "evt.plugininfo", "ka.req.configmap.obj", "ka.auditid", "kw.impersonated.user", "ka.req.configmap.name")
	left := pick(g, name, name, name, "tolower("+name+")", "toupper("+name+")", "len("+name+")", "join(\",\", "+name+")")
	switch g.IntN(9) {
	case 0:
		return left + " exists"
	case 1, 2:
		return left + " " + pick(g, "in", "intersects", "pmatch") + " (" + g.literals() + ")"
	case 3:
		return left + " " + g.op() + " " + pick(g, "oneof", "anyof", "allof") + " (" + g.literals() + ")"
	case 4:
		return left + " " + pick(g, "<", "<=", ">", ">=", "=", "!=") + " " + pick(g, "0", "1", "5", "200", "201", "404", "0x10")
	case 5:
		return left + " " + pick(g, "=", "!=", "in", "startswith", "intersects") + " val(" + pick(g, "ka.user.name", "ka.target.name", "ka.user.groups", "kw.source.ip") + ")"
	}
	return left + " " + g.op() + " " + g.literal()
}

func (g *generator) op() string {
	return pick(g, "=", "!=", "contains", "icontains", "startswith", "endswith", "glob", "iglob", "regex", "pmatch")
}

func (g *generator) literals() string {
	parts := make([]string, g.IntN(4))
	for i := range parts {
		parts[i] = g.literal()
	}
	return strings.Join(parts, ", ")
}

func (g *generator) literal() string {
	lit := pick(g, append(slices.Clone(Values[:len(Values)-3]), "10.0.0.0/8", "10.0.0.0/9", "10.0.0.1/32", "::/0", "fe80::/10", "0.0.0.0/0", "system:*", "*admin*", "a?c", "??", "[ab]*", "kube-*", "200", "20?", "a.*", "(a|b)+", "[^a]*", ".", "(.|\n)*", "k.*", "default", "team-*", "get", "TRUE", "pods", "/api/*/pods", "/api/v1", "false")...)
	return condition.Quote(lit)
}
