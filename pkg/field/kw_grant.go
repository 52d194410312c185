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
// writes.
func writtenField(name, doc, example string, typ condition.Type, resources, path []string, get func(object audit.Value, a Arg) []Item) *Field {
	return kw(classGrant, name, doc, example, typ, writtenPaths(path...), func(root audit.Value, a Arg) []Item {
		return get(writtenOf(root, resources...), a)
	})
}

// writtenAt is writtenField for a value right at the path.
func writtenAt(name, doc, example string, typ condition.Type, resources []string, item func(audit.Value) []Item, path ...string) *Field {
	return writtenField(name, doc, example, typ, resources, path, func(object audit.Value, _ Arg) []Item { return item(object.Path(path...)) })
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
			"kw.rolebinding.role_kind = ClusterRole", str, bindings, stringItem, "roleRef", "kind"),
		writtenAt("kw.rolebinding.role_name", "Name of the role that a binding gives.",
			"kw.rolebinding.role_name in (cluster-admin, admin, edit)", str, bindings, stringItem, "roleRef", "name"),
		list(writtenAt("kw.rolebinding.subjects", "Who gets the role: User:name, Group:name or ServiceAccount:namespace/name.",
			`kw.rolebinding.subjects intersects ("Group:system:unauthenticated", "ServiceAccount:default/default")`, str, bindings, subjectItems, "subjects")),
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
		func(role audit.Value, a Arg) []Item {
			rules := role.Get("rules")
			if a.Present {
				return stringItems(rules.Index(a.Index).Get(key))
			}
			var items []Item
			for rule := range rules.Elems() {
				items = append(items, stringItems(rule.Get(key))...)
			}
			return items
		}))
}

func subjectItems(subjects audit.Value) []Item {
	var items []Item
	for s := range subjects.Elems() {
		kind, name := stringAt(s, "kind"), stringAt(s, "name")
		if kind == "ServiceAccount" {
			name = stringAt(s, "namespace") + "/" + name
		}
		items = append(items, Item{Text: kind + ":" + name})
	}
	return items
}

func credentialTable() []*Field {
	const str = condition.TypeString
	bound := func(key, doc, example string) *Field {
		return writtenAt("kw.token.bound_object."+key, doc, example, str, tokens, stringItem, "spec", "boundObjectRef", key)
	}
	csrUser := kw(classGrant, "kw.csr.username", "Who asked for a certificate, as the server noted it; what the client claims only where the answer was not recorded.",
		`kw.csr.username startswith "system:serviceaccount:"`, str, []string{"/responseObject/spec/username", "/requestObject/spec/username"}, csrUsername)
	return []*Field{
		list(writtenAt("kw.token.audiences", "Audiences that a requested service account token is for. Absent when left to the server.",
			"kw.token.audiences intersects (vault)", str, tokens, stringItems, "spec", "audiences")),
		writtenAt("kw.token.expiration_seconds", "Seconds that a requested service account token is to live.",
			"kw.token.expiration_seconds > 86400", condition.TypeUint64, tokens, numberItem, "spec", "expirationSeconds"),
		bound("kind", "Kind of the object that a requested service account token is bound to: Pod, Secret or Node.", "ka.target.subresource = token and not kw.token.bound_object.kind exists"),
		bound("name", "Name of the object that a requested service account token is bound to.", "kw.token.bound_object.name = web-0"),
		bound("uid", "Unique id of the object that a requested service account token is bound to.", "kw.token.bound_object.uid exists"),
		writtenAt("kw.csr.signer", "Signer that is asked for a certificate.",
			"kw.csr.signer = kubernetes.io/kube-apiserver-client", str, csrs, stringItem, "spec", "signerName"),
		list(writtenAt("kw.csr.usages", "Usages that a certificate is asked for.",
			`kw.csr.usages intersects ("client auth")`, str, csrs, stringItems, "spec", "usages")),
		csrUser,
	}
}

// csrUsername trusts the answer first: the server overwrites what a client
// puts there.
func csrUsername(root audit.Value, _ Arg) []Item {
	if !writtenOf(root, csrs...).Exists() {
		return nil
	}
	if noted := stringItem(root.Path("responseObject", "spec", "username")); noted != nil {
		return noted
	}
	return stringItem(root.Path("requestObject", "spec", "username"))
}

func webhookTable() []*Field {
	each := func(get func(webhook audit.Value) []Item) func(audit.Value) []Item {
		return func(hooks audit.Value) []Item {
			var items []Item
			for h := range hooks.Elems() {
				items = append(items, get(h)...)
			}
			return items
		}
	}
	of := func(name, doc, example string, get func(webhook audit.Value) []Item) *Field {
		return list(writtenAt("kw.webhook."+name, doc, example, condition.TypeString, webhooks, each(get), "webhooks"))
	}
	return []*Field{
		of("urls", "URLs that admission webhooks call.", "kw.webhook.urls exists",
			func(h audit.Value) []Item { return stringItem(h.Path("clientConfig", "url")) }),
		of("services", "Services that admission webhooks call, as namespace/name.", "kw.webhook.services intersects (default/gk)", webhookService),
		of("failure_policies", "What happens when an admission webhook does not answer: Ignore or Fail.", "kw.webhook.failure_policies intersects (Ignore)",
			func(h audit.Value) []Item { return stringItem(h.Get("failurePolicy")) }),
	}
}

func webhookService(webhook audit.Value) []Item {
	service := webhook.Path("clientConfig", "service")
	if service.Kind() != audit.Object {
		return nil
	}
	return text(stringAt(service, "namespace") + "/" + stringAt(service, "name"))
}
