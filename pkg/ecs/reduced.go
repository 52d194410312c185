package ecs

import (
	"strings"

	"github.com/kubewitness/kubewitness/pkg/record"
)

// maxReason is how much of a server's reason a reduced document has, in bytes.
const maxReason = 2048

// AppendReduced appends the document of an event that was refused in its full shape:
// only fields that take any text, the whole event unindexed, and the reason.
func AppendReduced(dst []byte, e *record.Event, o *Options, reason string) []byte {
	w := newWriter(e, o)
	defer w.release()
	start := len(dst)
	dst = append(dst, '{')
	dst = w.head(dst, AuditLogs)
	dst = w.ingested(append(dst, `"event":{"kind":"event"`...))
	dst = append(dst, `,"dataset":"`+AuditLogs+`","id":"`...)
	dst = append(append(dst, w.id...), `",`...)
	if !o.NoOriginal {
		dst = w.original(dst)
	}
	dst[len(dst)-1] = '}'
	dst = append(dst, `,"error":{"message":`...)
	dst = append(appendText(dst, reason[:min(len(reason), maxReason)]), "},"...)
	dst = w.labels(dst)
	if cluster := e.Event.Cluster; cluster != "" {
		dst = append(dst, `"orchestrator":{"cluster":{"name":`...)
		dst = append(appendText(dst, cluster), "}},"...)
	}
	dst = openObject(dst, `"kubewitness":`)
	dst = w.known(dst)
	dst = w.found(dst)
	dst = w.joined(dst)
	dst = yes(dst, `"reduced":`, true)
	dst = closeObject(dst, start)
	return append(dst[:len(dst)-1], '}')
}

// found appends what the rules found.
func (w *writer) found(dst []byte) []byte {
	var names, tags []string
	found := w.e.Detections
	if len(found) == 0 {
		return dst
	}
	urgent := found[0].Rule.Priority
	for _, d := range found {
		urgent = min(urgent, d.Rule.Priority)
		names, tags = add(names, d.Rule.Name), add(tags, d.Rule.Tags...)
	}
	dst = list(dst, `"rules":`, names)
	dst = list(dst, `"tags":`, tags)
	dst = member(dst, `"priority":`, strings.ToLower(urgent.String()))
	return member(dst, `"detections":`, string(record.EncodeDetections(found)))
}
