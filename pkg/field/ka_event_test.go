package field_test

import "testing"

// annotated is an event with one annotation.
func annotated(key, value string) string {
	return `{"auditID":"a","annotations":{"` + key + `":` + value + `}}`
}

var eventCases = []extractCase{
	{"ka.auditid", `{"auditID":"a-1"}`, texts("a-1")},
	{"ka.auditid", `{"auditID":null}`, texts("null")},
	{"ka.stage", `{"auditID":"a","stage":"Panic"}`, texts("Panic")},
	{"ka.auth.decision", annotated("authorization.k8s.io/decision", `"allow"`), texts("allow")},
	{"ka.auth.reason", annotated("authorization.k8s.io/reason", `""`), texts("")},
	{"ka.auth.openshift.decision", annotated("authentication.openshift.io/decision", `"error"`), texts("error")},
	{"ka.auth.openshift.username", annotated("authentication.openshift.io/username", `"eve"`), texts("eve")},
	{"ka.validations.admission.policy.failure", annotated("validation.policy.admission.k8s.io/validation_failure", `"[{}]"`), texts("[{}]")},
	{"ka.security.pod.violations", annotated("pod-security.kubernetes.io/audit-violations", `"privileged"`), texts("privileged")},
	{"ka.cluster.name", annotated("cluster_name", `"prod"`), texts("prod")},

	{"ka.user.name", `{"auditID":"a","user":{"username":"alice"}}`, texts("alice")},
	{"ka.user.name", `{"auditID":"a","user":{"username":""}}`, texts("")},
	{"ka.user.name", `{"auditID":"a","user":{"username":null}}`, texts("null")},
	{"ka.user.name", `{"auditID":"a","user":{"username":12.50}}`, texts("12.50")},
	{"ka.user.name", `{"auditID":"a","user":{"username":true}}`, texts("true")},
	{"ka.user.name", `{"auditID":"a","user":{"username":{ "b": [ 1, "x y" ], "a": "\u003c" }}}`, texts(`{"b":[1,"x y"],"a":"\u003c"}`)},
	{"ka.user.name", `{"auditID":"a","user":{"username":"\u003c\u00e9\n"}}`, texts("<é\n")},
	{"ka.user.name", `{"auditID":"a","user":"alice"}`, nil},
	{"ka.user.name", `{"auditID":"a","user":[{"username":"alice"}]}`, nil},
	{"ka.user.groups", `{"auditID":"a","user":{"groups":["dev","a b",null,1]}}`, texts("dev", "a b", "null", "1")},
	{"ka.user.groups", `{"auditID":"a","user":{"groups":[""]}}`, texts("")},
	{"ka.user.groups", `{"auditID":"a","user":{"groups":[]}}`, nil},
	{"ka.user.groups", `{"auditID":"a","user":{"groups":"dev"}}`, nil},
	{"ka.user.groups", `{"auditID":"a","user":{"groups":null}}`, nil},
	{"ka.impuser.name", `{"auditID":"a","impersonatedUser":{"username":"bob"}}`, texts("bob")},
	{"ka.verb", `{"auditID":"a","verb":"deletecollection"}`, texts("deletecollection")},
	{"ka.uri", `{"auditID":"a","requestURI":"/api/v1/pods?limit=500"}`, texts("/api/v1/pods?limit=500")},
	{"ka.target.name", `{"auditID":"a","objectRef":{"name":"web"}}`, texts("web")},
	{"ka.target.namespace", `{"auditID":"a","objectRef":{"namespace":"shop"}}`, texts("shop")},
	{"ka.target.resource", `{"auditID":"a","objectRef":{"resource":"pods"}}`, texts("pods")},
	{"ka.target.subresource", `{"auditID":"a","objectRef":{"subresource":"exec"}}`, texts("exec")},
	{"ka.resp.name", `{"auditID":"a","responseObject":{"metadata":{"name":"web-1"}}}`, texts("web-1")},
	{"ka.response.code", `{"auditID":"a","responseStatus":{"code":403}}`, texts("403")},
	{"ka.response.reason", `{"auditID":"a","responseStatus":{"reason":"Forbidden"}}`, texts("Forbidden")},
	{"ka.useragent", `{"auditID":"a","userAgent":"curl/8"}`, texts("curl/8")},

	{"ka.target.pod.name", `{"auditID":"a","objectRef":{"resource":"pods"},"responseObject":{"metadata":{"name":"web-1"}}}`, texts("web-1")},
	{"ka.target.pod.name", `{"auditID":"a","objectRef":{"resource":"pods","subresource":""},"responseObject":{"metadata":{"name":"web-1"}}}`, texts("web-1")},
	{"ka.target.pod.name", `{"auditID":"a","objectRef":{"resource":"pods","subresource":"exec"},"responseObject":{"metadata":{"name":"web-1"}}}`, nil},
	{"ka.target.pod.name", `{"auditID":"a","objectRef":{"resource":"secrets"},"responseObject":{"metadata":{"name":"s"}}}`, nil},
	{"ka.target.pod.name", `{"auditID":"a","objectRef":{"resource":"pods","name":"web-1"}}`, nil},

	{"ka.uri.param[limit]", `{"auditID":"a","requestURI":"/api?limit=500"}`, texts("500")},
	{"ka.uri.param[Limit]", `{"auditID":"a","requestURI":"/api?limit=500"}`, nil},
	{"ka.uri.param[command]", `{"auditID":"a","requestURI":"/exec?command=sh&command=-c&command=id"}`, texts("sh")},
	{"ka.uri.param[q]", `{"auditID":"a","requestURI":"/api?q=a+b%20c%2B%C3%A9"}`, texts("a b c+é")},
	{"ka.uri.param[a b]", `{"auditID":"a","requestURI":"/api?a+b=1"}`, texts("1")},
	{"ka.uri.param[stdin]", `{"auditID":"a","requestURI":"/exec?stdin&tty="}`, texts("")},
	{"ka.uri.param[tty]", `{"auditID":"a","requestURI":"/exec?stdin&tty="}`, texts("")},
	{"ka.uri.param[x]", `{"auditID":"a","requestURI":"/exec?&&x=1=2&"}`, texts("1=2")},
	{"ka.uri.param[x]", `{"auditID":"a","requestURI":null}`, nil},
}

func TestEventFields(t *testing.T) { checkBoth(t, eventCases) }
