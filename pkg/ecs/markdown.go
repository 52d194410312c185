package ecs

import (
	"fmt"
	"strings"
)

const markdownIntro = `# Fields in Elasticsearch

What documents of the streams ` + "`logs-kubernetes.audit_logs-*` (events) and `logs-kubewitness.detections-*`" + ` (detections) have. This
page is generated from the table that the mappings are made of (` + "`go test ./pkg/ecs -update`" + `).

A keyword is found by its whole text, by wildcards (` + "`kubernetes.audit.requestURI: *exec*`" + `) and as one of the values of an array. It
is indexed up to 8191 characters; a longer one is in the document, and not found. Below a field of type flattened every key is a
keyword: ` + "`labels.environment: prod`" + `. A field that is said to be another is another name for it (an alias): documents have the one
field, questions can name either.

The stream ` + "`logs-gcp.audit-*`" + `, which is there where it is asked for, has [fields of its own](#gcpaudit).

What an event has in a place where the API has another type, a text for a number or an object for a text, is left out of the
field. It stays in ` + "`event.original`, and `kubewitness.odd`" + ` names the field.
`

// section is a part of the page: the fields that it takes, in the order of sections.
type section struct {
	title, intro string
	takes        func(name string) bool
}

func begins(prefixes ...string) func(string) bool {
	return func(name string) bool {
		for _, p := range prefixes {
			if strings.HasPrefix(name, p) {
				return true
			}
		}
		return false
	}
}

var sections = []section{
	{"Fields of the catalogue", "What rules see of an event, under the names of [fields.md](fields.md) with `_` for `.`, always as keyword: numbers and truths too. " +
		"A field that the event does not have is absent, and an empty text is the empty text. Bytes that are no UTF-8 are U+FFFD here. " +
		"What is a number can be asked for as one in the field with `.number` behind its name.", begins(columnPrefix)},
	{"Who, what, when, where, and what else is known", "", begins(ourPrefix)},
	{"Objects in request and answer", "`kubernetes.audit.responseObject` has the same fields as `kubernetes.audit.requestObject`: what the server answered. " +
		"What `spec` has of pods is also below `spec.template.spec` (Deployments, DaemonSets, StatefulSets, ReplicaSets, Jobs) and " +
		"`spec.jobTemplate.spec.template.spec` (CronJobs), there without ephemeral containers. Rules, subjects, webhooks, containers and volumes are plain " +
		"objects in arrays, not nested ones: a question about two of their fields does not ask for both in one element.",
		begins(auditPrefix+"requestObject.", auditPrefix+"responseObject.")},
	{"The event", "As the API server wrote it. In the keys of annotations `.` is `_`.", begins(auditPrefix)},
	{"ECS", "", func(string) bool { return true }},
}

// Markdown is the table as a page of documentation.
func Markdown() string {
	rows := make([][]*Field, len(sections))
	fields := allFields()
	for i := range fields {
		f := &fields[i]
		for s := range sections {
			if sections[s].takes(f.Name) {
				rows[s] = append(rows[s], f)
				break
			}
		}
	}
	var b strings.Builder
	b.WriteString(markdownIntro)
	for s := len(sections) - 1; s >= 0; s-- {
		fmt.Fprintf(&b, "\n## %s\n\n", sections[s].title)
		if sections[s].intro != "" {
			b.WriteString(sections[s].intro + "\n\n")
		}
		b.WriteString("| field | type | in | what it holds |\n|--|--|--|--|\n")
		for _, f := range rows[s] {
			if !isRepeated(f.Name) {
				writeRow(&b, f)
			}
		}
	}
	b.WriteString(markdownGCP)
	for _, f := range FieldsOf(GCPAudit) {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", f.Name, f.Type, f.Doc)
	}
	return b.String()
}

const markdownGCP = `
## gcp.audit

What documents of ` + "`logs-gcp.audit-*`" + ` have: [events of GKE as Elastic's integration for Google Cloud has them](elasticsearch.md#elastics-rules-for-gke).
They are rebuilt from the event. What its entry held and the event does not is absent.

| field | type | what it holds |
|--|--|--|
`

// isRepeated tells whether a field is one of those that the page does not say again.
func isRepeated(name string) bool {
	return begins(auditPrefix+"responseObject.", auditPrefix+"requestObject.spec.template.spec.", auditPrefix+"requestObject.spec.jobTemplate.")(name)
}

func writeRow(b *strings.Builder, f *Field) {
	typ, streams := f.Type, "both"
	switch {
	case f.Stored:
		typ += ", not indexed"
	case f.Number:
		typ += ", long"
	}
	switch f.Dataset {
	case AuditLogs:
		streams = "events"
	case Detections:
		streams = "detections"
	}
	doc := f.Doc
	if f.Alias != "" {
		doc += " Is `" + f.Alias + "`."
	}
	fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", f.Name, typ, streams, strings.ReplaceAll(doc, "|", `\|`))
}
