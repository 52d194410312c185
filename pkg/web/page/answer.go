package page

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/kubewitness/kubewitness/pkg/alert"
	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/search"
)

// answerPart is one of the four answers.
type answerPart struct {
	Name    string
	Entries []entry
}

// entry is a fact with its values.
type entry struct {
	Name   string
	Values []string
	Notes  []string // words of ours, not of the event
	Link   string   // of the first value
	When   time.Time
}

// facts collects the entries of a part; what is empty is left out.
type facts []entry

func (f *facts) add(name string, values ...string) {
	if values = filled(values); len(values) > 0 {
		*f = append(*f, entry{Name: name, Values: values})
	}
}

func (f *facts) linked(name, value, link string) {
	if f.add(name, value); askable(value) {
		(*f)[len(*f)-1].Link = link
	}
}

// note adds words of ours to the last entry.
func (f facts) note(notes ...string) {
	if len(f) > 0 {
		f[len(f)-1].Notes = append(f[len(f)-1].Notes, filled(notes)...)
	}
}

func (f *facts) at(name string, t time.Time) {
	if !t.IsZero() {
		*f = append(*f, entry{Name: name, When: t.UTC()})
	}
}

// answersOf lays out the four answers.
func answersOf(h *search.Hit) []answerPart {
	return []answerPart{
		{"What", whatOf(h.Answer.What)},
		{"Who", whoOf(h.Answer.Who, h.Event.Event.Cluster)},
		{"When", whenOf(h.Answer.When, h.Event)},
		{"Where", whereOf(h.Answer, h.Event)},
	}
}

func whatOf(w audit.What) (f facts) {
	f.add("Action", strings.ReplaceAll(string(w.Action), "_", " "))
	if w.Verb != "" && w.Verb != string(w.Action) {
		f.add("Verb", w.Verb)
	}
	resource := w.Resource
	if w.Subresource != "" {
		resource += "/" + w.Subresource
	}
	f.add("Resource", resource)
	if group := strings.Trim(w.APIGroup+"/"+w.APIVersion, "/"); group != "" {
		f.add("API version", group)
	}
	f.add("Name", w.Name)
	f.add("Name begins with", w.GenerateName)
	f.add("Path", w.Path)
	f.add("Field selector", w.FieldSelector)
	f.add("Label selector", w.LabelSelector)
	if w.Items != nil {
		f.add("Objects in the answer", strconv.Itoa(*w.Items))
	}
	f = append(f, changeOf(w)...)
	f = append(f, resultOf(w)...)
	return f
}

// changeOf is what a request carried.
func changeOf(w audit.What) (f facts) {
	if len(w.Command) > 0 {
		f.add("Command", strings.Join(w.Command, " "))
		f.note(yes(w.Stdin, "with input"), yes(w.TTY, "on a terminal"))
	}
	f.add("Ports", w.Ports...)
	if x := w.Proxy; x != nil {
		f.add("Passed on to", strings.TrimSpace(x.Scheme+" "+x.Port+" "+x.Path))
	}
	f.add("Changes", w.Patch...)
	f.add("Privileges on the node", w.Privileges...)
	if w.Replicas != nil {
		f.add("Replicas", strconv.FormatInt(*w.Replicas, 10))
	}
	if g := w.Grant; g != nil {
		f.add("Gives the role", strings.TrimSpace(g.RoleKind+" "+g.Role))
		f.add("To", subjectsOf(g.Subjects)...)
	}
	f.add("Allows", rulesOf(w.Rules)...)
	if t := w.Token; t != nil {
		f.add("Token for", append(t.Audiences, strings.TrimSpace(t.BoundKind+" "+t.BoundName))...)
		f.add("Token valid for", seconds(t.ExpirationSeconds))
		f.add("Token id", t.CredentialID)
	}
	if a := w.Access; a != nil {
		f.add("Asks whether", strings.Join(filled([]string{a.User, "may", a.Verb, a.APIGroup, a.Resource, a.Subresource, a.Namespace, a.Name, a.Path}), " "))
		if a.Allowed != nil {
			f.note(map[bool]string{true: "answer: yes", false: "answer: no"}[*a.Allowed])
		}
	}
	if c := w.Certificate; c != nil {
		f.add("Certificate signed by", c.Signer)
		f.add("Certificate asked for by", c.Requester)
		f.add("Certificate usages", c.Usages...)
	}
	if d := w.Denied; d != nil {
		f.add("Wanted to act as", strings.TrimSpace(d.Kind+" "+d.Name))
	}
	return f
}

// resultOf is how a request ended.
func resultOf(w audit.What) (f facts) {
	f.add("Outcome", outcomeOf(w).Text)
	f.note(yes(w.DryRun, "a dry run"), yes(w.DryRunClaimed, "the client asked for a dry run"), yes(w.Terminating, "the object is still there, terminating"))
	f.add("Reason", w.Reason)
	f.add("Message", w.Message)
	f.add("Authorization", w.Decision)
	f.add("Because", w.DecisionReason)
	f.add("Reviewed as", w.ReviewUID)
	return f
}

func subjectsOf(subjects []audit.Subject) (out []string) {
	for _, s := range subjects {
		name := s.Name
		if s.Namespace != "" {
			name = s.Namespace + "/" + name
		}
		out = append(out, strings.TrimSpace(s.Kind+" "+name))
	}
	return out
}

