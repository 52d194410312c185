package config

import (
	"net/url"
	"strings"
)

// Masked stands where a secret was.
const Masked = "***"

// MaskURL returns a URL, or several with commas, without user info and without the
// values of the query, to be printed and logged. Of what is no clean URL only the
// scheme stays.
func MaskURL(s string) string {
	if s == "" {
		return ""
	}
	if m, ok := maskOne(s); ok {
		return m
	}
	urls := strings.Split(s, ",")
	for i, u := range urls {
		m, ok := maskOne(u)
		if !ok {
			return maskAll(s)
		}
		urls[i] = m
	}
	return strings.Join(urls, ",")
}

// maskOne is false for what is not one URL, or may have a password that is not where
// it is looked for: with a slash, "nats://me:1/2@host" has a host named me.
func maskOne(s string) (string, bool) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme == "" || u.Host == "" || strings.Contains(u.Host, ",") || strings.ContainsAny(u.Path+u.Fragment, "@") {
		return "", false
	}
	if u.RawQuery != "" {
		params := strings.Split(u.RawQuery, "&")
		for i, p := range params {
			name, _, hasValue := strings.Cut(p, "=")
			if params[i] = Masked; hasValue {
				params[i] = name + "=" + Masked
			}
		}
		u.RawQuery = strings.Join(params, "&")
	}
	if u.Fragment != "" {
		u.Fragment, u.RawFragment = Masked, ""
	}
	user := u.User
	u.User = nil
	m := u.String()
	if user != nil {
		m = strings.Replace(m, "://", "://"+Masked+"@", 1)
	}
	return m, true
}

func maskAll(s string) string {
	if scheme, _, ok := strings.Cut(s, "://"); ok && len(scheme) <= len("https") && !strings.ContainsAny(scheme, ":@,/") {
		return scheme + "://" + Masked
	}
	return Masked
}
