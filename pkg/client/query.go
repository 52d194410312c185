package client

import (
	"net/url"
	"strconv"
	"time"
)

// Query says which events. What is empty sets no condition.
type Query struct {
	Condition  string // in Falco's condition syntax
	Text       string // stands somewhere in the raw JSON
	From, To   time.Time
	Since      string // instead of From: so long before the service's now, as in "24h" or "7d"
	Clusters   []string
	Rules      []string // one of these rules fired
	Detections bool     // any rule fired
	Priority   string   // a rule of at least this priority fired
	Stateful   bool     // of a hunt: rules about several events too, and the oldest events first

	Limit int    // at most so many events; 0: the service's default
	After string // Summary.Next of the page before
}

// values are the parameters of the API.
func (q Query) values() url.Values {
	v := url.Values{}
	set := func(name, value string) {
		if value != "" {
			v.Set(name, value)
		}
	}
	set("q", q.Condition)
	set("text", q.Text)
	set("from", timeText(q.From))
	set("to", timeText(q.To))
	set("since", q.Since)
	v["cluster"] = q.Clusters
	v["rule"] = q.Rules
	set("priority", q.Priority)
	if q.Detections {
		set("detections", "true")
	}
	if q.Stateful {
		set("stateful", "true")
	}
	if q.Limit > 0 {
		set("limit", strconv.Itoa(q.Limit))
	}
	set("after", q.After)
	return v
}

func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}
