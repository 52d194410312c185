// Package query writes what Cloud Logging is asked: queries in the Logging query language, and names of resources.
//
// A query is a conjunction of comparisons of ours and, in parentheses, one expression of the user's:
//
//	(log_id("...") OR log_id("...")) AND protoPayload.serviceName="k8s.io"
//	AND timestamp>="..." AND timestamp<"..." AND receiveTimestamp>="..." AND receiveTimestamp<"..."
//	AND resource.labels.cluster_name="..." AND (USER'S)
//
// Values are quoted; the user's text is held to be an expression that its parentheses keep together ([Check]), so that
// whatever it says it can only narrow what is read.
//
// What must not come in: the API itself.
package query

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// Logs that the API servers of GKE write, without the resource that they are of.
const (
	Activity   = "cloudaudit.googleapis.com/activity"    // what changes something; always on
	DataAccess = "cloudaudit.googleapis.com/data_access" // what reads; off unless turned on
)

// Query says which entries are meant. What is zero is not asked for.
type Query struct {
	Logs         []string  // of Activity and DataAccess; none: both
	Cluster      string    // cluster_name
	User         string    // a filter that passed Check
	From         time.Time // timestamp: first
	To           time.Time // timestamp: first not
	ReceivedFrom time.Time // receiveTimestamp: first
	ReceivedTo   time.Time // receiveTimestamp: first not
}

// String writes the query.
func (q Query) String() string {
	logs := q.Logs
	if len(logs) == 0 {
		logs = []string{Activity, DataAccess}
	}
	terms := make([]string, len(logs))
	for i, log := range logs {
		terms[i] = "log_id(" + Quote(log) + ")"
	}
	all := []string{"(" + strings.Join(terms, " OR ") + ")", `protoPayload.serviceName="k8s.io"`}
	for _, bound := range []struct {
		comparison string
		at         time.Time
	}{{"timestamp>=", q.From}, {"timestamp<", q.To}, {"receiveTimestamp>=", q.ReceivedFrom}, {"receiveTimestamp<", q.ReceivedTo}} {
		if !bound.at.IsZero() {
			all = append(all, bound.comparison+Quote(bound.at.UTC().Format(time.RFC3339Nano)))
		}
	}
	if q.Cluster != "" {
		all = append(all, "resource.labels.cluster_name="+Quote(q.Cluster))
	}
	if q.User != "" {
		all = append(all, "(\n"+q.User+"\n)") // a comment of the user's ends with the line
	}
	return strings.Join(all, " AND ")
}

// Quote spells a text as a string of the language.
func Quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`).Replace(s) + `"`
}

// maxFilter leaves room for what stands around it: Cloud Logging takes 20,000 characters.
const maxFilter = 15_000

// Check tells what is wrong with a filter of the user's, as far as it concerns what stands around it: quotes and
// parentheses must be balanced. What the language says to the rest is for Cloud Logging to tell.
func Check(filter string) error {
	if len(filter) > maxFilter {
		return fmt.Errorf("it has %d bytes, %d are possible", len(filter), maxFilter)
	}
	depth := 0
	for i := 0; i < len(filter); i++ {
		switch c := filter[i]; {
		case c == '"':
			end := quotedEnd(filter, i)
			if end < 0 {
				return fmt.Errorf("the quote at byte %d is not closed", i+1)
			}
			i = end
		case c == '\'':
			return fmt.Errorf("at byte %d is a single quote; write strings in double quotes", i+1)
		case strings.HasPrefix(filter[i:], "--"):
			return fmt.Errorf("at byte %d is a comment; take it away", i+1)
		case c == '(':
			depth++
		case c == ')':
			if depth--; depth < 0 {
				return fmt.Errorf("the parenthesis at byte %d closes nothing", i+1)
			}
		case c < ' ' && c != '\n' && c != '\t' && c != '\r' || c == 0x7f:
			return fmt.Errorf("at byte %d is the control character %q", i+1, c)
		}
	}
	if depth > 0 {
		return errors.New("a parenthesis is not closed")
	}
	return nil
}

// quotedEnd finds the quote that closes the one at a place; -1: none does.
func quotedEnd(s string, at int) int {
	for i := at + 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}

var resource = regexp.MustCompile(`^(projects/[a-z0-9][a-z0-9.:-]{0,99}|folders/[0-9]{1,30}|organizations/[0-9]{1,30}|billingAccounts/[A-Za-z0-9-]{1,50})` +
	`(/locations/[a-z0-9-]{1,50}/buckets/[A-Za-z0-9_.-]{1,100}/views/[A-Za-z0-9_.-]{1,100})?$`)

// CheckResource tells what is wrong with the name of something that has logs.
func CheckResource(name string) error {
	if !resource.MatchString(name) {
		return fmt.Errorf("%q names nothing that has logs; write projects/ID, folders/NUMBER, organizations/NUMBER, billingAccounts/ID, "+
			"or a view of a log bucket, projects/ID/locations/LOCATION/buckets/BUCKET/views/VIEW", name)
	}
	return nil
}

// Container is the project, folder, organization or billing account that a resource is, or is in.
func Container(name string) string {
	parts := strings.SplitN(name, "/", 3)
	return strings.Join(parts[:min(2, len(parts))], "/")
}
