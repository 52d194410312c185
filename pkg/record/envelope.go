package record

import (
	"strings"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// pointer escapes a key in a JSON pointer.
var pointer = strings.NewReplacer("~", "~0", "/", "~1")

// enveloped are the members of an event that say who did what, when and where, and
// are no place for secrets but by abuse.
var enveloped = map[string]bool{
	"apiVersion": true, "level": true, "auditID": true, "stage": true, "verb": true, "user": true, "impersonatedUser": true,
	"objectRef": true, "sourceIPs": true, "requestReceivedTimestamp": true, "stageTimestamp": true,
}

// Envelope is what may be kept of an event that could not be redacted, and the
// places of what is left out: better a detail lost than a secret kept.
func Envelope(e *audit.Event) (raw []byte, left []string) {
	raw = []byte(`{"kind":"Event"`) // items of a list say no kind
	for key, v := range e.Root().Members() {
		switch {
		case key == "kind":
		case !enveloped[key]:
			left = append(left, "/"+pointer.Replace(key))
		default: // the key is one of ours, nothing to escape
			raw = append(raw, `,"`+key+`":`...)
			raw = append(raw, v.Raw()...)
		}
	}
	return append(raw, '}'), left
}
