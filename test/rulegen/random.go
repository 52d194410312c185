package rulegen

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/condition"
	"github.com/kubewitness/kubewitness/pkg/falco/format"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
)

// Random makes random rules over all of the language: every operator, modifier,
// transformer and field. What they ask for is taken from events, so that they
// match now and then. It is deterministic by its seed.
//
// Rules come in families: of one structure, each with texts of its own, as the
// rules of people do. An engine that handles such rules together is put to the
// test by that.
type Random struct {
	shape  *rand.Rand // decides on structure
	texts  *rand.Rand // decides on literals
	events []*audit.Event
	fields []*field.Field
	checks []string // made before, to be used again
}

// NewRandom makes rules about events, of which there must be at least one.
func NewRandom(seed uint64, events []*audit.Event) *Random {
	var fields []*field.Field
	for _, f := range field.Default().All() {
		if f.State == condition.OfEvent { // else no rule on one event can ask for it
			fields = append(fields, f)
		}
	}
	return &Random{
		shape: rand.New(rand.NewPCG(seed, 1)), texts: rand.New(rand.NewPCG(seed, 2)),
		events: events, fields: fields,
	}
}

// Rules makes n rules. They can be used in either mode.
func (r *Random) Rules(n int) *rules.Ruleset {
	rs := &rules.Ruleset{}
	for len(rs.Rules) < n {
		size := 1
		if r.shape.IntN(3) == 0 {
			size = 5 + r.shape.IntN(4)
		}
		family := r.shape.Uint64()
		for range min(size, n-len(rs.Rules)) {
			r.shape = rand.New(rand.NewPCG(family, 3))
			r.add(rs)
		}
		r.shape = rand.New(rand.NewPCG(family, 4))
	}
	return rs
}

// add adds a rule, unless what was made does not compile.
func (r *Random) add(rs *rules.Ruleset) {
	text := r.rule()
	cond, err := condition.Parse(text)
	if err == nil {
		_, err = condition.Validate(cond, field.Default())
	}
	if err != nil {
		return
	}
	output, err := format.Parse("random "+r.output(), field.Default())
	if err != nil {
		return
	}
	rs.Rules = append(rs.Rules, &rules.Rule{
		Name: fmt.Sprint("random ", len(rs.Rules)), Source: "k8s_audit", Enabled: true,
		Condition: cond, ConditionText: cond.String(), Format: output,
	})
}

// rule makes a condition: as people do, terms of which all must hold, or
// anything.
func (r *Random) rule() string {
	if r.shape.IntN(3) == 0 {
		return r.cond(3)
	}
	terms := make([]string, 1+r.shape.IntN(5))
	for i := range terms {
		switch r.shape.IntN(8) {
		case 0:
			terms[i] = pick(r.shape, "ka.stage = ResponseComplete", "ka.verb in (create, update, patch)", "not ka.verb in (get, list, watch)",
				`not ka.user.name startswith "system:"`, "ka.response.code startswith 2", "ka.target.resource exists", "jevt.rawtime exists", "not jevt.rawtime = 0")
		case 1:
			terms[i] = "(" + r.cond(2) + ")"
		case 2:
			terms[i] = "(" + r.check() + " or " + pick(r.shape, "not ", "") + r.field().text() + " exists)"
		default:
			terms[i] = pick(r.shape, "", "", "not ") + r.check()
		}
	}
	return strings.Join(terms, " and ")
}

func (r *Random) cond(depth int) string {
	if depth == 0 {
		return r.check()
	}
	switch r.shape.IntN(6) {
	case 0:
		return "not (" + r.cond(depth-1) + ")"
	case 1, 2:
		return "(" + r.cond(depth-1) + " and " + r.cond(depth-1) + ")"
	case 3, 4:
		return "(" + r.cond(depth-1) + " or " + r.cond(depth-1) + ")"
	}
	return r.check()
}

// check makes a check, or takes one that another rule has.
func (r *Random) check() string {
	if len(r.checks) > 0 && r.shape.IntN(6) == 0 {
		return r.checks[r.texts.IntN(len(r.checks))]
	}
	c := r.newCheck()
	if len(r.checks) < 500 {
		r.checks = append(r.checks, c)
	} else {
		r.checks[r.texts.IntN(len(r.checks))] = c
	}
	return c
}

func (r *Random) newCheck() string {
	f := r.field()
	left := f.text()
	if r.shape.IntN(5) == 0 {
		left = r.transform(f)
	}
	switch r.shape.IntN(12) {
	case 0:
		return left + " exists"
	case 1, 2, 3, 4:
		return left + " " + pick(r.shape, "in", "intersects", "in", "intersects", "pmatch") + " (" + r.literals(f) + ")"
	case 5:
		return left + " " + r.op() + " " + pick(r.shape, "oneof", "anyof", "allof") + " (" + r.literals(f) + ")"
	case 6:
		return left + " " + pick(r.shape, r.op(), "in", "intersects") + " " + pick(r.shape, "val("+r.field().text()+")", r.transform(r.field()))
	case 7:
		return left + " " + pick(r.shape, "<", "<=", ">", ">=") + " " + r.literal(f)
	}
	return left + " " + r.op() + " " + r.literal(f)
}

func (r *Random) op() string {
	return pick(r.shape, "=", "=", "!=", "contains", "icontains", "startswith", "endswith", "glob", "iglob", "regex")
}

