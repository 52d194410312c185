package ingest

import (
	"fmt"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/record"
)

// Judge says what the log keeps of events. It is safe for concurrent use.
type Judge interface {
	// Judge judges events, all by the same rules, and takes their secrets out. ids are
	// the identities of the events. It gives an item for each, whose Raw may be the
	// event's own bytes, and the digest of the rules.
	Judge(events []*audit.Event, ids []audit.Identity) (items []record.Item, ruleset []byte)
	// Text gives a text that is no event without its secrets.
	Text(s string) string
}

// judge has events judged. When the judge fails it judges them one by one, and the
// event that it fails on is kept without all that could hold a secret.
func (t *taking) judge(events []*audit.Event, ids []audit.Identity) (items []record.Item, ruleset []byte) {
	items, ruleset, err := judgeSafely(t.in.cfg.Judge, events, ids)
	if err == nil {
		return items, ruleset
	}
	items = make([]record.Item, 0, len(events))
	for i := range events {
		one, digest, err := judgeSafely(t.in.cfg.Judge, events[i:i+1], ids[i:i+1])
		if err != nil {
			t.count.faults.Add(1)
			one = []record.Item{envelope(events[i], ids[i], err)}
		} else {
			ruleset = digest
		}
		items = append(items, one...)
	}
	return items, ruleset
}

// judgeSafely turns a defect of the judge into an error.
func judgeSafely(j Judge, events []*audit.Event, ids []audit.Identity) (items []record.Item, ruleset []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			// What it says may be made of the event.
			err = fmt.Errorf("judge: failed with a %T", r)
		}
	}()
	items, ruleset = j.Judge(events, ids)
	if len(items) != len(events) {
		return nil, nil, fmt.Errorf("judge: %d items for %d events", len(items), len(events))
	}
	return items, ruleset, nil
}

// enveloped are the members of an event that say who did what, when and where, and
// are no place for secrets.
var enveloped = map[string]bool{
	"kind": true, "apiVersion": true, "level": true, "auditID": true, "stage": true, "verb": true, "user": true,
	"impersonatedUser": true, "objectRef": true, "sourceIPs": true, "requestReceivedTimestamp": true, "stageTimestamp": true,
}

// envelope is what is kept of an event that the judge failed on, and so could not
// redact: better a detail lost than a secret kept.
func envelope(e *audit.Event, id audit.Identity, fault error) record.Item {
	notes := record.Notes{ID: id, Faults: []string{fault.Error()}}
	raw := []byte(`{"kind":"Event"`) // items of a list say no kind
	for key, v := range e.Root().Members() {
		switch {
		case !enveloped[key]:
			notes.Redacted = append(notes.Redacted, "/"+pointer.Replace(key))
		case key != "kind":
			raw = append(raw, `,"`+key+`":`...)
			raw = append(raw, v.Raw()...)
		}
	}
	return record.Item{Raw: append(raw, '}'), Notes: record.EncodeNotes(notes)}
}
