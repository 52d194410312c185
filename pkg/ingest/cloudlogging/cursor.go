package cloudlogging

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/kubewitness/kubewitness/pkg/durable"
)

// cursorVersion is the version of the cursor's file.
const cursorVersion = 1

// cursor says what of a resource's log is taken. All times but Reading.At are of receipt.
type cursor struct {
	Version  int       `json:"version"`
	Resource string    `json:"resource"`
	Read     time.Time `json:"read"`              // what was received before is taken, as far as it could be found then
	Reading  *reading  `json:"reading,omitempty"` // a reading under way
	Swept    time.Time `json:"swept"`             // what was received before was asked for when it had been there for long enough
}

// reading is a reading under way, in the order of the entries' own times.
type reading struct {
	Until time.Time `json:"until"` // where Read is when it has ended
	At    time.Time `json:"at"`    // entries of earlier times are taken
}

// loadCursor returns the stored cursor; nil if there is none.
func loadCursor(path, resource string) (*cursor, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cloudlogging: the cursor: %w", err)
	}
	c, err := parseCursor(text)
	if err == nil && c.Resource != resource {
		err = fmt.Errorf("it is of %q", c.Resource)
	}
	if err != nil {
		return nil, fmt.Errorf("cloudlogging: the cursor %s cannot be understood; remove it to begin anew, cloudlogging.since ago: %w", path, err)
	}
	return c, nil
}

func parseCursor(text []byte) (*cursor, error) {
	var c cursor
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&c); err != nil {
		return nil, err
	}
	switch {
	case c.Version != cursorVersion:
		return nil, fmt.Errorf("it has version %d, this program knows version %d", c.Version, cursorVersion)
	case c.Read.IsZero() || c.Swept.IsZero() || c.Reading != nil && (c.Reading.Until.IsZero() || c.Reading.At.IsZero()):
		return nil, errors.New("a time is missing")
	}
	return &c, nil
}

func (c cursor) save(path string) error {
	c.Version = cursorVersion
	if err := writeFile(path, c); err != nil {
		return fmt.Errorf("cloudlogging: store the cursor: %w", err)
	}
	return nil
}

// writeFile puts a value on disk as JSON, as a whole or not at all.
func writeFile(path string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return durable.Write(path, append(text, '\n'))
}
