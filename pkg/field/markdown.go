package field

import (
	"fmt"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
)

const markdownIntro = `# Fields

What rules and outputs can ask of an event. This page is generated from the catalogue.

A field that an event does not have is absent: every check on it is false, and ` + "`not`" + ` makes that true. An empty list is absent.
Of a list every operator but ` + "`exists`, `in` (all of its elements) and `intersects` (at least one)" + ` is a load error, with an index too.
An argument goes in brackets: a key, as in ` + "`ka.uri.param[limit]`" + `, or an index from 0, as in ` + "`ka.req.pod.containers.image[0]`" + `. ` + "`[[index]]`" + ` means that it may be left out.
A value that is not a string in the event is seen as its JSON text by ` + "`ka.*`, `json.*` and `jevt.*`" + `; null is the text ` + "`null`" + `.
The kw.* fields are typed: a value of another type is absent, and so is null.

Where a field differs from Falco's of the same name: [falco-compatibility.md](falco-compatibility.md).
Falco does not know the kw.* fields: give a rule that uses them ` + "`skip-if-unknown-filter: true`" + `, and Falco skips it.
`

// classIntros stand below the heading of a class.
var classIntros = map[string]string{
	classEvent: "Absent, like all ka.*, from an event without an auditID. All ka.* are text.",
	classPod:   "What a request sends at requestObject.spec, whatever its resource. The kw.pod.* fields below also see the pods of workloads.",
	classJSON:  "The json.* fields and their old names jevt.* are the same.",
	classEvt:   "Times are UTC; Falco prints some in the local time of its host. In output_fields evt.time, evt.time.*, evt.datetime and evt.datetime.s are nanoseconds since 1970.",
	classTemplate: "Of pods, and of whatever holds a pod template: Deployment, DaemonSet, StatefulSet, ReplicaSet, ReplicationController, Job, CronJob, PodTemplate, custom resources with spec.template. " +
		"Of create, update and patch only. What counts is what the client sent, even if that is a part of the object; where it sent no object (a JSON patch) what the server answered; never a mixture. " +
		"Updates of status and of other subresources write no pod; ephemeralcontainers and resize do. " +
		"Containers, init containers and ephemeral containers are one list, in this order. What is not set gives no element and no default, for in a patch it means unchanged.",
	classSeen: "Absent until an event has told of the pod: its creation, its binding to a node, an update of it. Rules that ask for one of these in the condition or the output are judged by the service, `replay` and the tests of rules; " +
		"`search`, and `hunt` without `--stateful`, look at events one by one and leave them out.",
	classCorrelate: "Only in the output of rules with `kw_threshold`, `kw_sequence`, `kw_new_terms` or `kw_absence`: [correlation.md](correlation.md).",
	classGrant:     "Of create, update and patch only, and of the resource concerned. What counts is what the client sent; where it sent no object (a JSON patch) what the server answered.",
}

// Markdown is the catalogue as a page of documentation.
func (c *Catalogue) Markdown() string {
	var b strings.Builder
	b.WriteString(markdownIntro)
	class := ""
	for i, f := range c.fields {
		if f.Class != class {
			class = f.Class
			writeHeading(&b, class, c.fields[i:])
		}
		writeRow(&b, f)
	}
	return b.String()
}

func writeHeading(b *strings.Builder, class string, rest []*Field) {
	fmt.Fprintf(b, "\n## %s\n", class)
	if intro, ok := classIntros[class]; ok {
		fmt.Fprintf(b, "\n%s\n", intro)
	}
	if rest[0].Ours {
		b.WriteString("\n| field | type | what it holds | from | example |\n|--|--|--|--|--|\n")
	} else {
		b.WriteString("\n| field | type | what it holds | from |\n|--|--|--|--|\n")
	}
}

func writeRow(b *strings.Builder, f *Field) {
	doc := f.Doc
	if f.Deprecated {
		doc = "Deprecated. " + doc
	}
	fmt.Fprintf(b, "| `%s` | %s | %s | %s |", f.Usage(), f.TypeName(), cell(doc), from(f.Paths))
	if f.Ours {
		fmt.Fprintf(b, " `%s` |", cell(f.Example))
	}
	b.WriteByte('\n')
}

// Usage is the name with its argument as it is written; an argument that may
// be left out is in brackets of its own.
func (f *Field) Usage() string {
	switch {
	case f.ArgRequired:
		return f.Name + "[key]"
	case f.ArgIndex:
		return f.Name + "[[index]]"
	}
	return f.Name
}

// TypeName names the type in words: "text", "list of numbers".
func (f *Field) TypeName() string {
	words := map[condition.Type][2]string{
		condition.TypeString:  {"text", "list of texts"},
		condition.TypeUint64:  {"number", "list of numbers"},
		condition.TypeRelTime: {"duration in ns", "list of durations in ns"},
		condition.TypeAbsTime: {"time number", "list of time numbers"},
		condition.TypeBool:    {"true or false", "list of true or false"},
		condition.TypeIPNet:   {"address", "list of addresses"},
	}[f.Type]
	if f.List {
		return words[1]
	}
	return words[0]
}

// from shows where a field looks: the first path stands for many.
func from(paths []string) string {
	const few = 3
	more := ""
	if len(paths) > few {
		paths, more = paths[:1], ", ..."
	}
	shown := make([]string, len(paths))
	for i, p := range paths {
		shown[i] = "`" + p + "`"
	}
	return strings.Join(shown, ", ") + more
}

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
