package audit

import (
	"strconv"
	"strings"
	"time"
)

// maxSentence bounds a sentence, in bytes. Usual ones have 80 to 250.
const maxSentence = 4096

// Sentence puts the answer into one English sentence: a single line of printable characters, at most 4096 bytes. Strings
// from the event stand in double quotes, escaped, unless they are plain names.
//
// It claims no more than the event shows. A request just received is being asked for; a stream that was opened was
// "allowed"; what was refused says by whom.
func (a Answer) Sentence() string {
	return clip(a.sentence(), maxSentence)
}

func (a *Answer) sentence() string {
	if a.What.Action == ActionUnwatched {
		return a.unwatched()
	}
	w, who, act := &a.What, a.subject(), a.phrase()
	dry := ""
	if w.DryRun && w.Outcome != OutcomeDryRun {
		dry = " in a dry run"
	}
	rest := act.rest + dry
	switch w.Outcome {
	case OutcomeRequested:
		return who + " is asking to " + act.base + rest + a.doubt()
	case OutcomeSucceeded, OutcomeConnected:
		return who + " " + a.done(act) + a.doubt()
	case OutcomeDryRun:
		return who + " did a dry run of " + act.ing + rest + ": nothing was stored"
	case OutcomeUnauthenticated:
		return who + " failed authentication when asking to " + act.base + rest
	case OutcomeDenied:
		return who + " was denied " + act.ing + rest + " by " + a.denier()
	case OutcomeImpersonationDenied:
		return who + " was denied impersonating " + a.deniedTarget() + " when asking to " + act.base + rest
	case OutcomeRefused:
		return who + " was refused " + act.ing + rest + " by " + a.refusal()
	case OutcomeForbidden:
		return who + " was forbidden from " + act.ing + rest + a.because()
	case OutcomeTargetFailed:
		return who + " " + act.past + rest + ": the target answered " + strconv.Itoa(w.Code)
	case OutcomeAllowed:
		return who + " was allowed to " + act.base + rest + ": the result is not recorded"
	case OutcomeClosedEarly:
		return who + " asked to " + act.base + rest + ", but the connection closed before an answer: the result is not known"
	case OutcomePanicked:
		return who + " asked to " + act.base + rest + ": the API server panicked" + a.because()
	case OutcomeUnknown:
		return who + " asked to " + act.base + rest + ": the result is not recorded"
	default:
		return who + " tried to " + act.base + rest + ": " + a.failure()
	}
}

// done tells of what succeeded; at stage ResponseStarted it is still going on.
func (a *Answer) done(act phrase) string {
	s := act.past + act.rest
	switch {
	case a.When.Stage == stageStarted:
		s = "is " + act.ing + act.rest
	case a.runs() && a.When.Latency >= time.Second:
		s += " for " + duration(a.When.Latency)
	}
	if a.What.Outcome == OutcomeConnected {
		s += ": allowed"
	}
	return s
}

// runs tells whether the request lasts as long as client and target like, so that its duration means something.
func (a *Answer) runs() bool {
	switch a.What.Action {
	case ActionExec, ActionAttach, ActionPortForward, ActionProxy, ActionWatch:
		return true
	case ActionReadLog:
		return a.What.Follow
	}
	return false
}

func (a *Answer) doubt() string {
	if a.What.DryRunClaimed {
		return " (the URI asks for a dry run; whether it is one is not recorded)"
	}
	return ""
}

func (a *Answer) denier() string {
	reason := a.What.DecisionReason
	if reason == "" || strings.HasPrefix(reason, "RBAC:") {
		return "RBAC"
	}
	return "the authorizers (" + quote(reason, longMessage) + ")"
}

// escalation is what RBAC says to someone who would grant more than they have, before it lists that.
const escalation = " is attempting to grant RBAC permissions not currently held:"

// refusal tells who refused what the authorizers had allowed, and why.
func (a *Answer) refusal() string {
	if _, rights, ok := strings.Cut(a.What.Message, escalation); ok && a.What.APIGroup == groupRBAC {
		return "RBAC's check against escalation: the user does not have " + quote(oneLine(rights), longMessage)
	}
	return a.refuser() + a.because()
}

// refuser is admission, unless the message is that of an authorizer: API servers behind this one ask again, and streams
// opened with get need the permission to create as well (since Kubernetes 1.35), which no annotation tells.
func (a *Answer) refuser() string {
	w := &a.What
	const further = "a further check of permissions"
	switch {
	case strings.Contains(w.Message, `User "`) && strings.Contains(w.Message, `" cannot `):
		return further
	case w.Verb == "get" && (w.Action == ActionExec || w.Action == ActionAttach || w.Action == ActionPortForward) &&
		!strings.HasPrefix(w.Message, "admission webhook "):
		return "admission or " + further
	default:
		return "admission"
	}
}

func (a *Answer) deniedTarget() string {
	d := a.What.Denied
	if d == nil || d.Name == "" {
		return "another user"
	}
	return plain(singular(d.Kind)) + " " + quote(d.Name, longName)
}

// because is the API server's message after a colon.
func (a *Answer) because() string {
	if m := a.message(); m != "" {
		return ": " + m
	}
	return ""
}

// saying is the API server's message in brackets.
func (a *Answer) saying() string {
	if m := a.message(); m != "" {
		return " (" + m + ")"
	}
	return ""
}

// message is the API server's message, quoted, without the name of the object that the sentence has told already.
func (a *Answer) message() string {
	message := a.What.Message
	for _, verdict := range []string{" is forbidden: ", " is invalid: "} {
		for _, name := range []string{a.What.Name, a.What.GenerateName} {
			kind, rest, ok := strings.Cut(message, strconv.Quote(name)+verdict)
			if ok && isPlain(strings.TrimSpace(kind)) {
				message = rest
			}
		}
	}
	if message = oneLine(message); message == "" {
		return ""
	}
	return quote(message, longMessage)
}

// oneLine makes one line of a message of several.
func oneLine(message string) string {
	return strings.Join(strings.Fields(message[:min(len(message), 8*longMessage)]), " ")
}

// says tells whether the API server's message is just `pods "web-0" <verdict>`.
func (a *Answer) says(verdict string) bool {
	kind := a.What.Resource
	if a.What.APIGroup != "" {
		kind += "." + a.What.APIGroup
	}
	return a.What.Message == "" || a.What.Message == kind+" "+strconv.Quote(a.What.Name)+" "+verdict
}

// changedMeanwhile ends the message of the most usual conflict.
const changedMeanwhile = "the object has been modified; please apply your changes to the latest version and try again"

// failure tells how a request failed that nobody forbade.
func (a *Answer) failure() string {
	w := &a.What
	switch w.Outcome {
	case OutcomeNotFound:
		if a.says("not found") {
			return "not found"
		}
		return "not found" + a.saying()
	case OutcomeConflict:
		switch {
		case w.Reason == "AlreadyExists" && a.says("already exists"):
			return "it exists already"
		case strings.HasSuffix(w.Message, changedMeanwhile):
			return "conflict, it had changed meanwhile"
		}
		return "conflict" + a.saying()
	case OutcomeInvalid:
		return "invalid" + a.saying()
	case OutcomeThrottled:
		return "told to try again later" + a.saying()
	case OutcomeFailed:
		return "failed with " + strconv.Itoa(w.Code) + a.saying()
	default:
		return "rejected with " + strconv.Itoa(w.Code) + a.saying()
	}
}
