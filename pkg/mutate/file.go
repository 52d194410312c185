package mutate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
	"github.com/kubewitness/kubewitness/pkg/falco/format"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
	"github.com/kubewitness/kubewitness/pkg/scope"
	"github.com/kubewitness/kubewitness/pkg/yamlnode"
)

// File is a file, ready to be applied. It is immutable and safe for concurrent use.
type File struct {
	entries []entry
	matcher *match.Matcher // of the conditions
	always  bool           // an entry has none
}

// entry is one of the file.
type entry struct {
	Name      string
	scope     scope.Scope
	condition condition.Expr // nil: always
	rule      int            // of the matcher; -1: none
	actions   []action
}

// action changes what is not yet as it should be.
type action interface {
	apply(t *target) error
}

// Entries are the names of the entries.
func (f *File) Entries() []string {
	names := make([]string, len(f.entries))
	for i := range f.entries {
		names[i] = f.entries[i].Name
	}
	return names
}

// Parse reads a file whose conditions use the macros and lists of some rules. The error is
// a yamlnode.Problems, all that is wrong.
func Parse(name string, content []byte, terms *rules.Ruleset) (*File, error) {
	p := &parser{Reader: yamlnode.Reader{File: name}, terms: terms}
	f := p.file(content)
	if err := p.Err(); err != nil {
		return nil, err
	}
	return f, f.compile()
}

// compile makes one matcher of all conditions.
func (f *File) compile() (err error) {
	var set rules.Ruleset
	for i := range f.entries {
		e := &f.entries[i]
		if e.rule = -1; e.condition == nil {
			f.always = true
			continue
		}
		e.rule = len(set.Rules)
		set.Rules = append(set.Rules, &rules.Rule{Name: e.Name, Enabled: true, Condition: e.condition, Format: &format.Format{}})
	}
	f.matcher, err = match.New(&set, field.Default(), match.Options{})
	return err
}

type parser struct {
	yamlnode.Reader
	terms *rules.Ruleset
}

func (p *parser) file(content []byte) *File {
	f := &File{}
	root := p.Document(content)
	if root == nil {
		return f
	}
	p.Members(root, []yamlnode.Member{{Key: "mutate", Read: func(n *yamlnode.Node) {
		names := map[string]bool{}
		for _, item := range p.Elements(n) {
			e := p.entry(item)
			if names[e.Name] && e.Name != "" {
				p.Refuse(item, "%q is the name of an entry above; write another", e.Name)
			}
			names[e.Name] = true
			f.entries = append(f.entries, e)
		}
	}}})
	return f
}

// order is that in which the actions of an entry are carried out: what comes in is changed by
// what follows.
var order = []string{
	"labels", "annotations", "pod_labels", "pod_annotations", "volumes", "init_containers", "containers", "volume_mounts", "env",
	"pod_security_context", "container_security_context", "automount_service_account_token", "images",
}

func (p *parser) entry(n *yamlnode.Node) (e entry) {
	actions := make(map[string]action, len(order))
	members := append([]yamlnode.Member{
		{Key: "name", Read: func(n *yamlnode.Node) { e.Name = p.name(n) }},
		{Key: "condition", Read: func(n *yamlnode.Node) { e.condition = p.condition(n) }},
	}, e.scope.Members(&p.Reader)...)
	for _, key := range order {
		members = append(members, yamlnode.Member{Key: key, Read: func(n *yamlnode.Node) { actions[key] = p.action(key, n) }})
	}
	p.Members(n, members)
	for _, key := range order {
		if a := actions[key]; a != nil {
			e.actions = append(e.actions, a)
		}
	}
	if n.Kind != yamlnode.Mapping {
		return e
	}
	if n.Get("name") == nil {
		p.Refuse(n, "has no name; events and metrics tell by it who did something")
	}
	unknown := func(pair yamlnode.Pair) bool {
		return !slices.ContainsFunc(members, func(m yamlnode.Member) bool { return m.Key == pair.Key.Text })
	}
	if len(actions) == 0 && !slices.ContainsFunc(n.Pairs, unknown) {
		p.Refuse(n, "does nothing; write one of %s", strings.Join(order, ", "))
	}
	return e
}

