package record

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

const notesVersion = 1

// Notes are what is known about an event besides what the rules found.
type Notes struct {
	ID       audit.Identity // of the event as it came
	Redacted []string       // JSON pointers of the places where secrets were
	Faults   []string       // rules that failed on it, with the error
	Link     *Link          // to the other event of the same request; nil: none is known
}

type notesJSON struct {
	Redacted []string `json:"redacted,omitempty"`
	Faults   []string `json:"faults,omitempty"`
	Link     *Link    `json:"link,omitempty"`
}

// EncodeNotes writes an item's notes.
func EncodeNotes(n Notes) []byte {
	out := make([]byte, 0, 1+len(n.ID))
	out = append(out, notesVersion)
	out = append(out, n.ID[:]...)
	if len(n.Redacted)+len(n.Faults) == 0 && n.Link == nil {
		return out
	}
	b, _ := json.Marshal(notesJSON{n.Redacted, n.Faults, n.Link}) // texts cannot fail
	return append(out, b...)
}

// DecodeNotes reads an item's notes.
func DecodeNotes(b []byte) (n Notes, err error) {
	if len(b) == 0 {
		return n, errors.New("notes: there are none, so the event has no identity")
	}
	if b[0] != notesVersion {
		return n, fmt.Errorf("notes: of version %d, this program reads version %d", b[0], notesVersion)
	}
	if b = b[1:]; len(b) < len(n.ID) {
		return n, fmt.Errorf("notes: identity of %d bytes, it has %d", len(b), len(n.ID))
	}
	copy(n.ID[:], b)
	if b = b[len(n.ID):]; len(b) > 0 {
		var x notesJSON
		if err := json.Unmarshal(b, &x); err != nil {
			return n, fmt.Errorf("notes: %w", err)
		}
		n.Redacted, n.Faults, n.Link = x.Redacted, x.Faults, x.Link
	}
	return n, nil
}

func (e *Event) decodeNotes(b []byte) error {
	n, err := DecodeNotes(b)
	e.ID, e.Redacted, e.Faults, e.Link = n.ID, n.Redacted, n.Faults, n.Link
	return err
}
