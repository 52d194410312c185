package field

import (
	"net/url"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/condition"
)

const classCommand = "URI and commands (kw.*)"

// commandTable has what is in the URI of a request.
func commandTable() []*Field {
	const str = condition.TypeString
	uri := []string{"/requestURI"}
	return []*Field{
		kw(classCommand, "kw.uri.path", "Path of the request, decoded, without the query.", "kw.uri.path startswith /api/v1/nodes/", str, uri, uriPath),
		keyed(list(kw(classCommand, "kw.uri.params", "All values of the query parameter named by the key, decoded. What can not be decoded is passed over, as the API server does.",
			"kw.uri.params[command] intersects (nsenter, chroot)", str, uri, func(dst []Item, root audit.Value, a Arg) []Item {
				return addParams(dst, root, a.Key)
			}))),
		list(kw(classCommand, "kw.command", "Words of the command that an exec into a pod runs, one element each.",
			"kw.command intersects (nsenter, chroot, /bin/sh)", str, uri, command)),
		kw(classCommand, "kw.command.line", "Command that an exec into a pod runs, its words joined by blanks.",
			`kw.command.line contains "/etc/shadow"`, str, uri, commandLine),
		kw(classCommand, "kw.exec.container", "Container that an exec or attach names. Absent when the request leaves the choice to the server.",
			"kw.exec.container = istio-proxy", str, uri, execContainer),
	}
}

func uriPath(dst []Item, root audit.Value, _ Arg) []Item {
	uri := root.Get("requestURI")
	if uri.Kind() != audit.String {
		return dst
	}
	path, _, _ := strings.Cut(uri.Text(), "?")
	if strings.IndexByte(path, '%') >= 0 {
		if decoded, err := url.PathUnescape(path); err == nil {
			path = decoded
		}
	}
	return appendText(dst, path)
}

// addParams adds the values of all query parameters of that name.
func addParams(dst []Item, root audit.Value, key string) []Item {
	q := queryOf(stringAt(root, "requestURI"))
	for {
		p, rest, ok := q.find(key)
		if !ok {
			return dst
		}
		dst = appendText(dst, p.decoded())
		q = rest
	}
}

func command(dst []Item, root audit.Value, _ Arg) []Item {
	if !resourceOf(root).is("pods/exec") {
		return dst
	}
	return addParams(dst, root, "command")
}

func commandLine(dst []Item, root audit.Value, a Arg) []Item {
	had := len(dst)
	dst = command(dst, root, a)
	if len(dst) <= had+1 {
		return dst
	}
	line := joinTexts(dst[had:])
	return appendText(dst[:had], line)
}

// joinTexts joins the texts of items by blanks.
func joinTexts(items []Item) string {
	size := 0
	for i := range items {
		size += len(items[i].Text) + 1
	}
	var b strings.Builder
	b.Grow(size)
	for i := range items {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(items[i].Text)
	}
	return b.String()
}

func execContainer(dst []Item, root audit.Value, _ Arg) []Item {
	if r := resourceOf(root); !r.is("pods/exec") && !r.is("pods/attach") {
		return dst
	}
	p, _, _ := queryOf(stringAt(root, "requestURI")).find("container")
	if p.value == "" {
		return dst
	}
	return appendText(dst, p.decoded())
}
