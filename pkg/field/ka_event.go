package field

import "github.com/kubewitness/kubewitness/pkg/audit"

const classEvent = "Request and response (ka.*)"

// ka makes a field of Falco's audit plugin. All of them hold text, and are
// absent from an event without an auditID.
func ka(class, name, doc string, paths []string, x extractor) *Field {
	gated := func(dst []Item, c *Context, a Arg) []Item {
		if !hasAuditID(c) {
			return dst
		}
		return x(dst, c, a)
	}
	return &Field{Name: name, Class: class, Doc: doc, Paths: paths, extract: gated}
}

func hasAuditID(c *Context) bool {
	return c.Event.AuditID != "" || c.Event.Root().Get("auditID").Exists()
}

// kaAt is the text of the value at a path.
func kaAt(class, name, doc string, keys ...string) *Field {
	return ka(class, name, doc, []string{pointer(keys...)}, func(dst []Item, c *Context, _ Arg) []Item {
		return appendValue(dst, c.root().Path(keys...))
	})
}

// kaListAt is the list of the texts in the array at a path.
func kaListAt(class, name, doc string, keys ...string) *Field {
	f := ka(class, name, doc, []string{pointer(keys...) + "/*"}, func(dst []Item, c *Context, _ Arg) []Item {
		return appendElems(dst, c.root().Path(keys...))
	})
	f.List = true
	return f
}

// indexed makes a list of a field, with an index as optional argument.
func indexed(f *Field) *Field {
	f.List, f.ArgAllowed, f.ArgIndex = true, true, true
	return f
}

// keyed gives a field a key as required argument.
func keyed(f *Field) *Field {
	f.ArgRequired, f.ArgAllowed = true, true
	return f
}

// eventTable has what every event can hold.
func eventTable() []*Field {
	at := func(name, doc string, keys ...string) *Field { return kaAt(classEvent, name, doc, keys...) }
	annotation := func(name, doc, key string) *Field { return at(name, doc, "annotations", key) }
	return []*Field{
		at("ka.auditid", "Identifier of the request; its stages share it. A client can choose it. Without it every other ka.* field is absent too.", "auditID"),
		at("ka.stage", "Stage of the request: RequestReceived, ResponseStarted, ResponseComplete or Panic.", "stage"),
		annotation("ka.auth.decision", "What the authorizer decided: allow or forbid.", "authorization.k8s.io/decision"),
		annotation("ka.auth.reason", "Why the authorizer decided so, for instance which binding allowed it.", "authorization.k8s.io/reason"),
		annotation("ka.auth.openshift.decision", "What the OpenShift authentication server decided.", "authentication.openshift.io/decision"),
		annotation("ka.auth.openshift.username", "Who tried to log in at the OpenShift authentication server.", "authentication.openshift.io/username"),
		annotation("ka.validations.admission.policy.failure", "What a ValidatingAdmissionPolicy found, as JSON text.", "validation.policy.admission.k8s.io/validation_failure"),
		annotation("ka.security.pod.violations", "Which Pod Security Standard the pod violates (audit mode of Pod Security Admission).", "pod-security.kubernetes.io/audit-violations"),
		at("ka.user.name", "Name of the user who sent the request; of the real one under impersonation.", "user", "username"),
		kaListAt(classEvent, "ka.user.groups", "Groups of the user who sent the request.", "user", "groups"),
		at("ka.impuser.name", "Name of the user that the sender impersonates.", "impersonatedUser", "username"),
		at("ka.verb", "Verb of the request: get, list, watch, create, update, patch, delete, deletecollection; the lower-case HTTP method outside resources. kubectl exec is get or create.", "verb"),
		at("ka.uri", "Path and query of the request as sent.", "requestURI"),
		uriParam(),
		at("ka.target.name", "Name of the object. Absent where the server makes the name up (generateName).", "objectRef", "name"),
		at("ka.target.namespace", "Namespace of the object.", "objectRef", "namespace"),
		at("ka.target.resource", "Resource, in plural: pods, secrets, clusterrolebindings.", "objectRef", "resource"),
		at("ka.target.subresource", "Subresource: exec, status, token.", "objectRef", "subresource"),
		targetPodName(),
		at("ka.resp.name", "Name of the object in the answer.", "responseObject", "metadata", "name"),
		at("ka.response.code", "HTTP status code as text, so < and > compare its characters; kw.response.code is a number.", "responseStatus", "code"),
		at("ka.response.reason", "Machine-readable reason of a failure: Forbidden, NotFound, AlreadyExists.", "responseStatus", "reason"),
		at("ka.useragent", "User agent that the client claims to be.", "userAgent"),
		sourceIPs(),
		annotation("ka.cluster.name", "Name of the cluster, where the source adds it (GKE).", "cluster_name"),
	}
}

func uriParam() *Field {
	return keyed(ka(classEvent, "ka.uri.param",
		"First value of the query parameter named by the key, decoded; empty where the parameter has no value. All values: kw.uri.params.",
		[]string{"/requestURI"}, func(dst []Item, c *Context, a Arg) []Item {
			uri := c.root().Get("requestURI").Text()
			p, _, ok := queryOf(uri).find(a.Key)
			if !ok || c.Strict && !readable(uri) {
				return dst
			}
			return appendText(dst, p.decoded())
		}))
}

func targetPodName() *Field {
	return ka(classEvent, "ka.target.pod.name",
		"Name of the pod in the answer; only for pods themselves, not for their subresources.",
		[]string{"/responseObject/metadata/name"}, func(dst []Item, c *Context, _ Arg) []Item {
			root := c.root()
			ref := root.Get("objectRef")
			if stringAt(ref, "resource") != "pods" || stringAt(ref, "subresource") != "" {
				return dst
			}
			return appendValue(dst, root.Path("responseObject", "metadata", "name"))
		})
}

// stringAt is the JSON string at a key, "" for anything else.
func stringAt(v audit.Value, key string) string {
	if v = v.Get(key); v.Kind() == audit.String {
		return v.Text()
	}
	return ""
}

// sourceIPs: Falco looks for the addresses in the rules of a role.
func sourceIPs() *Field {
	falcos := rulesKeys("sourceIPs")
	f := indexed(ka(classEvent, "ka.sourceips",
		"Addresses the request came by: all but the last can be made up by the client. As addresses: kw.source.ip, kw.source.claimed.",
		[]string{"/sourceIPs/*"}, func(dst []Item, c *Context, a Arg) []Item {
			if c.Strict {
				return appendEnds(dst, c, a, falcos, takeElems)
			}
			ips := c.root().Get("sourceIPs")
			if a.Present {
				return appendValue(dst, ips.Index(a.Index))
			}
			return appendElems(dst, ips)
		}))
	f.inBody = true
	return f
}
