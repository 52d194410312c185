package audit

import (
	"strconv"
	"strings"
	"time"
)

// phrase is an action in the three forms that sentences need, and what it is done to.
type phrase struct {
	base, past, ing string // "read", "read", "reading"
	rest            string // begins with a space
}

var verbs = map[Action]phrase{
	ActionExec:             {base: "run", past: "ran", ing: "running"},
	ActionAttach:           {base: "attach", past: "attached", ing: "attaching"},
	ActionPortForward:      {base: "port-forward", past: "port-forwarded", ing: "port-forwarding"},
	ActionProxy:            {base: "proxy", past: "proxied", ing: "proxying"},
	ActionReadLog:          {base: "read", past: "read", ing: "reading"},
	ActionDebug:            {base: "add", past: "added", ing: "adding"},
	ActionEvict:            {base: "evict", past: "evicted", ing: "evicting"},
	ActionBind:             {base: "bind", past: "bound", ing: "binding"},
	ActionIssueToken:       {base: "create", past: "created", ing: "creating"},
	ActionScale:            {base: "scale", past: "scaled", ing: "scaling"},
	ActionApprove:          {base: "approve", past: "approved", ing: "approving"},
	ActionDeny:             {base: "deny", past: "denied", ing: "denying"},
	ActionReview:           {base: "check", past: "checked", ing: "checking"},
	ActionApply:            {base: "apply", past: "applied", ing: "applying"},
	ActionCreate:           {base: "create", past: "created", ing: "creating"},
	ActionRead:             {base: "read", past: "read", ing: "reading"},
	ActionList:             {base: "list", past: "listed", ing: "listing"},
	ActionWatch:            {base: "watch", past: "watched", ing: "watching"},
	ActionUpdate:           {base: "update", past: "updated", ing: "updating"},
	ActionPatch:            {base: "patch", past: "patched", ing: "patching"},
	ActionDelete:           {base: "delete", past: "deleted", ing: "deleting"},
	ActionDeleteCollection: {base: "delete", past: "deleted", ing: "deleting"},
	ActionCall:             {base: "call", past: "called", ing: "calling"},
	ActionOther:            {base: "do", past: "did", ing: "doing"},
}

// phrase words the action and its object.
func (a *Answer) phrase() phrase {
	w := &a.What
	p := verbs[w.Action]
	switch w.Action {
	case ActionExec:
		p.rest = a.command() + " in " + a.thing() + a.streams()
	case ActionAttach:
		p.rest = " to " + a.thing() + a.streams()
	case ActionPortForward:
		p.rest = " to " + a.thing() + brackets(several("port", w.Ports))
	case ActionReadLog:
		p = a.logs(p)
	case ActionProxy:
		p.rest = a.proxied()
	case ActionDebug:
		p.rest = a.debugged()
		if w.Verb == "update" { // an update brings the old ones too
			p.base, p.past, p.ing = "set", "set", "setting"
		}
	case ActionBind:
		p.rest = " " + a.thing()
		if a.Where.Node != "" {
			p.rest += " to node " + quote(a.Where.Node, longName)
		}
	case ActionIssueToken:
		p.rest = " a token for " + a.thing() + a.tokenNotes()
	case ActionScale:
		p.rest = " " + a.thing() + a.replicas()
	case ActionReview:
		p = a.review(p)
	case ActionCall:
		p = a.call(p)
	case ActionOther:
		p.rest = " " + quote(w.Verb, longName) + " on " + a.part() + a.thing()
	case ActionList:
		p.rest = " " + a.things() + a.returned()
	case ActionWatch:
		p.rest = " " + a.things()
	case ActionDeleteCollection:
		p.rest = " the collection of " + a.things()
	default:
		p = a.changed(p)
	}
	return p
}

// changed words create, get, update, patch, apply and delete of an object or a part of it.
func (a *Answer) changed(p phrase) phrase {
	w := &a.What
	if w.Subresource == "finalize" && w.Action == ActionUpdate {
		p = phrase{base: "finalize", past: "finalized", ing: "finalizing"}
	}
	p.rest = " " + a.part() + a.thing()
	if w.Code == 201 && (w.Action == ActionApply || w.Action == ActionUpdate) {
		p.past, p.ing = "created", "creating"
		p.rest += " by " + map[Action]string{ActionApply: "server-side apply", ActionUpdate: "update"}[w.Action]
	}
	p.rest += brackets(a.notes()...)
	return p
}

// part is the subresource, when the verb is about one: "the status of ".
func (a *Answer) part() string {
	switch w := &a.What; {
	case w.Subresource == "", w.Subresource == "finalize" && w.Action == ActionUpdate, w.Action == ActionEvict, w.Action == ActionApprove, w.Action == ActionDeny:
		return ""
	default:
		return "the " + plain(w.Subresource) + " of "
	}
}

