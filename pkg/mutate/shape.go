package mutate

import (
	"regexp"
	"slices"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/yamlnode"
)

// shape is which members an object of the file may have, and of which kind they are. It
// stands for the API server's types as far as a slip of the pen goes: in an object that is
// patched it passes over unknown members, and refuses the object for those of a wrong kind.
type shape map[string]kind

type kind uint8

const (
	text kind = iota
	number
	flag
	object
	list  // of anything
	texts // a list of them
)

func (k kind) String() string {
	return [...]string{"a text; write it in quotes", "a number", "true or false", "a mapping", "a list", "a list of texts; write them in quotes"}[k]
}

var containerShape = shape{
	"name": text, "image": text, "command": texts, "args": texts, "workingDir": text, "ports": list, "envFrom": list, "env": list,
	"resources": object, "resizePolicy": list, "restartPolicy": text, "restartPolicyRules": list, "volumeMounts": list, "volumeDevices": list,
	"livenessProbe": object, "readinessProbe": object, "startupProbe": object, "lifecycle": object,
	"terminationMessagePath": text, "terminationMessagePolicy": text, "imagePullPolicy": text, "securityContext": object,
	"stdin": flag, "stdinOnce": flag, "tty": flag,
}

var securityShape = shape{
	"allowPrivilegeEscalation": flag, "appArmorProfile": object, "capabilities": object, "privileged": flag, "procMount": text,
	"readOnlyRootFilesystem": flag, "runAsGroup": number, "runAsNonRoot": flag, "runAsUser": number, "seLinuxOptions": object,
	"seccompProfile": object, "windowsOptions": object,
}

var podSecurityShape = shape{
	"appArmorProfile": object, "fsGroup": number, "fsGroupChangePolicy": text, "runAsGroup": number, "runAsNonRoot": flag, "runAsUser": number,
	"seLinuxChangePolicy": text, "seLinuxOptions": object, "seccompProfile": object, "supplementalGroups": list,
	"supplementalGroupsPolicy": text, "sysctls": list, "windowsOptions": object,
}

var variableShape = shape{"name": text, "value": text, "valueFrom": object}

// plainVariableShape is what can be compared with what is there: an API server fills in the rest of valueFrom.
var plainVariableShape = shape{"name": text, "value": text}

var mountShape = shape{
	"name": text, "mountPath": text, "subPath": text, "subPathExpr": text, "readOnly": flag, "recursiveReadOnly": text, "mountPropagation": text,
}

// volumeShape is open: kinds of volumes come and go.
var volumeShape = shape{"name": text, "": object}

// object reads a mapping of a shape.
func (p *parser) object(n *yamlnode.Node, s shape) map[string]any {
	if n.Kind == yamlnode.Mapping && len(n.Pairs) == 0 {
		p.Refuse(n, "is empty; write something, or take it away")
	}
	for _, pair := range p.Pairs(n) {
		p.pair(pair, s)
	}
	out, _ := n.Plain().(map[string]any)
	return out
}

func (p *parser) pair(pair yamlnode.Pair, s shape) {
	want, known := s[pair.Key.Text]
	if !known {
		want, known = s[""]
	}
	switch {
	case !known:
		p.Unknown(pair.Key, s.keys())
	case !want.fits(pair.Value):
		p.Refuse(pair.Value, "%s is %s", pair.Key.Text, want)
	case pair.Key.Text == "securityContext":
		p.object(pair.Value, securityShape)
	case pair.Key.Text == "env":
		p.items(pair.Value, variableShape, variableRule)
	}
}

func (s shape) keys() (keys []string) {
	for key := range s {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

func (k kind) fits(n *yamlnode.Node) bool {
	var is bool
	switch k {
	case text:
		_, is = n.Value.(string)
	case number:
		_, is = n.Value.(int64)
	case flag:
		_, is = n.Value.(bool)
	case object:
		is = n.Kind == yamlnode.Mapping
	case list:
		is = n.Kind == yamlnode.List
	case texts:
		is = n.Kind == yamlnode.List && !slices.ContainsFunc(n.Items, func(i *yamlnode.Node) bool { return !text.fits(i) })
	}
	return is
}

// naming is what the names of elements must be like.
type naming struct {
	valid func(string) bool
	like  string
	again bool // it may be there twice
}

var (
	nameRule     = naming{valid: isDNSLabel, like: "at most 63 lower-case letters, digits and -"}
	mountRule    = naming{valid: isDNSLabel, like: nameRule.like, again: true}
	variableRule = naming{valid: isVariable, like: "letters, digits, - _ and ."}
)

// items reads a list of mappings of a shape, each with a name, of its own where the rule says so.
func (p *parser) items(n *yamlnode.Node, s shape, rule naming) (all []map[string]any) {
	if n.Kind == yamlnode.List && len(n.Items) == 0 {
		p.Refuse(n, "is an empty list; write something, or take it away")
	}
	names := map[string]bool{}
	for _, item := range p.Elements(n) {
		all = append(all, p.object(item, s))
		name := item.Get("name")
		switch {
		case item.Kind != yamlnode.Mapping:
		case name == nil:
			p.Refuse(item, "has no name")
		case !rule.valid(name.Text):
			p.Refuse(name, "%q is no name; write %s", name.Text, rule.like)
		case names[name.Text] && !rule.again:
			p.Refuse(name, "%q is there twice", name.Text)
		default:
			names[name.Text] = true
		}
		if _, container := s["image"]; container && item.Kind == yamlnode.Mapping && item.Get("image") == nil {
			p.Refuse(item, "has no image")
		}
	}
	return all
}

var (
	dnsLabel  = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)
	labelText = regexp.MustCompile(`^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$`)
	subdomain = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)
	variable  = regexp.MustCompile(`^[-._A-Za-z][-._A-Za-z0-9]*$`)
)

func isDNSLabel(s string) bool { return dnsLabel.MatchString(s) }

func isVariable(s string) bool {
	return variable.MatchString(s) && s != "." && !strings.HasPrefix(s, "..")
}

func isLabelValue(s string) bool { return s == "" || labelText.MatchString(s) }

// isQualified tells whether a text is a key of labels and annotations.
func isQualified(s string) bool {
	domain, name, found := strings.Cut(s, "/")
	if !found {
		return labelText.MatchString(s)
	}
	return len(domain) <= 253 && subdomain.MatchString(domain) && labelText.MatchString(name)
}
