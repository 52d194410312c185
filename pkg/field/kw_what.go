package field

import (
	"time"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/condition"
)

const classWhat = "What and how it went (kw.*)"

// whatTable has the fields about the request, its object and its outcome.
func whatTable() []*Field {
	const str, num, flag = condition.TypeString, condition.TypeUint64, condition.TypeBool
	at := func(name, doc, example string, keys ...string) *Field {
		return kw(classWhat, name, doc, example, str, []string{pointer(keys...)}, func(dst []Item, root audit.Value, _ Arg) []Item {
			return addString(dst, root.Path(keys...))
		})
	}
	return []*Field{
		at("kw.level", "How much the audit policy recorded: Metadata, Request or RequestResponse.", "kw.level = Metadata", "level"),
		kw(classWhat, "kw.object.name", "Name of the object; where the request has none, as with generateName, the one that the server gave it.",
			"ka.verb = create and kw.object.name startswith debug-", str, []string{"/objectRef/name", "/responseObject/metadata/name", "/requestObject/metadata/name"}, objectName),
		kw(classWhat, "kw.object.apigroup", "API group of the resource; empty for the core group.",
			"kw.object.apigroup = rbac.authorization.k8s.io", str, []string{"/objectRef/apiGroup"}, objectGroup),
		at("kw.object.apiversion", "API version of the resource, without group.", "kw.object.apiversion = v1beta1", "objectRef", "apiVersion"),
		kw(classWhat, "kw.object.uid", "Unique id of the object; where the request does not name it, from the answer.",
			"kw.object.uid exists", str, []string{"/objectRef/uid", "/responseObject/metadata/uid"}, objectUID),
		kw(classWhat, "kw.response.code", "HTTP status code.", "kw.response.code >= 400 and kw.response.code < 500", num, []string{"/responseStatus/code"},
			func(dst []Item, root audit.Value, _ Arg) []Item {
				return addNumber(dst, root.Path("responseStatus", "code"))
			}),
		at("kw.response.status", "Success or Failure, where the server says so.", "kw.response.status = Failure", "responseStatus", "status"),
		at("kw.response.message", "Why the server refused, in words.", `kw.response.message contains "admission webhook"`, "responseStatus", "message"),
		latency("kw.latency", "Nanoseconds from the arrival of the request to this stage.", "kw.latency > 1000000000", condition.TypeRelTime, 1),
		latency("kw.latency.ms", "Whole milliseconds from the arrival of the request to this stage.", "kw.latency.ms > 500", num, uint64(time.Millisecond)),
		keyed(kw(classWhat, "kw.annotations", "Annotation of the event (not of the object), by key.",
			`kw.annotations[mutation.webhook.admission.k8s.io/round_0_index_0] contains '"mutated":true'`, str, []string{"/annotations/{key}"},
			func(dst []Item, root audit.Value, a Arg) []Item {
				return addString(dst, root.Path("annotations", a.Key))
			})),
		kw(classWhat, "kw.dryrun", "Whether the request changes nothing (dryRun=All in the URI, or in the options of a delete).",
			"kw.dryrun = false", flag, []string{"/requestURI", "/requestObject/dryRun/*"}, dryRun),
		list(kw(classWhat, "kw.owner.kinds", "Kinds of the owners that the written object names: ReplicaSet, Job, a custom resource.",
			"ka.target.resource = pods and not kw.owner.kinds exists", str, writtenPaths("metadata", "ownerReferences", "*", "kind"),
			func(dst []Item, root audit.Value, _ Arg) []Item {
				return addMembers(dst, written(root).Path("metadata", "ownerReferences"), "kind")
			})),
		{Name: "kw.duplicate_keys", Class: classWhat, Doc: "Whether an object somewhere in the event has the same key twice: no ordinary client sends that; parsers that disagree on which one counts can be fooled by it.",
			Example: "kw.duplicate_keys = true", Type: flag, Paths: []string{"any"},
			extract: func(dst []Item, c *Context, _ Arg) []Item { return appendBoolean(dst, c.Event.DuplicateKeys) }},
	}
}

// namePaths are where the name of the object can stand, the best first.
var namePaths = [][]string{{"objectRef", "name"}, {"responseObject", "metadata", "name"}, {"requestObject", "metadata", "name"}}

func objectName(dst []Item, root audit.Value, _ Arg) []Item {
	for _, path := range namePaths {
		v := root.Path(path...)
		if v.Kind() != audit.String {
			continue
		}
		if name := v.Text(); name != "" {
			return appendText(dst, name)
		}
	}
	return dst
}

func objectGroup(dst []Item, root audit.Value, _ Arg) []Item {
	ref := root.Get("objectRef")
	if ref.Kind() != audit.Object {
		return dst
	}
	return appendText(dst, stringAt(ref, "apiGroup"))
}

func objectUID(dst []Item, root audit.Value, _ Arg) []Item {
	uid := root.Path("objectRef", "uid")
	if uid.Kind() != audit.String {
		uid = root.Path("responseObject", "metadata", "uid")
	}
	return addString(dst, uid)
}

// latency counts in units of so many nanoseconds.
func latency(name, doc, example string, typ condition.Type, unit uint64) *Field {
	return &Field{Name: name, Class: classWhat, Doc: doc + " Absent when the event does not tell.", Example: example, Type: typ,
		Paths: []string{"/requestReceivedTimestamp", "/stageTimestamp"},
		extract: func(dst []Item, c *Context, _ Arg) []Item {
			stamp := stringAt(c.Event.Root(), "requestReceivedTimestamp")
			if stamp == "" {
				return dst
			}
			received, err := time.Parse(time.RFC3339Nano, stamp)
			took := c.Event.Time.Sub(received)
			if err != nil || took < 0 {
				return dst
			}
			return appendNumber(dst, uint64(took)/unit)
		}}
}

func dryRun(dst []Item, root audit.Value, _ Arg) []Item {
	uri := root.Get("requestURI")
	if uri.Kind() != audit.String {
		return dst
	}
	return appendBoolean(dst, dryRunURI(uri.Text()) || dryRunOptions(root.Get("requestObject")))
}

func dryRunURI(uri string) bool {
	q := queryOf(uri)
	for {
		p, rest, ok := q.find("dryRun")
		if !ok || decodesTo(p.value, "All") {
			return ok
		}
		q = rest
	}
}

// dryRunOptions: a delete has its options in the body.
func dryRunOptions(body audit.Value) bool {
	if stringAt(body, "kind") != "DeleteOptions" {
		return false
	}
	for v := range body.Get("dryRun").Elems() {
		if v.Text() == "All" {
			return true
		}
	}
	return false
}
