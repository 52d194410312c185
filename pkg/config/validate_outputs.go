package config

import (
	"net/textproto"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

func (j *judge) outputs() {
	if p := j.Outputs.File.Path; p != "" && !filepath.IsAbs(p) {
		j.refuse("outputs.file.path", "%q is not absolute; write the whole path", p)
	}
	j.httpOutput(j.Outputs.HTTP)
	j.elasticsearch(j.Outputs.Elasticsearch)
}

func (j *judge) httpOutput(o HTTPOutput) {
	if o.URL != "" && !goodURL(o.URL, "http", "https") {
		j.refuse("outputs.http.url", "%q is no URL to post to; write http://host:port/path or https://host/path", MaskURL(o.URL))
	}
	j.both("outputs.http", o.CertFile, o.KeyFile)
	if strings.HasPrefix(strings.ToLower(o.URL), "http://") && (o.CAFile != "" || o.CertFile != "" || o.KeyFile != "") {
		j.refuse("outputs.http.url", "is plain HTTP, which uses no certificates; write https://, or take ca_file, cert_file and key_file away")
	}
	j.headers(o.Headers)
}

// headerForm is a token of HTTP.
var headerForm = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$")

// ownHeaders are set by the output itself.
var ownHeaders = []string{"Connection", "Content-Encoding", "Content-Length", "Content-Type", "Host", "Transfer-Encoding", "User-Agent"}

func (j *judge) headers(headers []Header) {
	var seen []string
	for i, h := range headers {
		at := item("outputs.http.headers", i)
		name := textproto.CanonicalMIMEHeaderKey(h.Name)
		switch {
		case !headerForm.MatchString(h.Name):
			// Whoever writes "Authorization: Bearer ..." here has put a secret in.
			j.refuse(at+".name", "is no name of a header; write letters, digits and -, and the value into a file")
		case name == "User-Agent":
			j.refuse(at+".name", "%q has a setting of its own; write outputs.http.user_agent", h.Name)
		case slices.Contains(ownHeaders, name):
			j.refuse(at+".name", "%q is set by the output itself; take it away", h.Name)
		case slices.Contains(seen, name):
			j.refuse(at+".name", "%q is there before; give a header once", h.Name)
		}
		seen = append(seen, name)
		if h.ValueFile == "" {
			j.refuse(at+".value_file", "is empty; name the file that holds the value")
		}
	}
}

// goodURL reports whether a text is a URL with a host and one of the schemes.
func goodURL(s string, schemes ...string) bool {
	u, err := url.Parse(s)
	return err == nil && slices.Contains(schemes, u.Scheme) && u.Hostname() != "" && u.Fragment == "" && !strings.Contains(s, " ")
}
