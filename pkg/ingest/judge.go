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
	items, ruleset, err := judgeSafely(t.by, events, ids)
	if err == nil {
		return items, ruleset
	}
	items = make([]record.Item, 0, len(events))
	for i := range events {
		one, digest, err := judgeSafely(t.by, events[i:i+1], ids[i:i+1])
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

// envelope is what is kept of an event that the judge failed on, and so could not
// redact.
func envelope(e *audit.Event, id audit.Identity, fault error) record.Item {
	raw, left := record.Envelope(e)
	return record.Item{Raw: raw, Notes: record.EncodeNotes(record.Notes{ID: id, Redacted: left, Faults: []string{fault.Error()}})}
}
