package rules

import (
	"fmt"
	"strings"
)

// Priority is the urgency of a rule; the lower the number, the more urgent.
type Priority uint8

// The priorities, with syslog's numbers.
const (
	Emergency Priority = iota
	Alert
	Critical
	Error
	Warning
	Notice
	Informational
	Debug
)

var priorityNames = [...]string{
	"Emergency", "Alert", "Critical", "Error", "Warning", "Notice", "Informational", "Debug",
}

// String gives the long form that alerts show, as in "Informational".
func (p Priority) String() string {
	if int(p) < len(priorityNames) {
		return priorityNames[p]
	}
	return fmt.Sprintf("Priority(%d)", uint8(p))
}

// ParsePriority reads a priority in any case; "info" stands for Informational.
func ParsePriority(s string) (Priority, error) {
	if strings.EqualFold(s, "info") {
		return Informational, nil
	}
	for i, name := range priorityNames {
		if strings.EqualFold(s, name) {
			return Priority(i), nil
		}
	}
	return 0, fmt.Errorf("rules: invalid priority %q, want one of %s", s, strings.Join(priorityNames[:], ", "))
}