// maxName is how long a name may be: it is a label of metrics.
const maxName = 100

func (p *parser) name(n *yamlnode.Node) string {
	name := p.Words(n)
	if len(name) > maxName || strings.ContainsAny(name, ",\n\r\t") {
		p.Refuse(n, "is no name; write at most %d bytes in a line, without a comma", maxName)
	}
	return name
}

func (p *parser) condition(n *yamlnode.Node) condition.Expr {
	text := p.Words(n)
	if text == "" {
		return nil
	}
	e, err := ruleset.Condition(text, p.terms)
	if err != nil {
		p.Refuse(n, "%v", err)
	}
	return e
}

func (p *parser) action(key string, n *yamlnode.Node) action {
	switch key {
	case "labels", "annotations", "pod_labels", "pod_annotations":
		return p.marking(key, n)
	case "volumes":
		return &injection{member: "volumes", items: p.items(n, volumeShape, nameRule)}
	case "init_containers":
		return &injection{member: "initContainers", first: true, items: p.items(n, containerShape, nameRule)}
	case "containers":
		return &injection{member: "containers", items: p.items(n, containerShape, nameRule)}
	case "volume_mounts":
		return p.mounts(n)
	case "env":
		return p.variables(n)
	case "pod_security_context":
		return &security{defaults: p.object(n, podSecurityShape)}
	case "container_security_context":
		return &security{containers: true, defaults: p.object(n, securityShape)}
	case "automount_service_account_token":
		if n.Value != false {
			p.Refuse(n, "can be false and nothing else; pods that need a token say so")
		}
		return tokenless{}
	}
	return p.images(n)
}

func (p *parser) marking(key string, n *yamlnode.Node) *marking {
	member, pod := strings.CutPrefix(key, "pod_")
	a := &marking{member: member, pod: pod}
	p.Members(n, []yamlnode.Member{
		{Key: "add", Read: func(n *yamlnode.Node) { a.add = p.marks(n, member) }},
		{Key: "overwrite", Read: func(n *yamlnode.Node) { a.overwrite = p.marks(n, member) }},
	})
	if n.Kind == yamlnode.Mapping && len(n.Pairs) == 0 {
		p.Refuse(n, "does nothing; write add: {NAME: VALUE}, or overwrite")
	}
	for _, k := range a.add {
		if slices.ContainsFunc(a.overwrite, func(o mark) bool { return o.key == k.key }) {
			p.Refuse(n, "%q is under add and under overwrite; take one away", k.key)
		}
	}
	return a
}

func (p *parser) marks(n *yamlnode.Node, member string) (list []mark) {
	for _, pair := range p.Pairs(n) {
		k := mark{pair.Key.Text, pair.Value.Text}
		switch {
		case !isQualified(k.key):
			p.Refuse(pair.Key, "%q is no name of a label or an annotation; write letters, digits, - _ and ., perhaps a domain and a slash before them", k.key)
		case pair.Value.Kind != yamlnode.Scalar || pair.Value.IsNull():
			p.Refuse(pair.Value, "is no text; write one")
		case member == "labels" && !isLabelValue(k.value):
			p.Refuse(pair.Value, "%q is no value of a label; write at most 63 letters, digits, - _ and ., the first and the last of them a letter or a digit", k.value)
		}
		list = append(list, k)
	}
	slices.SortFunc(list, func(a, b mark) int { return cmp.Compare(a.key, b.key) })
	return list
}

