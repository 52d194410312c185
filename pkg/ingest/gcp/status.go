package gcp

import (
	"strconv"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// status is how a request ended.
type status struct {
	code          int // HTTP; 0: not known
	status        string
	reason        string
	message       string
	details       audit.Value
	reconstructed bool // the code is worked out of a gRPC code, or of the decision
}

// httpCodes are the HTTP codes of gRPC's, by number, as Google maps them.
var httpCodes = [...]int{
	0: 200, 1: 499, 2: 500, 3: 400, 4: 504, 5: 404, 6: 409, 7: 403, 8: 429, 9: 400, 10: 409, 11: 400, 12: 501, 13: 500,
	14: 503, 15: 500, 16: 401,
}

const (
	grpcOK      = 0
	grpcUnknown = 2

	grpcUnauthenticated = 16
)

// readStatus finds out how a request ended: from the Status in the response, else from the code in the entry, else from
// whether it was granted.
func (e *entry) readStatus(t *target, decision string) status {
	told := e.payload.Get("status")
	s := status{message: text(told.Get("message")), reconstructed: true}
	if isStatus(e.response) {
		s.status, s.reason, s.details = text(e.response.Get("status")), text(e.response.Get("reason")), e.response.Get("details")
		if m := text(e.response.Get("message")); m != "" {
			s.message = m
		}
		if code := httpCode(e.response.Get("code")); code > 0 {
			s.code, s.reconstructed = code, false
			return s
		}
	}
	if told.Kind() != audit.Object && decision == "" && e.response.Kind() != audit.Object {
		return status{}
	}
	s.code = mapCode(told.Get("code"), t, decision)
	if s.code == 101 {
		s.message = "" // the name of the gRPC code, if anything
	}
	if s.code >= 400 && s.status == "" {
		s.status = "Failure"
	}
	return s
}

// mapCode gives the HTTP code for a gRPC code; 0 when there is none.
func mapCode(v audit.Value, t *target, decision string) int {
	code, ok := count(v)
	if v.Kind() == audit.Null {
		code, ok = grpcOK, true
	}
	switch {
	case !ok:
		return 0
	case code == grpcOK && decision == forbid:
		return 403
	case code == grpcUnknown && t.connect() && t.subresource == "proxy":
		return 0 // the other server's answer, whatever it was
	case (code == grpcOK || code == grpcUnknown && decision != forbid) && t.connect() && t.subresource != "proxy":
		return 101 // Switching Protocols has no gRPC code of its own and comes as UNKNOWN
	case code == grpcOK && t.verb == "create" && !t.connect():
		return 201 // what the API server answers to everything that it creates
	case code < len(httpCodes):
		return httpCodes[code]
	case 100 <= code && code < 600: // some writers have HTTP here
		return code
	}
	return 0
}

func httpCode(v audit.Value) int {
	n, err := strconv.Atoi(v.Text())
	if v.Kind() != audit.Number || err != nil || n < 100 || n > 599 {
		return 0
	}
	return n
}

// isStatus tells whether a response is the API's Status.
func isStatus(v audit.Value) bool {
	return text(v.Get("kind")) == "Status" || strings.HasSuffix(text(v.Get("@type")), ".Status")
}

// The authorizers' decision, by the API server's words.
const (
	decisionLabel = "authorization.k8s.io/decision"
	allow         = "allow"
	forbid        = "forbid"
)

// decision is that of the label, else of what authorizationInfo says was granted: false is left out of an entry's JSON, so
// that what is not said to be granted is not.
func (e *entry) decision() (decision string, labelled bool) {
	if d := e.label(decisionLabel); d != "" {
		return d, true
	}
	for info := range e.payload.Get("authorizationInfo").Elems() {
		if info.Kind() != audit.Object {
			continue
		}
		if !yes(info.Get("granted")) {
			return e.refusal(), false
		}
		decision = allow
	}
	return decision, false
}

// refusal is the decision on what was not granted. Who showed no valid credential, or may not act as another user, is
// refused before the authorizers are asked about the request, so that there is none.
func (e *entry) refusal() string {
	status := e.payload.Get("status")
	if code, ok := count(status.Get("code")); ok && code == grpcUnauthenticated {
		return ""
	}
	if strings.Contains(text(status.Get("message")), `" cannot impersonate`) {
		return ""
	}
	return forbid
}
