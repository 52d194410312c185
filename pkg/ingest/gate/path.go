package gate

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// path is what the path of a request says.
type path struct{ cluster, secret string }

// parsePath reads a path; known is false when it is none of ours.
func (g *Gate) parsePath(u *url.URL) (p path, known bool) {
	escaped := u.EscapedPath()
	if escaped == "/" || escaped == "" {
		return path{}, true
	}
	rest, ok := strings.CutPrefix(escaped, strings.TrimSuffix(g.cfg.Prefix, "/"))
	if !ok || rest != "" && rest[0] != '/' {
		return path{}, false
	}
	rest = strings.TrimSuffix(strings.TrimPrefix(rest, "/"), "/")
	if rest == "" {
		return path{}, true
	}
	segments := strings.Split(rest, "/")
	if len(segments) > 2 {
		return path{}, false
	}
	for i, s := range segments {
		text, err := url.PathUnescape(s) // a slash in a name is written %2F
		if err != nil || text == "" {
			return path{}, false
		}
		segments[i] = text
	}
	p.cluster = segments[0]
	if len(segments) == 2 {
		p.secret = segments[1]
	}
	return p, true
}

// Local refuses what a web page in a browser on this host could send when no
// credential is asked for: a page may send to any name, and have its own name mean
// this host. The error is a Refusal.
func Local(r *http.Request) error {
	if _, has := r.Header["Origin"]; has {
		return Refusal{Status: http.StatusForbidden, Text: "not for browsers"}
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if addr, err := netip.ParseAddr(host); err == nil && addr.Unmap().IsLoopback() {
		return nil
	}
	if name := strings.ToLower(strings.TrimSuffix(host, ".")); name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return nil
	}
	return Refusal{Status: http.StatusForbidden, Text: "this host is asked for as localhost only"}
}
