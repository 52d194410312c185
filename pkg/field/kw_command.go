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
			"kw.uri.params[command] intersects (nsenter, chroot)", str, uri, func(root audit.Value, a Arg) []Item {
				return uriValues(root, a.Key)
			}))),
		list(kw(classCommand, "kw.command", "Words of the command that an exec into a pod runs, one element each.",
			"kw.command intersects (nsenter, chroot, /bin/sh)", str, uri, func(root audit.Value, _ Arg) []Item {
				return command(root)
			})),
		kw(classCommand, "kw.command.line", "Command that an exec into a pod runs, its words joined by blanks.",
			`kw.command.line contains "/etc/shadow"`, str, uri, commandLine),
		kw(classCommand, "kw.exec.container", "Container that an exec or attach names. Absent when the request leaves the choice to the server.",
			"kw.exec.container = istio-proxy", str, uri, execContainer),
	}
}

func uriPath(root audit.Value, _ Arg) []Item {
	uri := root.Get("requestURI")
	if uri.Kind() != audit.String {
		return nil
	}
	path, _, _ := strings.Cut(uri.Text(), "?")
	if decoded, err := url.PathUnescape(path); err == nil {
		path = decoded
	}
	return text(path)
}

func uriValues(root audit.Value, key string) []Item {
	var items []Item
	for _, p := range uriParams(stringAt(root, "requestURI")) {
		if p.key == key {
			items = append(items, Item{Text: p.value})
		}
	}
	return items
}

func command(root audit.Value) []Item {
	if resourceOf(root) != "pods/exec" {
		return nil
	}
	return uriValues(root, "command")
}

func commandLine(root audit.Value, _ Arg) []Item {
	items := command(root)
	if items == nil {
		return nil
	}
	words := make([]string, len(items))
	for i, it := range items {
		words[i] = it.Text
	}
	return text(strings.Join(words, " "))
}

func execContainer(root audit.Value, _ Arg) []Item {
	if r := resourceOf(root); r != "pods/exec" && r != "pods/attach" {
		return nil
	}
	if values := uriValues(root, "container"); values != nil && values[0].Text != "" {
		return values[:1]
	}
	return nil
}
