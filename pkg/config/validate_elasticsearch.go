package config

import (
	"net/netip"
	"regexp"
	"strings"
)

// namespaceForm is what a namespace of data streams may be: Elasticsearch allows more,
// but Elastic's own rules take what stands between the dashes for something else.
var namespaceForm = regexp.MustCompile(`^[a-z0-9][a-z0-9_.]{0,99}$`)

func (j *judge) elasticsearch(o ElasticsearchOutput) {
	const at = "outputs.elasticsearch"
	for i, n := range o.Nodes {
		if !goodURL(n, "http", "https") || strings.Contains(n, "@") {
			j.refuse(item(at+".nodes", i), "%q is no URL of a node; write https://host:9200, and user and password, or an API key, into settings of their own", MaskURL(n))
		} else if strings.HasPrefix(n, "http://") && o.CAFile+o.CertFile+o.KeyFile != "" {
			j.refuse(item(at+".nodes", i), "is plain HTTP, which uses no certificates; write https://, or take ca_file, cert_file and key_file away")
		}
	}
	if len(o.Nodes) > 0 && o.CloudID != "" {
		j.refuse(at+".cloud_id", "is set, and nodes are; give one of them")
	}
	switch {
	case o.APIKeyFile != "" && o.Username+o.PasswordFile != "":
		j.refuse(at+".api_key_file", "is set, and username or password_file is; give one of them")
	case o.Username != "" && o.PasswordFile == "":
		j.refuse(at+".password_file", "is empty though username is set; name the file of the password")
	case o.Username == "" && o.PasswordFile != "":
		j.refuse(at+".username", "is empty though password_file is set; name the user")
	}
	j.both(at, o.CertFile, o.KeyFile)
	if !namespaceForm.MatchString(o.Namespace) {
		j.refuse(at+".namespace", "%q: write lower-case letters, digits, _ and ., 100 at most", o.Namespace)
	}
	for i, p := range o.Proxies {
		if _, err := ParseNetwork(p); err != nil {
			j.refuse(item(at+".trusted_proxies", i), "%q is neither an address nor a network; write 10.1.2.3 or 10.0.0.0/8", p)
		}
	}
	if o.Memory < 2*o.BulkBytes {
		j.refuse(at+".memory", "is less than twice bulk_bytes, so that requests wait for each other; write %s or more", 2*o.BulkBytes)
	}
	j.link(at+".kibana_url", o.KibanaURL)
	j.link(at+".page_url", o.PageURL)
}

// link holds that something can be put behind a URL.
func (j *judge) link(key, u string) {
	if u != "" && (!goodURL(u, "http", "https") || strings.ContainsAny(u, "?@")) {
		j.refuse(key, "%q is no URL to link to; write https://host, with a path if there is one", MaskURL(u))
	}
}

// ParseNetwork reads an address or a network.
func ParseNetwork(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	return netip.ParsePrefix(s)
}
