package gcp

import (
	"strings"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// BigQuery, where a log sink can send entries to, has columns for the members of an entry: the AuditLog is
// protopayload_auditlog, its request and response are texts with JSON in them, times have a space, and what is neither
// letter nor digit in a label's name became "_".
const rowPayload = "protopayload_auditlog"

// knownLabels are those whose names are found again in a row.
var knownLabels = []string{
	decisionLabel, "authorization.k8s.io/reason", commandLabel, dryRunLabel, "k8s.io/deprecated", "k8s.io/removed-release",
	"pod-security.kubernetes.io/enforce-policy", "pod-security.kubernetes.io/audit-violations", "pod-security.kubernetes.io/exempt",
}

// column is a label's name as the name of a column.
func column(label string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, label)
}

// label is the text of a label; "" when there is none.
func (e *entry) label(name string) string {
	if value := text(e.labels.Get(name)); value != "" || !e.row {
		return value
	}
	return text(e.labels.Get(column(name)))
}

// labelOf is the name of the label that a row has under a key; other keys stay as they are.
func (e *entry) labelOf(key string) string {
	if e.row {
		for _, label := range knownLabels {
			if column(label) == key {
				return label
			}
		}
	}
	return key
}

// body is the object in a member of the AuditLog.
func (e *entry) body(member string) audit.Value {
	object := e.payload.Get(member)
	if !e.row || object.Exists() && object.Kind() != audit.Null {
		return object
	}
	spelled := text(e.payload.Get(member + "Json"))
	if spelled == "" {
		return audit.Value{}
	}
	object, err := audit.ParseValue([]byte(spelled))
	if err != nil {
		e.unread = append(e.unread, member+"Object")
	}
	return object
}
