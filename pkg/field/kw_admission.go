package field

import (
	"strings"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/condition"
)

const classAdmission = "Admission (kw.*)"

// reviewKey is the annotation of events made of admission reviews that has the review's uid.
const reviewKey = "admission.kubewitness.io/uid"

// admissionTable has the fields about what API servers ask before they do something.
func admissionTable() []*Field {
	return []*Field{
		{Name: "kw.admission.uid", Class: classAdmission, Doc: "Uid of the admission review of the request: in the event that was made of the review, and in those of an audit log that were joined with it when they came. " +
			"Absent where nobody asked, or where nobody can tell which review it was.",
			Example: "kw.admission.uid = 0df28fbd-5f5f-11e8-bc74-36e6bb280816", Type: condition.TypeString, Paths: []string{"any", pointer("annotations", reviewKey)},
			extract: func(dst []Item, c *Context, _ Arg) []Item {
				if c.Event.Review != "" {
					return append(dst, Item{Text: c.Event.Review})
				}
				return addString(dst, c.Event.Root().Path("annotations", reviewKey))
			}},
		list(kw(classAdmission, "kw.admission.failedopen", "Webhooks that the API server could not ask about the request and that it went on without, since their failurePolicy is Ignore: validating ones and mutating ones, each once.",
			"kw.admission.failedopen exists and ka.target.resource = pods", condition.TypeString, []string{"/annotations"}, failedOpen)),
	}
}

// Annotations with a webhook's name are failed-open.validating.webhook.admission.k8s.io/round_0_index_1
// and failed-open.mutation.webhook.admission.k8s.io/round_0_index_1.
const (
	failedOpenPrefix = "failed-open."
	failedOpenKind   = ".webhook.admission.k8s.io/"
)

func failedOpen(dst []Item, root audit.Value, _ Arg) []Item {
	begin := len(dst)
	for key, v := range root.Get("annotations").Members() {
		if !strings.HasPrefix(key, failedOpenPrefix) || !strings.Contains(key, failedOpenKind) || v.Kind() != audit.String {
			continue
		}
		name, known := v.Text(), false
		for i := range dst[begin:] {
			known = known || dst[begin+i].Text == name
		}
		if !known {
			dst = append(dst, Item{Text: name})
		}
	}
	return dst
}
