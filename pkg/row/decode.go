package row

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/store"
)

// Decode gives the event that a row was made of. It is read again from its bytes, so
// that its input is its source and it begins in the first line, as with events out of
// the log. Texts of detections and labels are as the log has them: what is no UTF-8 in
// them is replaced. The error says what of the row nobody can read.
func Decode(r store.Row) (*record.Event, error) {
	e, err := decode(&r)
	if err != nil {
		return nil, fmt.Errorf("row: %q, filed under %s: %w", r.ID, r.Time.UTC().Format(time.RFC3339Nano), err)
	}
	return e, nil
}

// Known are the columns that Decode reads: the others follow from the event's bytes.
var Known = []string{Source, Ruleset, Received, Redacted, Faults, Labels, Flags, Link, Detections}

func decode(r *store.Row) (*record.Event, error) {
	if r.Lost {
		return nil, errors.New("what was kept beside it could not be read")
	}
	var known record.Event
	if err := parseID(&known.ID, r.ID); err != nil {
		return nil, err
	}
	var found []byte
	for _, c := range r.Columns {
		if c.Name == Detections {
			found = []byte(c.Value)
		} else if err := parseKnown(&known, c); err != nil {
			return nil, fmt.Errorf("column %s: %w", c.Name, err)
		}
	}
	// The event and its detections are read as those out of the log.
	events, errs := record.Decode(record.Stored{Source: known.Source, Cluster: r.Cluster, Items: []record.Item{{
		Raw: r.Raw, Detections: found, Notes: record.EncodeNotes(record.Notes{ID: known.ID, Link: known.Link}),
	}}})
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	known.Event, known.Detections = events[0].Event, events[0].Detections
	return &known, nil
}

func parseID(id *audit.Identity, text string) error {
	if len(text) != hex.EncodedLen(len(id)) {
		return fmt.Errorf("an ID of %d bytes, it has %d", len(text), hex.EncodedLen(len(id)))
	}
	_, err := hex.Decode(id[:], []byte(text))
	return err
}

// parseKnown reads a column, if it says something of the event that does not follow
// from its bytes.
func parseKnown(e *record.Event, c store.Column) (err error) {
	switch c.Name {
	case Source:
		e.Source = c.Value
	case Ruleset:
		e.Ruleset = c.Value
	case Received:
		e.Received, err = time.Parse(time.RFC3339Nano, c.Value)
	case Redacted:
		e.Redacted, err = ParseList(c.Value)
	case Faults:
		e.Faults, err = ParseList(c.Value)
	case Labels:
		err = json.Unmarshal([]byte(c.Value), &e.Labels)
	case Link:
		err = json.Unmarshal([]byte(c.Value), &e.Link)
	case Flags:
		e.Flags, err = strconv.ParseUint(c.Value, 10, 64)
	}
	return err
}
