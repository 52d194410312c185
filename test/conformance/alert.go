// Package conformance compares the alerts of this engine with those that a real
// Falco gave for the same rules and the same events.
//
// It holds the recorded sets (see README.md) and the comparison, which knows
// alerts only as JSON lines. Running the engine, and anything that knows rules or
// events, belongs to the tests beside it, never in here: the judge must not share
// code with the judged.
package conformance

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// Alert is one alert, reduced to what must agree.
type Alert struct {
	Event    int64          // the event's 1-based number in the input
	Rule     string         // the rule's name
	Priority string         // in the long form: "Informational"
	Output   string         // without the "TIME: Priority " that Falco puts before it
	Fields   map[string]any // output_fields without evt.num and evt.time; numbers are json.Number
	Tags     []string       // never nil
	Time     string         // as written
}

// line is an alert as it stands in a file: Falco's JSON line, or the recorder's,
// which has the event's number in n and the output's prefix taken off.
type line struct {
	N        json.Number    `json:"n"`
	Rule     *string        `json:"rule"`
	Priority *string        `json:"priority"`
	Output   *string        `json:"output"`
	Fields   map[string]any `json:"output_fields"`
	Tags     []string       `json:"tags"`
	Time     *string        `json:"time"`
}

// prefix is what Falco puts before the output: the event's time and the priority.
var prefix = regexp.MustCompile(`^\S+: \w+ `)

// ReadAlerts reads alerts, one JSON object a line. Lines that do not begin with a
// brace are passed over (a summary, say). An alert is tied to its event by
// output_fields["evt.num"], so let the engine append that field; an alert that has
// neither that nor the recorder's n is an error.
func ReadAlerts(r io.Reader) ([]Alert, error) {
	var alerts []Alert
	in := bufio.NewReader(r)
	for n := 1; ; n++ {
		text, err := in.ReadBytes('\n')
		if bytes.HasPrefix(text, []byte("{")) {
			a, err := parseAlert(text)
			if err != nil {
				return nil, fmt.Errorf("conformance: line %d: %w", n, err)
			}
			alerts = append(alerts, a)
		}
		if errors.Is(err, io.EOF) {
			return alerts, nil
		}
		if err != nil {
			return nil, fmt.Errorf("conformance: line %d: %w", n, err)
		}
	}
}

// ReadExpected reads a gzipped file of alerts recorded from Falco. A file without
// a single alert is an error: comparing with nothing proves nothing.
func ReadExpected(path string) ([]Alert, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("conformance: %w", err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("conformance: %s: %w", path, err)
	}
	alerts, err := ReadAlerts(z)
	if err == nil && len(alerts) == 0 {
		err = errors.New("conformance: no alert in it")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return alerts, nil
}

func parseAlert(text []byte) (Alert, error) {
	var l line
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&l); err != nil {
		return Alert{}, fmt.Errorf("not an alert: %w", err)
	}
	if rest, _ := io.ReadAll(d.Buffered()); len(bytes.TrimSpace(rest)) > 0 {
		return Alert{}, errors.New("not an alert: text after the object")
	}
	for name, v := range map[string]*string{"rule": l.Rule, "priority": l.Priority, "output": l.Output, "time": l.Time} {
		if v == nil {
			return Alert{}, fmt.Errorf("not an alert: it has no %q", name)
		}
	}
	num, output := l.N.String(), *l.Output
	if num == "" {
		num = fmt.Sprint(l.Fields["evt.num"])
		output = strings.TrimPrefix(output, prefix.FindString(output))
	}
	event, err := strconv.ParseInt(num, 10, 64)
	if err != nil {
		return Alert{}, fmt.Errorf("rule %q: no event number, run with evt.num as an appended field", *l.Rule)
	}
	if l.Fields == nil {
		l.Fields = map[string]any{}
	}
	delete(l.Fields, "evt.num")
	delete(l.Fields, "evt.time") // its form is an option of the run; Time says the same
	if l.Tags == nil {
		l.Tags = []string{}
	}
	return Alert{Event: event, Rule: *l.Rule, Priority: *l.Priority, Output: output, Fields: l.Fields, Tags: l.Tags, Time: *l.Time}, nil
}
