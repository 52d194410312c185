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
	rest, ok := g.behindPrefix(escaped)
	if !ok {
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

// behindPrefix returns what of a path stands behind the prefix, or where there may be
// other segments before it, behind its first occurrence.
func (g *Gate) behindPrefix(escaped string) (rest string, ok bool) {
	prefix := strings.TrimSuffix(g.cfg.Prefix, "/")
	for at := 0; ; {
		if rest, ok = strings.CutPrefix(escaped[at:], prefix); ok && (rest == "" || rest[0] == '/') {
			return rest, true
		}
		n := strings.IndexByte(escaped[at+1:], '/')
		if n < 0 || !g.cfg.Anywhere {
			return "", false
		}
		at += 1 + n
	}
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
