package field

import "github.com/kubewitness/kubewitness/pkg/audit"

const (
	classBinding = "Bindings and roles in the request (ka.req.*)"
	classObject  = "Other objects in the request (ka.req.*)"
)

// bindingTable has the fields of role bindings and roles.
func bindingTable() []*Field {
	at := func(name, doc string, keys ...string) *Field {
		return kaAt(classBinding, name, doc, append([]string{"requestObject"}, keys...)...)
	}
	hasName := keyed(ka(classBinding, "ka.req.binding.subject.has_name", "Always true; kept for old rules. Use ka.req.binding.subjects.user_names.", nil,
		func(dst []Item, _ *Context, _ Arg) []Item { return appendText(dst, "true") }))
	hasName.Deprecated = true
	return []*Field{
		kaListAt(classBinding, "ka.req.binding.subjects", "Subjects that get the role, each as JSON text.", "requestObject", "subjects"),
		subjects("ka.req.binding.subjects.user_names", "Names of the users that get the role.", "User", subjectName),
		subjects("ka.req.binding.subjects.serviceaccount_names", "Names of the service accounts that get the role, without namespace.", "ServiceAccount", subjectName),
		subjects("ka.req.binding.subjects.serviceaccount_ns_names", "Service accounts that get the role, as namespace:name.", "ServiceAccount", subjectNamespaceName),
		subjects("ka.req.binding.subjects.group_names", "Names of the groups that get the role.", "Group", subjectName),
		at("ka.req.binding.role", "Name of the role that the binding gives.", "roleRef", "name"),
		hasName,
		kaListAt(classBinding, "ka.req.role.rules", "Rules of a role, each as JSON text.", "requestObject", "rules"),
		ruleList("ka.req.role.rules.apiGroups", "API groups of all rules of a role; the core group is empty. An index selects the rule.", "apiGroups"),
		ruleList("ka.req.role.rules.nonResourceURLs", "Paths outside resources of all rules of a role. An index selects the rule.", "nonResourceURLs"),
		ruleList("ka.req.role.rules.verbs", "Verbs of all rules of a role. An index selects the rule.", "verbs"),
		ruleList("ka.req.role.rules.resources", "Resources of all rules of a role. An index selects the rule.", "resources"),
	}
}

// subjects lists the subjects of one kind. One without a name, or without what
// its text needs, is passed over.
func subjects(name, doc, kind string, add adder) *Field {
	f := ka(classBinding, name, doc, []string{"/requestObject/subjects/*"}, func(dst []Item, c *Context, _ Arg) []Item {
		return appendSubjects(dst, c.root().Path("requestObject", "subjects"), kind, add)
	})
	f.List = true
	return f
}

func appendSubjects(dst []Item, subjects audit.Value, kind string, add adder) []Item {
	for s := range subjects.Elems() {
		if s.Get("name").Exists() && s.Get("kind").Text() == kind {
			dst = add(dst, s)
		}
	}
	return dst
}

func subjectName(dst []Item, s audit.Value) []Item { return appendValue(dst, s.Get("name")) }

func subjectNamespaceName(dst []Item, s audit.Value) []Item {
	namespace := s.Get("namespace")
	if !namespace.Exists() {
		return dst
	}
	return appendText(dst, namespace.Text()+":"+s.Get("name").Text())
}

// ruleList flattens one list over the rules of a role.
func ruleList(name, doc, key string) *Field {
	keys := rulesKeys(key)
	return indexed(ka(classBinding, name, doc, []string{pointer("requestObject", "rules", "*", key, "*")},
		func(dst []Item, c *Context, a Arg) []Item { return appendEnds(dst, c, a, keys, takeElems) }))
}

func rulesKeys(key string) []string { return []string{"requestObject", "rules", key} }

// objectTable has the fields of config maps and services.
func objectTable() []*Field {
	return []*Field{
		kaAt(classObject, "ka.req.configmap.name", "Name of the object, whatever its resource: the same as ka.target.name.", "objectRef", "name"),
		kaAt(classObject, "ka.req.configmap.obj", "The data of the object as JSON text: of a config map, and of any other object with data, such as a secret.", "requestObject", "data"),
		kaAt(classObject, "ka.req.service.type", "Type of the service: ClusterIP, NodePort, LoadBalancer, ExternalName. Of any object with spec.type.", "requestObject", "spec", "type"),
		servicePorts(),
	}
}

// servicePorts: Falco gives the whole array as one text and ignores the index.
func servicePorts() *Field {
	keys := []string{"requestObject", "spec", "ports"}
	return indexed(ka(classObject, "ka.req.service.ports",
		"Ports of the service, each as JSON text. An index selects the port.",
		[]string{"/requestObject/spec/ports/*"}, func(dst []Item, c *Context, a Arg) []Item {
			if c.Strict {
				return appendEnds(dst, c, a, keys, takeValue)
			}
			ports := c.root().Path(keys...)
			if a.Present {
				return appendValue(dst, ports.Index(a.Index))
			}
			return appendElems(dst, ports)
		}))
}