func rulesOf(rules []audit.Rule) (out []string) {
	for _, r := range rules {
		what := append(append([]string{}, r.Resources...), r.NonResourceURLs...)
		s := strings.Join(r.Verbs, ", ") + " on " + strings.Join(what, ", ")
		if groups := strings.Join(filled(r.APIGroups), ", "); groups != "" {
			s += " of " + groups
		}
		if len(r.ResourceNames) > 0 {
			s += " named " + strings.Join(r.ResourceNames, ", ")
		}
		out = append(out, s)
	}
	return out
}

func whoOf(w audit.Who, cluster string) (f facts) {
	name := w.Name
	f.linked("User", name, entityLink(search.EntityUser, cluster, name))
	if name == "" {
		f.add("User", "(no name)")
	}
	f.note(kindText(w.Kind))
	f.add("User id", w.UID)
	f.add("Groups", w.Groups...)
	if i := w.Impersonated; i != nil {
		f.linked("Acting as", i.Name, entityLink(search.EntityUser, cluster, i.Name))
		f.note(kindText(i.Kind))
		f.add("In groups", i.Groups...)
	}
	f.linked("Address", w.SourceIP, addressLink(w.SourceIP))
	f.add("Claimed addresses", w.ClaimedIPs...)
	if len(w.ClaimedIPs) > 0 {
		f.note("from headers that any client can write")
	}
	f.add("Client", w.Client)
	f.add("User agent", w.UserAgent)
	f.add("Pod of the token", w.Pod)
	f.add("Node", w.Node)
	f.add("Credential", w.CredentialID)
	return f
}

// addressLink is the address of what is known of an IP address; "" for what is none.
func addressLink(ip string) string {
	if _, err := netip.ParseAddr(ip); err != nil {
		return ""
	}
	return entityLink(search.EntityAddress, "", ip)
}

func kindText(k audit.UserKind) string {
	switch k {
	case audit.UserPerson:
		return "person"
	case audit.UserServiceAccount:
		return "service account"
	case audit.UserNode:
		return "node"
	case audit.UserSystem:
		return "control plane"
	case audit.UserAnonymous:
		return "without a login"
	}
	return "not known"
}

func whenOf(w audit.When, e *record.Event) (f facts) {
	f.at("Request received", w.Received)
	f.at("This stage", w.StageTime)
	f.note(stageText(w.Stage))
	if w.Latency > 0 {
		f.add("Took", w.Latency.Round(time.Microsecond).String())
	}
	f.at("Came to kubewitness", e.Received)
	f.note(came(e))
	if e.Late() {
		f.note("late: it happened " + alert.Span(e.Received.Sub(e.Event.Time)) + " before")
	}
	if l := e.Link; l != nil {
		f.at("Reviewed at admission", l.At)
		if len(l.Told) > 0 {
			f.note("told to outputs with the other event of the request: " + strings.Join(l.Told, ", "))
		}
	}
	if e.Flags&record.Expired != 0 {
		f.add("Filed under", "the time it came: its own is older than what is kept")
	}
	if e.Flags&record.Ahead != 0 {
		f.add("Filed under", "the time it came: its own lies in the future")
	}
	return f
}

func stageText(stage string) string {
	switch stage {
	case "RequestReceived":
		return "the request was received"
	case "ResponseStarted":
		return "the answer began"
	case "ResponseComplete":
		return "the answer was complete"
	case "Panic":
		return "the API server panicked"
	}
	return ""
}

func whereOf(a audit.Answer, e *record.Event) (f facts) {
	w := a.Where
	f.linked("Cluster", w.Cluster, query{Since: "7d", Show: "events", Clusters: filled([]string{w.Cluster})}.link())
	for _, k := range sortedKeys(e.Labels) {
		f.add("Cluster "+onOneLine(k), e.Labels[k])
	}
	f.linked("Namespace", w.Namespace, entityLink(search.EntityNamespace, w.Cluster, w.Namespace))
	link := ""
	if o, ok := objectOf(a); ok {
		link = objectLink(o)
	}
	f.linked("Object", w.Object, link)
	f.add("Object id", w.UID)
	f.add("Node", w.Node)
	f.add("Container", w.Container)
	f.add("Images", w.Images...)
	return f
}

// outcome is how a request ended, in words and colour.
type outcome struct {
	Text, Class string
}

func outcomeOf(w audit.What) outcome {
	o := outcome{Text: strings.ReplaceAll(string(w.Outcome), "_", " "), Class: "other"}
	switch w.Outcome {
	case audit.OutcomeSucceeded, audit.OutcomeConnected, audit.OutcomeAllowed:
		o.Class = "done"
	case audit.OutcomeDenied, audit.OutcomeForbidden, audit.OutcomeRefused, audit.OutcomeUnauthenticated, audit.OutcomeImpersonationDenied:
		o.Class = "denied"
	case audit.OutcomeFailed, audit.OutcomePanicked, audit.OutcomeTargetFailed:
		o.Class = "failed"
	}
	if w.Code != 0 {
		o.Text += " (" + strconv.Itoa(w.Code) + ")"
	}
	return o
}

func yes(is bool, text string) string {
	if is {
		return text
	}
	return ""
}

func seconds(n int64) string {
	if n <= 0 || n > int64((1<<62)/time.Second) {
		return ""
	}
	return (time.Duration(n) * time.Second).String()
}
