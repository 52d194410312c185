package field

import (
	"strings"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/condition"
)

const classWho = "Who (kw.*)"

// whoTable has the fields about the sender of a request.
func whoTable() []*Field {
	const str, ip = condition.TypeString, condition.TypeIPNet
	at := func(name, doc, example string, keys ...string) *Field {
		return kw(classWho, name, doc, example, str, []string{pointer(keys...)}, func(dst []Item, root audit.Value, _ Arg) []Item {
			return addString(dst, root.Path(keys...))
		})
	}
	return []*Field{
		at("kw.user.uid", "Unique id of the user, where the authenticator knows one. That of a service account changes when it is made anew under the same name.",
			"kw.user.uid = 9f93a7f1-9b57-4074-a08b-f4cc5924dea4", "user", "uid"),
		extra("kw.user.extra", "Further facts about the user, by key: the pod and node behind a service account token, the id of the credential.",
			"kw.user.extra[authentication.kubernetes.io/node-name] intersects (node-1)", "user"),
		kw(classWho, "kw.user.kind", "Kind of the user, by the name: anonymous, serviceaccount, node, system (other names that begin with system:) or person. Absent where the user has no name, as when authentication failed.",
			"kw.user.kind = person and ka.verb = delete", str, []string{"/user/username"}, userKind),
		at("kw.impersonated.user", "Name of the user that the sender acts as. Absent when the impersonation was refused.",
			`kw.impersonated.user startswith "system:"`, "impersonatedUser", "username"),
		list(kw(classWho, "kw.impersonated.groups", "Groups that the sender acts in.",
			`kw.impersonated.groups intersects ("system:masters")`, str, []string{"/impersonatedUser/groups/*"}, func(dst []Item, root audit.Value, _ Arg) []Item {
				return addStrings(dst, root.Path("impersonatedUser", "groups"))
			})),
		at("kw.impersonated.uid", "Unique id that the sender acts under.", "kw.impersonated.uid exists", "impersonatedUser", "uid"),
		extra("kw.impersonated.extra", "Further facts about the user that the sender acts as, by key.",
			"kw.impersonated.extra[scopes] intersects (admin)", "impersonatedUser"),
		kw(classWho, "kw.source.ip", "Address of the peer that the API server saw: the last of sourceIPs, the only one that the client can not make up. Behind a load balancer it is the balancer's. Compares with addresses and CIDR ranges.",
			"kw.user.kind = node and not kw.source.ip in (10.0.0.0/8, fd00::/8)", ip, []string{"/sourceIPs/*"}, lastAddress),
		list(kw(classWho, "kw.source.ips", "All of sourceIPs: claimed addresses and, last, that of the peer.",
			"kw.source.ips intersects (203.0.113.0/24)", ip, []string{"/sourceIPs/*"}, func(dst []Item, root audit.Value, _ Arg) []Item {
				return addAddresses(dst, root, 0)
			})),
		list(kw(classWho, "kw.source.claimed", "All of sourceIPs but the last: what X-Forwarded-For and X-Real-Ip say. A client can put anything there.",
			"kw.source.claimed exists", ip, []string{"/sourceIPs/*"}, func(dst []Item, root audit.Value, _ Arg) []Item {
				return addAddresses(dst, root, 1)
			})),
		kw(classWho, "kw.client", "Program that the client claims to be: its user agent up to the first slash or blank.",
			"kw.client in (curl, python-requests)", str, []string{"/userAgent"}, client),
	}
}

// extra is the list under one key of a user's extra.
func extra(name, doc, example, user string) *Field {
	return keyed(list(kw(classWho, name, doc, example, condition.TypeString, []string{pointer(user, "extra") + "/{key}/*"},
		func(dst []Item, root audit.Value, a Arg) []Item {
			return addStrings(dst, root.Path(user, "extra", a.Key))
		})))
}

func userKind(dst []Item, root audit.Value, _ Arg) []Item {
	name := stringAt(root.Get("user"), "username")
	switch {
	case name == "":
		return dst
	case name == "system:anonymous":
		return appendText(dst, "anonymous")
	case strings.HasPrefix(name, "system:serviceaccount:"):
		return appendText(dst, "serviceaccount")
	case strings.HasPrefix(name, "system:node:"):
		return appendText(dst, "node")
	case strings.HasPrefix(name, "system:"):
		return appendText(dst, "system")
	}
	return appendText(dst, "person")
}

func lastAddress(dst []Item, root audit.Value, _ Arg) []Item {
	var last audit.Value
	for v := range root.Get("sourceIPs").Elems() {
		last = v
	}
	return addAddress(dst, last)
}

// addAddresses adds sourceIPs without so many at the end.
func addAddresses(dst []Item, root audit.Value, without int) []Item {
	ips := root.Get("sourceIPs")
	left := ips.Len() - without
	for v := range ips.Elems() {
		if left--; left < 0 {
			break
		}
		dst = addAddress(dst, v)
	}
	return dst
}

func client(dst []Item, root audit.Value, _ Arg) []Item {
	agent := strings.TrimSpace(stringAt(root, "userAgent"))
	if i := strings.IndexAny(agent, "/ "); i >= 0 {
		agent = agent[:i]
	}
	if agent == "" {
		return dst
	}
	return appendText(dst, agent)
}
