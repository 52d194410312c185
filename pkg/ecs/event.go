package ecs

import "github.com/kubewitness/kubewitness/pkg/audit"

// event appends the fields below event.
func (w *writer) event(dst []byte, kind string) []byte {
	dataset, alert := AuditLogs, kind == "alert"
	if alert {
		dataset = Detections
	}
	a := &w.answer
	dst = append(dst, `"event":{"kind":"`...)
	dst = append(dst, kind...)
	dst = w.ingested(append(dst, '"'))
	dst = append(dst, `,"dataset":"`...)
	dst = append(dst, dataset...)
	dst = append(dst, `",`...)
	dst = member(dst, `"action":`, a.What.Verb)
	dst = append(dst, `"category":["api"`...)
	if c := categoryOf(&a.What); c != "" {
		dst = append(append(append(dst, `,"`...), c...), '"')
	}
	dst = append(dst, `],"type":["`...)
	dst = append(append(dst, typeOf(a.What.Action)...), '"')
	dst = appendDecision(dst, &a.What)
	dst = appendStreamed(dst, a)
	dst = append(dst, `],"outcome":"`...)
	dst = append(append(dst, outcomeOf(a)...), `",`...)
	dst = member(dst, `"id":`, w.id)
	dst = append(dst, `"created":`...)
	dst = append(appendTime(dst, within(w.e.Received)), ',')
	if w.o.EventURL != "" {
		dst = member(dst, `"url":`, w.o.EventURL+w.id)
	}
	if !alert && !w.o.NoOriginal {
		dst = w.original(dst)
	}
	dst[len(dst)-1] = '}'
	return append(dst, ',')
}

// original appends the whole event.
func (w *writer) original(dst []byte) []byte {
	dst = append(dst, `"original":`...)
	return append(appendText(dst, w.e.Event.Raw), ',')
}

// outcomeOf is event.outcome. A decision to forbid is a failure before anything else; a
// request that was just received has not come to anything yet.
func outcomeOf(a *audit.Answer) string {
	switch w := &a.What; {
	case a.When.Stage == "RequestReceived":
		return "unknown"
	case w.Decision == "forbid", w.Code >= 400, a.When.Stage == "Panic":
		return "failure"
	case w.Code > 0:
		return "success"
	}
	return "unknown"
}

// categoryOf is what a request is besides a call of an API; "" for a read of something
// that has no category of its own.
func categoryOf(w *audit.What) string {
	switch {
	case w.Code == 401:
		return "authentication"
	case w.Action == audit.ActionExec, w.Action == audit.ActionAttach, w.Action == audit.ActionDebug:
		return "process"
	case isIdentity(w):
		return "iam"
	case typeOf(w.Action) != "access":
		return "configuration"
	}
	return ""
}

// isIdentity tells whether a resource is about who may do what.
func isIdentity(w *audit.What) bool {
	switch w.APIGroup {
	case "rbac.authorization.k8s.io", "authentication.k8s.io", "authorization.k8s.io":
		return true
	case "certificates.k8s.io":
		return w.Resource == "certificatesigningrequests"
	case "":
		return w.Resource == "serviceaccounts"
	}
	return false
}

// typeOf is what a request does, as a type of ECS.
func typeOf(a audit.Action) string {
	switch a {
	case audit.ActionCreate, audit.ActionIssueToken:
		return "creation"
	case audit.ActionUpdate, audit.ActionPatch, audit.ActionApply, audit.ActionScale, audit.ActionApprove, audit.ActionDeny, audit.ActionBind, audit.ActionDebug:
		return "change"
	case audit.ActionDelete, audit.ActionDeleteCollection, audit.ActionEvict:
		return "deletion"
	}
	return "access"
}

// appendDecision appends what the authorizer decided.
func appendDecision(dst []byte, w *audit.What) []byte {
	switch {
	case w.Decision == "forbid", w.Code == 401, w.Code == 403:
		return append(dst, `,"denied"`...)
	case w.Decision == "allow":
		return append(dst, `,"allowed"`...)
	}
	return dst
}

// appendStreamed appends start and end of what goes on for a while.
func appendStreamed(dst []byte, a *audit.Answer) []byte {
	if !isStream(a.What.Action) {
		return dst
	}
	switch a.When.Stage {
	case "ResponseStarted":
		return append(dst, `,"start"`...)
	case "ResponseComplete", "Panic":
		return append(dst, `,"end"`...)
	}
	return dst
}

// isStream tells whether a request goes on for a while, and so has a begin and an end.
func isStream(a audit.Action) bool {
	switch a {
	case audit.ActionExec, audit.ActionAttach, audit.ActionPortForward, audit.ActionProxy, audit.ActionWatch:
		return true
	}
	return false
}