// asked is a field as a rule asks for it.
type asked struct {
	field  *field.Field
	arg    string
	hasArg bool
}

func (a asked) text() string {
	if !a.hasArg {
		return a.field.Name
	}
	return (&condition.Field{Name: a.field.Name, Arg: a.arg, HasArg: true}).String()
}

// usual are fields that most events have.
var usual = []string{
	"ka.stage", "ka.verb", "ka.user.name", "ka.user.groups", "ka.target.resource", "ka.target.subresource", "ka.target.namespace",
	"ka.target.name", "ka.response.code", "ka.uri", "ka.useragent", "ka.auth.reason", "jevt.value", "kw.source.ips", "kw.response.code", "ka.sourceips",
}

// pointers are places in events.
var pointers = []string{
	"/stage", "/verb", "/user/username", "/user/groups/0", "/user/groups", "/objectRef/resource", "/objectRef", "/sourceIPs/0", "/responseStatus/code",
	"/requestObject/kind", "/requestObject/metadata/name", "/requestObject/metadata/labels", "/responseObject/status", "/annotations/authorization.k8s.io~1decision",
	"/requestObject/spec/template/spec/containers/0/image", "userAgent", "/a~1b", "/none", "",
}

func (r *Random) field() asked {
	f := r.fields[r.shape.IntN(len(r.fields))]
	if r.shape.IntN(2) == 0 {
		f, _ = field.Default().Lookup(pick(r.shape, usual...))
	}
	a := asked{field: f}
	switch {
	case f.ArgIndex:
		a.hasArg, a.arg = r.shape.IntN(3) == 0, strconv.Itoa(r.shape.IntN(3))
	case strings.HasSuffix(f.Name, ".value"):
		a.hasArg, a.arg = true, pick(r.shape, pointers...)
	case f.ArgRequired:
		a.hasArg, a.arg = true, pick(r.shape, "app", "limit", "watch", "authorization.k8s.io/reason", "fieldManager", "a")
	}
	return a
}

func (r *Random) transform(f asked) string {
	switch r.shape.IntN(8) {
	case 0:
		return "join(" + pick(r.texts, `","`, `" "`, `"/"`, `""`) + ", " + f.text() + ")"
	case 1:
		return "concat(" + f.text() + ", " + pick(r.texts, `"-"`, `"/"`, `":"`, "1") + ", " + r.field().text() + ")"
	case 2:
		return "getopt(" + pick(r.shape, "ka.user.groups", "ka.sourceips", "ka.req.role.rules.verbs") + `, "ab:c")` + pick(r.shape, "", "[a]", "[b]")
	case 3:
		return `join("/", (` + f.text() + ", " + r.field().text() + "))"
	}
	return pick(r.shape, "tolower", "toupper", "basename", "b64", "len") + "(" + f.text() + ")"
}

func (r *Random) output() string {
	switch r.shape.IntN(4) {
	case 0:
		return ""
	case 1:
		return "%" + strconv.Itoa(1+r.shape.IntN(30)) + r.field().text()
	case 2:
		return "%" + r.transform(r.field())
	}
	return "%ka.user.name %" + r.field().text()
}

func (r *Random) literals(f asked) string {
	parts := make([]string, r.shape.IntN(10))
	for i := range parts {
		parts[i] = r.literal(f)
	}
	return strings.Join(parts, ", ")
}

// literal takes a text that the field has in some event, or a piece of it, or
// something else.
func (r *Random) literal(f asked) string {
	text := r.valueOf(f)
	switch r.texts.IntN(12) {
	case 0:
		text = pick(r.texts, "", "a", "*", "?", "[a-c]", "\\", "2", "0", "10.0.0.0/8", "true", "null", "a\x00b", "é", "\ufffd", ".*", "(a|b)+", "x{2}")
	case 1:
		text = strings.ToUpper(text)
	case 2, 3:
		from := r.texts.IntN(len(text) + 1)
		text = text[from : from+r.texts.IntN(len(text)-from+1)]
	case 4:
		text = "*" + text[r.texts.IntN(len(text)+1):]
	case 5:
		text = text[:r.texts.IntN(len(text)+1)] + pick(r.texts, "*", ".*", "?", "[a-z0-9-]+", "(x|y)?", "[0-9a-f]{2}")
	case 6:
		text = "(" + text + "|" + pick(r.texts, "get", "system", "pods|secrets", "") + ")" + pick(r.texts, "", ".*", "{1,3}", "x*")
	case 7:
		text += pick(r.texts, "-", "/", "x")
	}
	return condition.Quote(strings.ToValidUTF8(text, "?"))
}

// longestLiteral bounds literals: whole bodies make poor ones.
const longestLiteral = 200

func (r *Random) valueOf(f asked) string {
	arg, err := f.field.NoArg()
	if f.hasArg {
		arg, err = f.field.ParseArg(f.arg)
	}
	if err != nil {
		return ""
	}
	for range 3 {
		c := field.Context{Event: r.events[r.texts.IntN(len(r.events))], Num: 1}
		if items := f.field.Extract(&c, arg); len(items) > 0 {
			text := items[r.texts.IntN(len(items))].Text
			return text[:min(len(text), longestLiteral)]
		}
	}
	return pick(r.texts, "create", "pods", "system:masters", "kube-system", "ResponseComplete", "201", "")
}

func pick(r *rand.Rand, from ...string) string { return from[r.IntN(len(from))] }
