package field_test

import "testing"

// on is a request to a resource and subresource with that URI.
func on(resource, subresource, uri string) string {
	return `{"objectRef":{"resource":"` + resource + `","subresource":"` + subresource + `"},"requestURI":"` + uri + `"}`
}

const shell = "/api/v1/namespaces/shop/pods/web-1/exec?command=sh&command=-c&command=cat+%2Fetc%2Fshadow&container=app&stdin=true"

var commandCases = []extractCase{
	{"kw.uri.path", uri("/api/v1/namespaces/a%2Fb?limit=1"), texts("/api/v1/namespaces/a/b")},
	{"kw.uri.path", uri("/a%zz?b"), texts("/a%zz")},
	{"kw.uri.params[command]", uri(shell), texts("sh", "-c", "cat /etc/shadow")},
	{"kw.uri.params[command]", uri("/x?a=%zz&command=id&b;c"), texts("id")},
	{"kw.uri.params[none]", uri(shell), nil},
	{"kw.command", on("pods", "exec", shell), texts("sh", "-c", "cat /etc/shadow")},
	{"kw.command", on("pods", "attach", shell), nil},
	{"kw.command", on("pods", "exec", "/exec"), nil},
	{"kw.command.line", on("pods", "exec", shell), texts("sh -c cat /etc/shadow")},
	{"kw.exec.container", on("pods", "exec", shell), texts("app")},
	{"kw.exec.container", on("pods", "attach", shell), texts("app")},
	{"kw.exec.container", on("pods", "log", shell), nil},
	{"kw.exec.container", on("pods", "exec", "/exec?container="), nil},
}

func TestCommandFields(t *testing.T) { checkBoth(t, commandCases) }
