package gcp

import (
	"encoding/json"
	"net/url"
	"strings"
)

// query is what labels tell of a URI's query: the command of an exec, and whether the request was a dry run.
func (v *event) query() (parts []string) {
	for _, word := range commandOf(v.entry.label(commandLabel)) {
		parts = append(parts, "command="+url.QueryEscape(word))
	}
	if dry := v.entry.label(dryRunLabel); dry != "" && !strings.EqualFold(dry, "false") {
		parts = append(parts, "dryRun=All")
	}
	return parts
}

// commandOf gives the arguments of a command as the label has them. A text that is no list stays one argument: where it
// was in parts is not known.
func commandOf(label string) []string {
	if label == "" {
		return nil
	}
	var words []string
	if strings.HasPrefix(label, "[") && json.Unmarshal([]byte(label), &words) == nil && len(words) > 0 {
		return words
	}
	return []string{label}
}
