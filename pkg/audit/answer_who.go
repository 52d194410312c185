package audit

import (
	"slices"
	"strings"
)

// UserKind sorts users by what stands behind the name.
type UserKind string

// The kinds of users. The name decides; for nodes the group system:nodes too, as in the API server's own node authorizer.
const (
	UserPerson         UserKind = "person"         // none of the others: a human, or a robot with a name of its own
	UserServiceAccount UserKind = "serviceaccount" // system:serviceaccount:<namespace>:<name>
	UserNode           UserKind = "node"           // system:node:<name> in group system:nodes
	UserSystem         UserKind = "system"         // any other system:... name: control plane components
	UserAnonymous      UserKind = "anonymous"      // system:anonymous, or group system:unauthenticated
	UserUnknown        UserKind = "unknown"        // no name: authentication failed, or the event lacks it
)

// User is one user as the API server knew it.
type User struct {
	Name           string          `json:"name,omitempty"`
	Kind           UserKind        `json:"kind"`
	UID            string          `json:"uid,omitempty"`
	Groups         []string        `json:"groups,omitempty"`
	ServiceAccount *ServiceAccount `json:"service_account,omitempty"` // of kind serviceaccount
}

// ServiceAccount is the two parts of a service account's user name.
type ServiceAccount struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// Who is the user that made the request, with the credential and address used.
type Who struct {
	User // the authenticated user: under impersonation the real one
	// Impersonated is the user that the real one acted as. nil also when the impersonation itself was refused.
	Impersonated *User `json:"impersonated,omitempty"`
	// Pod ("namespace/name") and Node that a bound service account token was issued to. Node is also the name of a node user.
	Pod  string `json:"pod,omitempty"`
	Node string `json:"node,omitempty"`
	// CredentialID is "X509SHA256=..." for client certificates, "JTI=..." for service account tokens.
	CredentialID string `json:"credential_id,omitempty"`
	// SourceIP is the last of sourceIPs: the peer that the API server itself saw. ClaimedIPs are those before it, taken from
	// headers that any client can write.
	SourceIP   string   `json:"source_ip,omitempty"`
	ClaimedIPs []string `json:"claimed_ips,omitempty"`
	UserAgent  string   `json:"user_agent,omitempty"` // as sent: a claim
	Client     string   `json:"client,omitempty"`     // short form of it: "kubectl v1.35"; "" when it has no usual form
}

const extraPrefix = "authentication.kubernetes.io/"

func whoOf(root Value) Who {
	user := root.Get("user")
	w := Who{User: userOf(user), UserAgent: str(root.Get("userAgent"))}
	w.Client = clientOf(w.UserAgent)

	extra := user.Get("extra")
	w.CredentialID = str(extra.Get(extraPrefix + "credential-id").Index(0))
	w.Node = str(extra.Get(extraPrefix + "node-name").Index(0))
	if w.Kind == UserNode {
		w.Node = strings.TrimPrefix(w.Name, nodePrefix)
	}
	if pod := str(extra.Get(extraPrefix + "pod-name").Index(0)); pod != "" {
		w.Pod = pod
		if w.ServiceAccount != nil { // a token is bound only to pods of the account's own namespace
			w.Pod = w.ServiceAccount.Namespace + "/" + pod
		}
	}
	if as := root.Get("impersonatedUser"); as.Kind() == Object {
		u := userOf(as)
		w.Impersonated = &u
	}
	if ips := strs(root.Get("sourceIPs")); len(ips) > 0 {
		w.SourceIP, w.ClaimedIPs = ips[len(ips)-1], ips[:len(ips)-1]
	}
	return w
}

func userOf(v Value) User {
	u := User{Name: str(v.Get("username")), UID: str(v.Get("uid")), Groups: strs(v.Get("groups"))}
	u.Kind = userKind(u.Name, u.Groups)
	if u.Kind == UserServiceAccount {
		ns, name, _ := strings.Cut(strings.TrimPrefix(u.Name, accountPrefix), ":")
		u.ServiceAccount = &ServiceAccount{Namespace: ns, Name: name}
	}
	return u
}

const (
	accountPrefix = "system:serviceaccount:"
	nodePrefix    = "system:node:"
)

func userKind(name string, groups []string) UserKind {
	switch {
	case name == "":
		return UserUnknown
	case name == "system:anonymous", slices.Contains(groups, "system:unauthenticated"):
		return UserAnonymous
	case isAccount(name):
		return UserServiceAccount
	case strings.HasPrefix(name, nodePrefix) && (len(groups) == 0 || slices.Contains(groups, "system:nodes")):
		return UserNode // sources that do not tell groups at all are believed
	case strings.HasPrefix(name, "system:"):
		return UserSystem
	default:
		return UserPerson
	}
}

func isAccount(name string) bool {
	rest, ok := strings.CutPrefix(name, accountPrefix)
	if !ok {
		return false
	}
	ns, account, ok := strings.Cut(rest, ":")
	return ok && ns != "" && account != "" && !strings.Contains(account, ":")
}

// clientOf shortens a user agent to name, version (major and minor) and role:
// "kubectl/v1.35.4 (linux/amd64) kubernetes/6d1e1c6" is "kubectl v1.35", and
// "kube-controller-manager/v1.35.4 (linux/amd64) kubernetes/6d1e1c6/leader-election" is "kube-controller-manager v1.35 leader-election".
func clientOf(agent string) string {
	const most = 512 // longer ones are no client's own
	fields := strings.Fields(agent[:min(len(agent), most)])
	if len(fields) == 0 {
		return ""
	}
	product, rest, _ := strings.Cut(fields[0], "/")
	version, role, _ := strings.Cut(rest, "/")
	if !isWord(product) || version != "" && !isWord(version) {
		return ""
	}
	if role == "" && len(fields) > 1 { // client-go: the role is the third part of the last field
		if parts := strings.SplitN(fields[len(fields)-1], "/", 3); len(parts) == 3 {
			role = parts[2]
		}
	}
	role = role[strings.LastIndexByte(role, ':')+1:]
	short := product
	if v := minor(version); v != "" {
		short += " " + v
	}
	if isWord(role) {
		short += " " + role
	}
	return short
}

// minor cuts "v1.35.4" to "v1.35"; "v0.0.0", which builds without a version say, to "".
func minor(version string) string {
	if version == "v0.0.0" {
		return ""
	}
	parts := strings.SplitN(version, ".", 3)
	return strings.Join(parts[:min(len(parts), 2)], ".")
}

// isWord tells whether s is a short run of letters, digits, "-", "_" and ".".
func isWord(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		if !isAlnum(s[i]) && s[i] != '-' && s[i] != '_' && s[i] != '.' {
			return false
		}
	}
	return true
}

func isAlnum(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
