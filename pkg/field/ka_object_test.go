package field_test

import "testing"

// sent is an event whose request carries that body.
func sent(body string) string { return `{"auditID":"a","requestObject":` + body + `}` }

const subjectsBody = `{"roleRef":{"kind":"ClusterRole","name":"admin"},"subjects":[
	{"kind":"User","name":"alice"},
	{"kind":"ServiceAccount","name":"default","namespace":"shop"},
	{"kind":"ServiceAccount","name":"homeless"},
	{"kind":"Group","name":"dev"},
	{"kind":"User"},
	{"name":"kindless"},
	"odd"]}`

const rulesBody = `{"rules":[
	{"apiGroups":["","apps"],"resources":["pods"],"verbs":["get","list"]},
	{"nonResourceURLs":["/metrics"],"verbs":["get"]},
	{"verbs":"none"},
	{"verbs":[null,7]}]}`

var bindingCases = []extractCase{
	{"ka.req.binding.subjects", sent(`{"subjects":[{"kind": "User"}, "x"]}`), texts(`{"kind":"User"}`, "x")},
	{"ka.req.binding.subjects", sent(`{"subjects":{}}`), nil},
	{"ka.req.binding.subjects.user_names", sent(subjectsBody), texts("alice")},
	{"ka.req.binding.subjects.user_names", sent(`{"subjects":[]}`), nil},
	{"ka.req.binding.subjects.user_names", sent(`{"subjects":"alice"}`), nil},
	{"ka.req.binding.subjects.user_names", sent(`[{"op":"add"}]`), nil},
	{"ka.req.binding.subjects.serviceaccount_names", sent(subjectsBody), texts("default", "homeless")},
	{"ka.req.binding.subjects.serviceaccount_ns_names", sent(subjectsBody), texts("shop:default")},
	{"ka.req.binding.subjects.group_names", sent(subjectsBody), texts("dev")},
	{"ka.req.binding.role", sent(subjectsBody), texts("admin")},
	{"ka.req.binding.subject.has_name[x]", `{"auditID":"a"}`, texts("true")},

	{"ka.req.role.rules", sent(`{"rules":[{"verbs": ["get"]}]}`), texts(`{"verbs":["get"]}`)},
	{"ka.req.role.rules.apiGroups", sent(rulesBody), texts("", "apps")},
	{"ka.req.role.rules.apiGroups[0]", sent(rulesBody), texts("", "apps")},
	{"ka.req.role.rules.apiGroups[1]", sent(rulesBody), nil},
	{"ka.req.role.rules.nonResourceURLs", sent(rulesBody), texts("/metrics")},
	{"ka.req.role.rules.verbs", sent(rulesBody), texts("get", "list", "get", "null", "7")},
	{"ka.req.role.rules.verbs[1]", sent(rulesBody), texts("get")},
	{"ka.req.role.rules.verbs[2]", sent(rulesBody), nil},
	{"ka.req.role.rules.verbs[4]", sent(rulesBody), nil},
	{"ka.req.role.rules.resources", sent(rulesBody), texts("pods")},
}

func TestBindingFields(t *testing.T) { checkBoth(t, bindingCases) }

var objectCases = []extractCase{
	{"ka.req.configmap.name", `{"auditID":"a","objectRef":{"resource":"pods","name":"p1"}}`, texts("p1")},
	{"ka.req.configmap.obj", sent(`{"data":{"key": "AKIA\n"}}`), texts(`{"key":"AKIA\n"}`)},
	{"ka.req.service.type", sent(`{"spec":{"type":"NodePort"}}`), texts("NodePort")},
}

func TestObjectFields(t *testing.T) { checkBoth(t, objectCases) }
