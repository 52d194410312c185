package field

import (
	"strconv"
	"time"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
)

const classCorrelate = "Several events together (kw.correlate.*)"

// Correlation is what several events are together: what a rule with kw_threshold,
// kw_sequence, kw_new_terms or kw_absence has found.
type Correlation struct {
	Count       uint64    // what was counted; the steps of a sequence; 1 of a new term; 0 of an absence
	First, Last time.Time // of the events that count
	Key         []string  // the values of the rule's "by" fields
	Values      []string  // the distinct values, the new terms, or the audit IDs of the events of a sequence
}

// correlateTable has the fields about several events together. They have values in
// the outputs of rules that ask for such, and nowhere else.
func correlateTable() []*Field {
	of := func(name, doc, example string, typ condition.Type, add func(dst []Item, x *Correlation) []Item) *Field {
		return &Field{Name: "kw.correlate." + name, Class: classCorrelate, Doc: doc, Example: example, Type: typ, State: condition.OfCount,
			extract: func(dst []Item, c *Context, _ Arg) []Item {
				if c.Correlation == nil {
					return dst
				}
				return add(dst, c.Correlation)
			}}
	}
	return []*Field{
		of("count", "How many events, or distinct values, were counted when the rule fired: of a sequence its steps, of an absence 0.", "kw.correlate.count >= 20", condition.TypeUint64,
			func(dst []Item, x *Correlation) []Item {
				return append(dst, Item{Text: strconv.FormatUint(x.Count, 10), Num: x.Count})
			}),
		of("first", "Time of the first of the events that count, RFC 3339.", "kw.correlate.first exists", condition.TypeString,
			func(dst []Item, x *Correlation) []Item { return addTime(dst, x.First) }),
		of("last", "Time of the last of the events that count, RFC 3339.", "kw.correlate.last exists", condition.TypeString,
			func(dst []Item, x *Correlation) []Item { return addTime(dst, x.Last) }),
		list(of("key", "Values of the fields that the rule counts by.", "kw.correlate.key intersects (jane)", condition.TypeString,
			func(dst []Item, x *Correlation) []Item { return addTexts(dst, x.Key) })),
		list(of("values", "Distinct values that were counted, the first 20 of them; the new terms; of a sequence the audit IDs of its events.", "kw.correlate.values exists", condition.TypeString,
			func(dst []Item, x *Correlation) []Item { return addTexts(dst, x.Values) })),
	}
}

func addTime(dst []Item, t time.Time) []Item {
	if t.IsZero() {
		return dst
	}
	return append(dst, Item{Text: t.UTC().Format(time.RFC3339Nano)})
}

func addTexts(dst []Item, texts []string) []Item {
	for _, t := range texts {
		dst = append(dst, Item{Text: t})
	}
	return dst
}
