package odd

import (
	"encoding/hex"
	"time"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/redact"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
)

// Hostname is evt.hostname, as the rules were asked.
const Hostname = "host"

// clusters are those that the events come from, by turns.
var clusters = []string{"prod", "dev", "edge"}

// Records are [Events] as they come out of the log, see [RecordsOf].
func Records(rules *ruleset.Set, begin time.Time) ([]*record.Event, error) {
	events, err := Events()
	if err != nil {
		return nil, err
	}
	return RecordsOf(events, rules, begin)
}

// RecordsOf are events as they come out of the log, each once: judged by rules, without
// their secrets, and filed under the time of arrival, since their own is that of a
// recording. From begin on, three arrive together every seven seconds.
func RecordsOf(events []*audit.Event, rules *ruleset.Set, begin time.Time) ([]*record.Event, error) {
	m, err := rules.Matcher(false, nil)
	if err != nil {
		return nil, err
	}
	redactor, err := redact.New(redact.Config{})
	if err != nil {
		return nil, err
	}
	var all []*record.Event
	known := map[audit.Identity]bool{}
	for i, e := range events {
		id := e.Identity()
		if known[id] {
			continue
		}
		known[id] = true
		e.Cluster = clusters[i%len(clusters)]
		found := m.Match(&field.Context{Event: e, Num: 1, Hostname: Hostname})
		e, hidden := redactor.Redacted(e)
		e.Cluster = clusters[i%len(clusters)]
		all = append(all, &record.Event{
			Event: e, ID: id, Source: "webhook", Ruleset: hex.EncodeToString([]byte("rules")), Received: begin.Add(time.Duration(i/3) * 7 * time.Second),
			Flags: record.Expired, Detections: found.Detections, Redacted: hidden,
		})
	}
	return all, nil
}
