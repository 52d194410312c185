package field

import (
	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/condition"
)

const classGrant = "Rights, credentials and webhooks that a request writes (kw.*)"

// grantTable has the fields of objects that give rights away.
func grantTable() []*Field {
	t := append(roleTable(), credentialTable()...)
	return append(t, webhookTable()...)
}

// writtenField is a value of the object that a request to one of the resources
// writes; the finder gets that object for a root.
func writtenField(name, doc, example string, typ condition.Type, resources, path []string, find finder) *Field {
	return kw(classGrant, name, doc, example, typ, writtenPaths(path...), func(dst []Item, root audit.Value, a Arg) []Item {
		object := writtenOf(root, resources)
		if !object.Exists() {
			return dst
		}
		return find(dst, object, a)
	})
}

// writtenAt is writtenField for a value right at the path.
func writtenAt(name, doc, example string, typ condition.Type, resources []string, add adder, path ...string) *Field {
	return writtenField(name, doc, example, typ, resources, path, func(dst []Item, object audit.Value, _ Arg) []Item {
		return add(dst, object.Path(path...))
	})
}

var (
	roles    = []string{"roles", "clusterroles"}
	bindings = []string{"rolebindings", "clusterrolebindings"}
	tokens   = []string{"serviceaccounts/token"}
	csrs     = []string{"certificatesigningrequests", "certificatesigningrequests/approval"}
	webhooks = []string{"validatingwebhookconfigurations", "mutatingwebhookconfigurations"}
)

func roleTable() []*Field {
	const str = condition.TypeString
	return []*Field{
		writtenAt("kw.rolebinding.role_kind", "Kind of the role that a binding gives: Role or ClusterRole.",
			"kw.rolebinding.role_kind = ClusterRole", str, bindings, addString, "roleRef", "kind"),
		writtenAt("kw.rolebinding.role_name", "Name of the role that a binding gives.",
			"kw.rolebinding.role_name in (cluster-admin, admin, edit)", str, bindings, addString, "roleRef", "name"),
		list(writtenAt("kw.rolebinding.subjects", "Who gets the role: User:name, Group:name or ServiceAccount:namespace/name.",
			`kw.rolebinding.subjects intersects ("Group:system:unauthenticated", "ServiceAccount:default/default")`, str, bindings, addSubjects, "subjects")),
		grantedList("verbs", "verbs", "Verbs that the rules of a role allow.", "kw.role.verbs intersects (escalate, bind, impersonate)"),
		grantedList("resources", "resources", "Resources in the rules of a role.", "kw.role.resources intersects (secrets, pods/exec)"),
		grantedList("apigroups", "apiGroups", "API groups in the rules of a role; the core group is empty.", "kw.role.apigroups intersects (*)"),
		grantedList("resource_names", "resourceNames", "Object names that the rules of a role are confined to.", "kw.role.resources intersects (secrets) and not kw.role.resource_names exists"),
		grantedList("nonresource_urls", "nonResourceURLs", "Paths outside resources in the rules of a role.", "kw.role.nonresource_urls intersects (*)"),
	}
}

// grantedList flattens a list over the rules of a role.
func grantedList(name, key, doc, example string) *Field {
	return indexed(writtenField("kw.role."+name, doc+" An index selects the rule.", example, condition.TypeString, roles, []string{"rules", "*", key, "*"},
		func(dst []Item, role audit.Value, a Arg) []Item {
			rules := role.Get("rules")
			if a.Present {
				return addStrings(dst, rules.Index(a.Index).Get(key))
			}
			return addLists(dst, rules, key)
		}))
}

// addLists adds the strings of a list in each of the rules.
func addLists(dst []Item, rules audit.Value, key string) []Item {
	for rule := range rules.Elems() {
		dst = addStrings(dst, rule.Get(key))
	}
	return dst
}

func addSubjects(dst []Item, subjects audit.Value) []Item {
	for s := range subjects.Elems() {
		kind, name := stringAt(s, "kind"), stringAt(s, "name")
		if kind == "ServiceAccount" {
			dst = appendText(dst, kind+":"+stringAt(s, "namespace")+"/"+name)
		} else {
			dst = appendText(dst, kind+":"+name)
		}
	}
	return dst
}

func credentialTable() []*Field {
	const str = condition.TypeString
	bound := func(key, doc, example string) *Field {
		return writtenAt("kw.token.bound_object."+key, doc, example, str, tokens, addString, "spec", "boundObjectRef", key)
	}
	csrUser := kw(classGrant, "kw.csr.username", "Who asked for a certificate, as the server noted it; what the client claims only where the answer was not recorded.",
		`kw.csr.username startswith "system:serviceaccount:"`, str, []string{"/responseObject/spec/username", "/requestObject/spec/username"}, csrUsername)
	return []*Field{
		list(writtenAt("kw.token.audiences", "Audiences that a requested service account token is for. Absent when left to the server.",
			"kw.token.audiences intersects (vault)", str, tokens, addStrings, "spec", "audiences")),
		writtenAt("kw.token.expiration_seconds", "Seconds that a requested service account token is to live.",
			"kw.token.expiration_seconds > 86400", condition.TypeUint64, tokens, addNumber, "spec", "expirationSeconds"),
		bound("kind", "Kind of the object that a requested service account token is bound to: Pod, Secret or Node.", "ka.target.subresource = token and not kw.token.bound_object.kind exists"),
		bound("name", "Name of the object that a requested service account token is bound to.", "kw.token.bound_object.name = web-0"),
		bound("uid", "Unique id of the object that a requested service account token is bound to.", "kw.token.bound_object.uid exists"),
		writtenAt("kw.csr.signer", "Signer that is asked for a certificate.",
			"kw.csr.signer = kubernetes.io/kube-apiserver-client", str, csrs, addString, "spec", "signerName"),
		list(writtenAt("kw.csr.usages", "Usages that a certificate is asked for.",
			`kw.csr.usages intersects ("client auth")`, str, csrs, addStrings, "spec", "usages")),
		csrUser,
	}
}

// csrUsername trusts the answer first: the server overwrites what a client
// puts there.
func csrUsername(dst []Item, root audit.Value, _ Arg) []Item {
	if !writtenOf(root, csrs).Exists() {
		return dst
	}
	noted := root.Path("responseObject", "spec", "username")
	if noted.Kind() != audit.String {
		noted = root.Path("requestObject", "spec", "username")
	}
	return addString(dst, noted)
}

func webhookTable() []*Field {
	of := func(name, doc, example string, add adder) *Field {
		return list(writtenAt("kw.webhook."+name, doc, example, condition.TypeString, webhooks, func(dst []Item, hooks audit.Value) []Item {
			return addEach(dst, hooks, add)
		}, "webhooks"))
	}
	return []*Field{
		of("urls", "URLs that admission webhooks call.", "kw.webhook.urls exists",
			func(dst []Item, h audit.Value) []Item { return addString(dst, h.Path("clientConfig", "url")) }),
		of("services", "Services that admission webhooks call, as namespace/name.", "kw.webhook.services intersects (default/gk)", addWebhookService),
		of("failure_policies", "What happens when an admission webhook does not answer: Ignore or Fail.", "kw.webhook.failure_policies intersects (Ignore)",
			func(dst []Item, h audit.Value) []Item { return addString(dst, h.Get("failurePolicy")) }),
	}
}

func addWebhookService(dst []Item, webhook audit.Value) []Item {
	service := webhook.Path("clientConfig", "service")
	if service.Kind() != audit.Object {
		return dst
	}
	return appendText(dst, stringAt(service, "namespace")+"/"+stringAt(service, "name"))
}
