package audit

import "strings"

// Outcome is how a request ended, as far as one event shows.
type Outcome string

// The outcomes. Each is decided by the stage, the HTTP status, the authorizers' decision and the kind of request.
const (
	OutcomeRequested           Outcome = "requested"            // stage RequestReceived: nothing has happened yet
	OutcomeSucceeded           Outcome = "succeeded"            // 2xx or 3xx; at stage ResponseStarted the answer is still running
	OutcomeConnected           Outcome = "connected"            // 101: the connection was handed over to a stream (exec, attach, port-forward)
	OutcomeDryRun              Outcome = "dry_run"              // 2xx of a dry run: checked, nothing stored
	OutcomeUnauthenticated     Outcome = "unauthenticated"      // 401: the API server did not accept the credential
	OutcomeDenied              Outcome = "denied"               // 403 and the authorizers' decision is "forbid"
	OutcomeImpersonationDenied Outcome = "impersonation_denied" // 403: the user may not act as the other user
	OutcomeRefused             Outcome = "refused"              // 403 though authorized: by admission, RBAC's check against escalation, or a further authorizer
	OutcomeForbidden           Outcome = "forbidden"            // 403 without a decision in the event
	OutcomeNotFound            Outcome = "not_found"            // 404
	OutcomeConflict            Outcome = "conflict"             // 409: changed meanwhile, or exists already
	OutcomeInvalid             Outcome = "invalid"              // 422: the object breaks the rules of its type
	OutcomeThrottled           Outcome = "throttled"            // 429: try again later; evictions get it from disruption budgets
	OutcomeRejected            Outcome = "rejected"             // any other 4xx
	OutcomeFailed              Outcome = "failed"               // 5xx
	OutcomeTargetFailed        Outcome = "target_failed"        // of a proxied request: 4xx or 5xx that is the target's own answer
	OutcomePanicked            Outcome = "panicked"             // stage Panic
	OutcomeClosedEarly         Outcome = "closed_early"         // ended before any answer: what came of it is not recorded
	OutcomeAllowed             Outcome = "allowed"              // authorized; the event has no status
	OutcomeUnknown             Outcome = "unknown"              // the event shows none of these
)

// Stages of audit events.
const (
	stageReceived = "RequestReceived"
	stageStarted  = "ResponseStarted"
	stageComplete = "ResponseComplete"
	stagePanic    = "Panic"
)

const (
	forbid = "forbid"
	allow  = "allow"
)

// closedEarly is the message of the status that the API server makes up when a handler ends without any answer.
const closedEarly = "Connection closed early"

func outcomeOf(w *What, stage string) Outcome {
	switch {
	case stage == stagePanic:
		return OutcomePanicked
	case stage == stageReceived:
		return OutcomeRequested
	case w.Code == 101:
		return OutcomeConnected
	case w.Code == 200 && w.Message == closedEarly:
		return OutcomeClosedEarly
	case 200 <= w.Code && w.Code < 300 && w.DryRun:
		return OutcomeDryRun
	case 200 <= w.Code && w.Code < 400:
		return OutcomeSucceeded
	case 400 <= w.Code && w.Code < 600:
		return failureOf(w)
	case w.Decision == forbid:
		return OutcomeDenied
	case w.Decision == allow:
		return OutcomeAllowed
	default:
		return OutcomeUnknown
	}
}

func failureOf(w *What) Outcome {
	// The API server's own failures carry a reason and a message; an answer passed on from the target has the bare code.
	if w.Action == ActionProxy && w.Decision == allow && w.Reason == "" && w.Message == "" {
		return OutcomeTargetFailed
	}
	switch w.Code {
	case 401:
		return OutcomeUnauthenticated
	case 403:
		return forbiddenBy(w)
	case 404:
		return OutcomeNotFound
	case 409:
		return OutcomeConflict
	case 422:
		return OutcomeInvalid
	case 429:
		return OutcomeThrottled
	}
	if w.Code >= 500 {
		return OutcomeFailed
	}
	return OutcomeRejected
}

func forbiddenBy(w *What) Outcome {
	switch {
	case w.Denied != nil:
		return OutcomeImpersonationDenied
	case w.Decision == forbid:
		return OutcomeDenied
	case w.Decision == allow:
		return OutcomeRefused
	default:
		return OutcomeForbidden
	}
}

// DeniedTarget is whom a user was not allowed to act as.
type DeniedTarget struct {
	Kind string `json:"kind"` // "users", "groups", "serviceaccounts", "userextras", "uids"
	Name string `json:"name"`
}

// deniedTarget finds a refused impersonation. It comes before the authorization of the request itself, so such an event
// has no decision; that also keeps names made up to look like the message from being taken for it.
func deniedTarget(w *What, who Who, status Value) *DeniedTarget {
	if w.Code != 403 || w.Decision != "" || who.Impersonated != nil || !strings.Contains(w.Message, `" cannot impersonate`) {
		return nil
	}
	details := status.Get("details")
	return &DeniedTarget{Kind: str(details.Get("kind")), Name: str(details.Get("name"))}
}