func (p *parser) variables(n *yamlnode.Node) *variables {
	a := &variables{}
	p.Members(n, []yamlnode.Member{
		{Key: "containers", Read: func(n *yamlnode.Node) { a.containers = p.List(n) }},
		{Key: "add", Read: func(n *yamlnode.Node) { a.add = p.items(n, variableShape, variableRule) }},
		{Key: "overwrite", Read: func(n *yamlnode.Node) { a.overwrite = p.items(n, plainVariableShape, variableRule) }},
	})
	if n.Kind == yamlnode.Mapping && n.Get("add") == nil && n.Get("overwrite") == nil {
		p.Refuse(n, "adds nothing; write add: [{name: NAME, value: VALUE}], or overwrite")
	}
	for _, v := range a.overwrite {
		if indexOf(a.add, v["name"]) >= 0 {
			p.Refuse(n, "%q is under add and under overwrite; take one away", v["name"])
		}
	}
	return a
}

func (p *parser) mounts(n *yamlnode.Node) *mounts {
	a := &mounts{}
	p.Members(n, []yamlnode.Member{
		{Key: "containers", Read: func(n *yamlnode.Node) { a.containers = p.List(n) }},
		{Key: "add", Read: func(n *yamlnode.Node) {
			a.add = p.items(n, mountShape, mountRule)
			p.paths(n)
		}},
	})
	if n.Kind == yamlnode.Mapping && n.Get("add") == nil {
		p.Refuse(n, "mounts nothing; write add: [{name: VOLUME, mountPath: PATH}]")
	}
	return a
}

// paths holds that each mount has a path in a container, and another one.
func (p *parser) paths(n *yamlnode.Node) {
	seen := map[string]bool{}
	for _, item := range n.Items {
		at := item.Get("mountPath")
		switch {
		case item.Kind != yamlnode.Mapping:
		case at == nil:
			p.Refuse(item, "has no mountPath")
		case !strings.HasPrefix(at.Text, "/"):
			p.Refuse(at, "%q is no path in a container; begin it with /", at.Text)
		case seen[strings.TrimRight(at.Text, "/")]:
			p.Refuse(at, "%q is there twice", at.Text)
		default:
			seen[strings.TrimRight(at.Text, "/")] = true
		}
	}
}

func (p *parser) images(n *yamlnode.Node) images {
	var a images
	for _, item := range p.Elements(n) {
		var r rewrite
		p.Members(item, []yamlnode.Member{
			{Key: "from", Read: func(n *yamlnode.Node) { r.from = p.prefix(n) }},
			{Key: "to", Read: func(n *yamlnode.Node) { r.to = p.prefix(n) }},
		})
		if item.Kind == yamlnode.Mapping && (item.Get("from") == nil || item.Get("to") == nil) {
			p.Refuse(item, "has no from, or no to; write both")
		}
		a = append(a, r)
	}
	if len(a) == 0 {
		p.Refuse(n, "rewrites nothing; write [{from: PREFIX, to: PREFIX}]")
	}
	for i, r := range a {
		if why := a.restless(r); why != "" && r.from != "" && r.to != "" {
			p.Refuse(n.Items[i], "%s", why)
		}
	}
	return a
}

// prefix reads a registry, and perhaps a path in it.
func (p *parser) prefix(n *yamlnode.Node) string {
	s := strings.TrimSuffix(p.Words(n), "/")
	registry, path, _ := strings.Cut(s, "/")
	if s != "" && (!isRegistry(registry) || strings.ContainsAny(s, "@ \t\"\\") || strings.Contains(path, ":") || strings.Contains(s, "//")) {
		p.Refuse(n, "%q is no registry, with a path or not; write docker.io, or registry.example.com:5000/folder", s)
	}
	if registry == "index."+hub {
		return strings.TrimPrefix(s, "index.")
	}
	return s
}

// restless tells of an image that would be rewritten again and again.
func (a images) restless(r rewrite) string {
	first := r.to + "/a/b"
	image := first
	for range len(a) + 1 {
		next := a.of(image)
		if next == image {
			return ""
		}
		image = next
	}
	return fmt.Sprintf("images of %s would be rewritten again and again, to %s in the end; write another to", r.to, image)
}
