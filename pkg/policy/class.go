package policy

import (
	"slices"
	"strings"
)

// class is a kind of requests that a policy does not tell apart. What is nil can be anything.
type class struct {
	verb      string
	target    *target
	who       *identity
	namespace *text
	name      *text

	like Request // one of that kind
}

// moment is a class at a stage, with what is recorded of it then.
type moment struct {
	*class
	stage    string
	source   *Source // whose events lack members; nil: nothing is lacking
	level    Level
	managed  bool // managedFields are recorded
	request  bool // there can be a request object
	response bool // there can be a response object

	moves func(group string) bool
}

// stages at which the API server tells of such requests.
func (c *class) stages() []string {
	if c.who != nil && c.who.nobody {
		return []string{ResponseStarted}
	}
	long := c.like.longRunning()
	if c.who == nil || long {
		return allStages
	}
	return []string{RequestReceived, ResponseComplete, Panic}
}

// at is what is recorded of the class at a stage.
func (c *class) at(stage string, source *Source, level Level, managed bool) *moment {
	m := &moment{class: c, stage: stage, source: source, level: level, managed: managed, moves: func(string) bool { return false }}
	if c.target.path != nil || stage == RequestReceived {
		return m
	}
	m.request = level >= WithRequest && c.sends() && (c.who == nil || !c.who.nobody)
	m.response = level >= RequestResponse
	return m
}

// sends tells whether such requests have a body that is recorded.
func (c *class) sends() bool {
	switch {
	case slices.Contains([]string{"get", "list", "watch"}, c.verb):
		return false
	case slices.Contains([]string{"attach", "exec", "portforward", "proxy"}, c.target.sub):
		return false
	}
	return true
}

// lacks gives the reason why the source's events do not have a member, "" where they may.
func (m *moment) lacks(pointer string) string {
	if m.source == nil {
		return ""
	}
	return m.source.lacks(pointer)
}

// member tells whether an event can have what is at a pointer.
func (m *moment) member(pointer string) bool {
	if pointer == "any" || pointer == "/" || pointer == "" {
		return true
	}
	if m.lacks(pointer) != "" {
		return false
	}
	top, rest, _ := strings.Cut(strings.TrimPrefix(pointer, "/"), "/")
	received, failed := m.stage == RequestReceived, m.who != nil && m.who.nobody
	switch top {
	case "requestObject":
		return m.request && (m.managed || m.verb == "patch" || !strings.Contains(rest, "managedFields"))
	case "responseObject":
		return m.response && (m.managed || !strings.Contains(rest, "managedFields"))
	case "responseStatus":
		return !received
	case "annotations": // the API server writes them while it answers, but for those of the authentication
		return !failed && (!received || rest == "" || strings.HasPrefix(rest, "authentication."))
	case "impersonatedUser":
		return !received && !failed
	case "user":
		return rest == "" || !failed
	case "objectRef":
		return m.target.path == nil
	case "oldObject":
		return m.verb != "create" && !received
	}
	return true
}
