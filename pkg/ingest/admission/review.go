package admission

import (
	"fmt"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// Malformed is the error for a body that is no AdmissionReview of admission.k8s.io/v1 with a
// request in it.
type Malformed struct {
	Reason audit.Reason // for counters
	Err    error        // what is wrong
}

// Error tells what is wrong.
func (e *Malformed) Error() string { return "admission: " + e.Err.Error() }

// Unwrap gives the cause.
func (e *Malformed) Unwrap() error { return e.Err }

func malformed(reason audit.Reason, format string, args ...any) error {
	return &Malformed{Reason: reason, Err: fmt.Errorf(format, args...)}
}

// Operations.
const (
	opCreate  = "CREATE"
	opUpdate  = "UPDATE"
	opDelete  = "DELETE"
	opConnect = "CONNECT"
)

// apiVersion is the only version that is spoken; API servers have it since 1.16.
const apiVersion = "admission.k8s.io/v1"

// maxUID is how many bytes the uid of a review may have; API servers send 36.
const maxUID = 128

// review is an AdmissionReview.
type review struct {
	request   audit.Value
	uid       string
	operation string
	target    target
	object    audit.Value // absent where there is none
	old       audit.Value
	options   audit.Value
	dryRun    bool
	labels    string // of the namespace, for the annotation; "": nobody knows them
	asked     bool   // the event is of the request as it came, before it is changed
}

// readReview takes a body apart.
func readReview(body []byte) (*review, error) {
	v, err := audit.ParseValue(body)
	if err != nil {
		return nil, &Malformed{audit.ReasonSyntax, err}
	}
	if kind, version := text(v.Get("kind")), text(v.Get("apiVersion")); kind != "AdmissionReview" || version != apiVersion {
		return nil, malformed(audit.ReasonKind, "an AdmissionReview of %s is wanted, not kind %.64q of apiVersion %.64q; set admissionReviewVersions: [v1]", apiVersion, kind, version)
	}
	r := &review{request: v.Get("request")}
	if r.request.Kind() != audit.Object {
		return nil, malformed(audit.ReasonType, "the AdmissionReview has no request")
	}
	if r.uid = text(r.request.Get("uid")); r.uid == "" || len(r.uid) > maxUID {
		return nil, malformed(audit.ReasonType, "request.uid is a text of 1 to %d bytes", maxUID)
	}
	switch r.operation = text(r.request.Get("operation")); r.operation {
	case opCreate, opUpdate, opDelete, opConnect:
	default:
		return nil, malformed(audit.ReasonType, "request.operation is CREATE, UPDATE, DELETE or CONNECT, not %.64q", r.operation)
	}
	r.target = r.readTarget()
	if r.target.resource == "" {
		return nil, malformed(audit.ReasonType, "request.resource names no resource")
	}
	for _, m := range []struct {
		key string
		to  *audit.Value
	}{{"object", &r.object}, {"oldObject", &r.old}, {"options", &r.options}} {
		switch v := r.request.Get(m.key); v.Kind() {
		case audit.Object:
			*m.to = v
		case audit.Absent, audit.Null:
		default:
			return nil, malformed(audit.ReasonType, "request.%s is no object", m.key)
		}
	}
	r.dryRun, _ = r.request.Get("dryRun").Bool()
	return r, nil
}

// text is the content of a JSON string; "" for everything else.
func text(v audit.Value) string {
	if v.Kind() != audit.String {
		return ""
	}
	return v.Text()
}