// notes are the facts about a change that tell most about it.
func (a *Answer) notes() []string {
	w := &a.What
	var out []string
	switch w.Action {
	case ActionRead:
		return nil
	case ActionDelete:
		if w.Terminating {
			out = append(out, "still terminating")
		}
		return out
	}
	if w.Name == "" && w.GenerateName != "" {
		out = append(out, "to be named "+quote(w.GenerateName+"*", longName))
	}
	if len(w.Patch) > 0 {
		out = append(out, operations(w.Patch))
	}
	out = append(out, several("image", a.Where.Images))
	if len(w.Privileges) > 0 {
		out = append(out, some(w.Privileges, 2*shown))
	}
	if w.Resource == "pods" && a.Where.Node != "" && w.Subresource == "" && w.Action != ActionPatch {
		out = append(out, "on node "+plain(a.Where.Node))
	}
	if w.Grant != nil {
		out = append(out, w.Grant.words())
	}
	if len(w.Rules) > 0 {
		out = append(out, allowing(w.Rules))
	}
	if w.Certificate != nil {
		out = append(out, w.Certificate.words()...)
	}
	return out
}

func (a *Answer) command() string {
	if len(a.What.Command) == 0 {
		return " a command"
	}
	return " " + quote(shell(a.What.Command), longCommand)
}

// streams tells of container and terminal.
func (a *Answer) streams() string {
	var notes []string
	if c := a.Where.Container; c != "" {
		notes = append(notes, "container "+plain(c))
	}
	switch {
	case a.What.Stdin && a.What.TTY:
		notes = append(notes, "interactive terminal")
	case a.What.Stdin:
		notes = append(notes, "with input")
	case a.What.TTY:
		notes = append(notes, "with terminal")
	}
	return brackets(notes...)
}

func (a *Answer) logs(p phrase) phrase {
	w := &a.What
	var notes []string
	if c := a.Where.Container; c != "" {
		notes = append(notes, "container "+plain(c))
	}
	if w.Previous {
		notes = append(notes, "previous run")
	}
	if w.Follow {
		p.base, p.past, p.ing = "follow", "followed", "following"
	}
	p.rest = " the log of " + a.thing() + brackets(notes...)
	return p
}

func (a *Answer) proxied() string {
	w := &a.What
	px := w.Proxy
	if px == nil {
		px = &Proxy{}
	}
	s := ""
	if w.Verb != "" { // admission does not tell it
		s = " " + plain(w.Verb)
	}
	if px.Path != "" {
		s += " " + plain(px.Path)
	}
	if len(w.Command) > 0 {
		s += " (command " + quote(shell(w.Command), longCommand) + ")"
	}
	target := a.thing()
	if w.Resource == "nodes" && px.Port == "" {
		target = "the kubelet of " + target
	}
	var notes []string
	if px.Scheme != "" {
		notes = append(notes, plain(px.Scheme))
	}
	if px.Port != "" {
		notes = append(notes, "port "+plain(px.Port))
	}
	return s + " to " + target + brackets(notes...)
}

func (a *Answer) debugged() string {
	s := " a debug container"
	if a.What.Verb == "update" {
		s = " the debug containers of"
		return s + " " + a.thing() + brackets(several("image", a.Where.Images))
	}
	if c := a.Where.Container; c != "" {
		s += " " + plain(c)
	}
	return s + " to " + a.thing() + brackets(several("image", a.Where.Images))
}

func (a *Answer) tokenNotes() string {
	t := a.What.Token
	if t == nil {
		return ""
	}
	var notes []string
	const most = int64(1<<63-1) / int64(time.Second)
	switch n := t.ExpirationSeconds; {
	case n > most:
		notes = append(notes, "valid for "+strconv.FormatInt(n, 10)+" seconds")
	case n > 0:
		notes = append(notes, "valid for "+duration(time.Duration(n)*time.Second))
	}
	notes = append(notes, several("audience", t.Audiences))
	if t.BoundKind != "" || t.BoundName != "" {
		notes = append(notes, "bound to "+plain(strings.ToLower(t.BoundKind))+" "+plain(t.BoundName))
	}
	return brackets(notes...)
}

func (a *Answer) replicas() string {
	n := a.What.Replicas
	switch {
	case n == nil:
		return ""
	case *n == 1:
		return " to 1 replica"
	default:
		return " to " + strconv.FormatInt(*n, 10) + " replicas"
	}
}

func (a *Answer) returned() string {
	n := a.What.Items
	switch {
	case n == nil:
		return ""
	case *n == 0:
		return " (none returned)"
	default:
		return " (" + strconv.Itoa(*n) + " returned)"
	}
}

func (a *Answer) call(p phrase) phrase {
	w := &a.What
	switch w.Verb {
	case "get", "head":
		p = verbs[ActionRead]
		p.rest = " " + plain(w.Path)
	default:
		p.rest = " " + plain(strings.ToUpper(w.Verb)) + " " + plain(w.Path)
	}
	return p
}
