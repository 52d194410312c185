package audit

import (
	"net/url"
	"strings"
)

// requestURI is a request URI taken apart as the API server does it.
type requestURI struct {
	path  string     // as written
	query url.Values // decoded; parts that cannot be decoded are dropped, the rest counts
}

func parseURI(uri string) requestURI {
	path, raw, _ := strings.Cut(uri, "?")
	return requestURI{path: path, query: parseQuery(raw)}
}

// parseQuery is url.ParseQuery without its limit on the number of parameters: API servers built before that limit came act
// on what stands after ten thousand others.
func parseQuery(raw string) url.Values {
	query := url.Values{}
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" || strings.Contains(part, ";") {
			continue
		}
		key, value, _ := strings.Cut(part, "=")
		key, err := url.QueryUnescape(key)
		if err != nil {
			continue
		}
		if value, err = url.QueryUnescape(value); err == nil {
			query[key] = append(query[key], value)
		}
	}
	return query
}

// flag reads a boolean parameter by the API server's rule: absent, "0" and "false" are false, all else (also nothing) is true.
func (u requestURI) flag(key string) bool {
	values := u.query[key]
	return len(values) > 0 && values[0] != "0" && !strings.EqualFold(values[0], "false")
}

// dryRun tells whether the parameters ask for a dry run. "All" is the only value that the API server accepts.
func (u requestURI) dryRun() bool {
	for _, v := range u.query["dryRun"] {
		if v == "All" {
			return true
		}
	}
	return false
}

// Proxy is where the API server passes a request on to, and what for.
type Proxy struct {
	Scheme string `json:"scheme,omitempty"` // "http" or "https", when the client chose one
	Port   string `json:"port,omitempty"`   // number or name, when the client chose one; a node's default is the kubelet's
	Path   string `json:"path,omitempty"`   // on the target, decoded, from "/"
}

// addConnect fills in what only the URI tells about streams, logs and proxied requests.
func addConnect(w *What, uri requestURI) {
	switch w.Action {
	case ActionExec:
		w.Command = uri.query["command"]
		w.Stdin, w.TTY = uri.flag("stdin"), uri.flag("tty")
	case ActionAttach:
		w.Stdin, w.TTY = uri.flag("stdin"), uri.flag("tty")
	case ActionPortForward:
		w.Ports = uri.query["ports"]
	case ActionReadLog:
		w.Follow, w.Previous = uri.flag("follow"), uri.flag("previous")
	case ActionProxy:
		w.Proxy = proxyOf(w, uri)
		w.Command = kubeletCommand(w, uri)
	}
}

// proxyOf takes names like "https:worker-1:10250" apart and leaves the middle in w.Name.
func proxyOf(w *What, uri requestURI) *Proxy {
	p := &Proxy{Path: proxyPath(uri.path, w.Resource, w.Name)}
	parts := strings.Split(w.Name, ":")
	switch {
	case len(parts) == 2:
		w.Name, p.Port = parts[0], parts[1]
	case len(parts) == 3 && (parts[0] == "" || parts[0] == "http" || parts[0] == "https"):
		p.Scheme, w.Name, p.Port = parts[0], parts[1], parts[2]
	}
	return p
}

// proxyPath is the part of the path after .../<resource>/<name>/proxy; "" when there is no such thing in it.
func proxyPath(path, resource, name string) string {
	if decoded, err := url.PathUnescape(path); err == nil {
		path = decoded
	}
	_, rest, ok := strings.Cut(path, "/"+resource+"/"+name+"/proxy")
	switch {
	case !ok:
		return ""
	case rest == "":
		return "/"
	case rest[0] != '/':
		return ""
	}
	return rest
}

// kubeletCommand is the command of an exec or run that goes to the kubelet past pods/exec, by proxy.
func kubeletCommand(w *What, uri requestURI) []string {
	if w.Resource != "nodes" {
		return nil
	}
	switch {
	case strings.HasPrefix(w.Proxy.Path, "/exec/"):
		return uri.query["command"]
	case strings.HasPrefix(w.Proxy.Path, "/run/"):
		return uri.query["cmd"]
	}
	return nil
}
