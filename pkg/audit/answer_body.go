package audit

import "strconv"

// Token is a token asked for or issued for a service account.
type Token struct {
	Audiences         []string `json:"audiences,omitempty"`          // none: the API server's own
	ExpirationSeconds int64    `json:"expiration_seconds,omitempty"` // as granted, else as asked
	BoundKind         string   `json:"bound_kind,omitempty"`         // the token dies with this object: "Pod", "Secret", "Node"
	BoundName         string   `json:"bound_name,omitempty"`
	CredentialID      string   `json:"credential_id,omitempty"` // the id that the token's own requests will show
}

// Access is the question of an access review, and its answer.
type Access struct {
	User        string `json:"user,omitempty"` // "" in a review of one's own access
	Verb        string `json:"verb,omitempty"`
	APIGroup    string `json:"api_group,omitempty"`
	Resource    string `json:"resource,omitempty"`
	Subresource string `json:"subresource,omitempty"`
	Namespace   string `json:"namespace,omitempty"`
	Name        string `json:"name,omitempty"`
	Path        string `json:"path,omitempty"` // instead of a resource
	Allowed     *bool  `json:"allowed,omitempty"`
}

// Certificate is a certificate signing request.
type Certificate struct {
	Signer    string   `json:"signer,omitempty"`
	Requester string   `json:"requester,omitempty"` // user that asked for it, as the API server recorded
	Usages    []string `json:"usages,omitempty"`
	Approved  bool     `json:"approved,omitempty"`
	Denied    bool     `json:"denied,omitempty"`
}

// addBody fills in the details that only the bodies tell.
func addBody(w *What, r request) {
	if r.verb == "create" || r.verb == "update" || r.verb == "patch" {
		w.Privileges = privilegesOf(w, r.asked)
		w.Grant, w.Rules = grantOf(w, r), rulesOf(w, r)
	}
	switch w.Action {
	case ActionPatch:
		w.Patch = patchOf(w, r.asked)
	case ActionIssueToken:
		w.Token = tokenOf(r)
	case ActionScale:
		w.Replicas = replicasOf(r)
	case ActionReview:
		w.Access = accessOf(w, r)
	case ActionDelete:
		w.Terminating = w.Code == 202 || terminating(r.answered)
	}
}

// latest returns the object in the response, else the one in the request.
func (r request) latest() Value {
	if r.answered.Exists() {
		return r.answered
	}
	return r.asked
}

func tokenOf(r request) *Token {
	spec := r.latest().Get("spec")
	if !isSet(spec) {
		return nil
	}
	bound := spec.Get("boundObjectRef")
	t := &Token{Audiences: strs(spec.Get("audiences")), BoundKind: str(bound.Get("kind")), BoundName: str(bound.Get("name"))}
	if n, ok := integer(spec.Get("expirationSeconds")); ok {
		t.ExpirationSeconds = n
	}
	return t
}

// replicasOf reads the number asked for from the object in the answer, the one in the request or a JSON patch.
func replicasOf(r request) *int64 {
	n, ok := integer(r.latest().Path("spec", "replicas"))
	if str(r.answered.Get("kind")) == "Scale" {
		ok = true // the API server leaves out a zero
	}
	for op := range r.asked.Elems() {
		if !ok && str(op.Get("path")) == "/spec/replicas" {
			n, ok = integer(op.Get("value"))
		}
	}
	if !ok {
		return nil
	}
	return &n
}

func accessOf(w *What, r request) *Access {
	o := r.latest()
	spec := o.Get("spec")
	a := Access{User: str(spec.Get("user")), Namespace: str(spec.Get("namespace"))}
	if at := spec.Get("resourceAttributes"); isSet(at) {
		a.Verb, a.APIGroup, a.Resource = str(at.Get("verb")), str(at.Get("group")), str(at.Get("resource"))
		a.Subresource, a.Namespace, a.Name = str(at.Get("subresource")), str(at.Get("namespace")), str(at.Get("name"))
	} else if at := spec.Get("nonResourceAttributes"); isSet(at) {
		a.Verb, a.Path = str(at.Get("verb")), str(at.Get("path"))
	}
	key := "allowed"
	if w.Resource == "tokenreviews" {
		key, a.User = "authenticated", str(r.answered.Path("status", "user", "username"))
	}
	if ok, is := r.answered.Path("status", key).Bool(); is {
		a.Allowed = &ok
	}
	if a == (Access{}) {
		return nil
	}
	return &a
}

func certificateOf(w *What, r request) *Certificate {
	if w.APIGroup != "certificates.k8s.io" || w.Resource != "certificatesigningrequests" {
		return nil
	}
	o := r.latest()
	spec := o.Get("spec")
	c := Certificate{Signer: str(spec.Get("signerName")), Requester: str(spec.Get("username")), Usages: strs(spec.Get("usages"))}
	for condition := range o.Path("status", "conditions").Elems() {
		switch str(condition.Get("type")) {
		case "Approved":
			c.Approved = true
		case "Denied":
			c.Denied = true
		}
	}
	if c.Signer == "" && c.Requester == "" && !c.Approved && !c.Denied {
		return nil
	}
	return &c
}

// terminating tells whether an object that was deleted is still there, waiting for its grace period or finalizers.
func terminating(o Value) bool {
	meta := o.Get("metadata")
	if str(meta.Get("deletionTimestamp")) == "" {
		return false
	}
	grace, _ := integer(meta.Get("deletionGracePeriodSeconds"))
	return grace > 0 || meta.Get("finalizers").Len() > 0 || o.Path("spec", "finalizers").Len() > 0
}

func integer(v Value) (int64, bool) {
	if v.Kind() != Number {
		return 0, false
	}
	n, err := strconv.ParseInt(v.Text(), 10, 64)
	return n, err == nil
}
