package audit

// Grant is what a role binding gives to whom.
type Grant struct {
	RoleKind string    `json:"role_kind,omitempty"` // "Role" or "ClusterRole"
	Role     string    `json:"role,omitempty"`
	Subjects []Subject `json:"subjects,omitempty"`
}

// Subject is a user, group or service account of a role binding.
type Subject struct {
	Kind      string `json:"kind,omitempty"`
	Namespace string `json:"namespace,omitempty"` // of a service account
	Name      string `json:"name,omitempty"`
}

// Rule is one rule of a role.
type Rule struct {
	Verbs           []string `json:"verbs,omitempty"`
	APIGroups       []string `json:"api_groups,omitempty"`
	Resources       []string `json:"resources,omitempty"`
	ResourceNames   []string `json:"resource_names,omitempty"`
	NonResourceURLs []string `json:"non_resource_urls,omitempty"`
}

const groupRBAC = "rbac.authorization.k8s.io"

// grantOf reads a role binding, as it became or else as it was asked for.
func grantOf(w *What, r request) *Grant {
	if w.APIGroup != groupRBAC || w.Resource != "clusterrolebindings" && w.Resource != "rolebindings" {
		return nil
	}
	o := r.latest()
	role := o.Get("roleRef")
	g := Grant{RoleKind: str(role.Get("kind")), Role: str(role.Get("name"))}
	for s := range o.Get("subjects").Elems() {
		g.Subjects = append(g.Subjects, Subject{
			Kind: str(s.Get("kind")), Namespace: str(s.Get("namespace")), Name: str(s.Get("name")),
		})
	}
	if g.Role == "" && len(g.Subjects) == 0 {
		return nil
	}
	return &g
}

// rulesOf reads the rules of a role from the request: a patch of it tells only what it brings.
func rulesOf(w *What, r request) []Rule {
	if w.APIGroup != groupRBAC || w.Resource != "clusterroles" && w.Resource != "roles" {
		return nil
	}
	var rules []Rule
	for v := range r.asked.Get("rules").Elems() {
		rules = append(rules, ruleOf(v))
	}
	for op := range r.asked.Elems() { // a JSON patch
		switch v := op.Get("value"); {
		case str(op.Get("op")) == "remove" || str(op.Get("op")) == "test":
		case v.Get("verbs").Kind() == Array:
			rules = append(rules, ruleOf(v))
		case str(op.Get("path")) == "/rules":
			for v := range v.Elems() {
				rules = append(rules, ruleOf(v))
			}
		}
	}
	return rules
}

func ruleOf(v Value) Rule {
	return Rule{
		Verbs: strs(v.Get("verbs")), APIGroups: strs(v.Get("apiGroups")), Resources: strs(v.Get("resources")),
		ResourceNames: strs(v.Get("resourceNames")), NonResourceURLs: strs(v.Get("nonResourceURLs")),
	}
}
