package admission

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
)

// TestNoRuleFindsAMutation: what our own rules find in a request they find in the event of the
// request as it is then, and not in that of its mutation too.
func TestNoRuleFindsAMutation(t *testing.T) {
	set, err := ruleset.Load(ruleset.Options{MinPriority: rules.Debug})
	require.NoError(t, err)
	judgeReview, judgeMutation := judgeOf(t, set), judgeOf(t, set)
	in, err := os.Open("../../audit/testdata/events.jsonl.gz")
	require.NoError(t, err)
	defer in.Close()
	inReviews, inMutations, reviews, at := 0, 0, 0, noon
	for r := audit.NewReader(in, "events", audit.Limits{}); ; {
		e, err := r.Next()
		if err != nil {
			break
		}
		rv, ok := reviewOfEvent(t, e)
		if !ok {
			continue
		}
		reviews++
		o := Origin{Cluster: "prod", Sender: "token", Received: at}
		at = at.Add(time.Minute) // longer than a request may take
		reviewed, err := rv.event(o)
		require.NoError(t, err)
		mutated, err := rv.mutation(o, &Change{Entries: []string{"a"}, Patch: []byte(patch)}, false)
		require.NoError(t, err)
		inReviews += judgeReview(reviewed)
		inMutations += judgeMutation(mutated)
	}
	assert.Greater(t, reviews, 50)
	assert.Positive(t, inReviews)
	assert.Zero(t, inMutations)
}

// judgeOf counts what rules find in events, one after the other.
func judgeOf(t *testing.T, set *ruleset.Set) func(e *audit.Event) int {
	t.Helper()
	j, err := set.Judge(false, nil, "host")
	require.NoError(t, err)
	return func(e *audit.Event) int {
		res, late := j.Judge(&field.Context{Event: e})
		return len(res.Detections) + len(late)
	}
}

// reviewOfEvent makes a review of a recorded request that wrote an object; false for others.
func reviewOfEvent(t *testing.T, e *audit.Event) (*review, bool) {
	t.Helper()
	root := e.Root()
	ref, object := root.Get("objectRef"), root.Get("requestObject")
	operation := map[string]string{"create": "CREATE", "update": "UPDATE"}[root.Get("verb").Text()]
	if operation == "" || object.Kind() != audit.Object || ref.Get("subresource").Exists() {
		return nil, false
	}
	resource, err := json.Marshal(map[string]string{"group": text(ref.Get("apiGroup")), "version": text(ref.Get("apiVersion")), "resource": text(ref.Get("resource"))})
	require.NoError(t, err)
	rv, err := readReview(fmt.Appendf(nil, `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":%q,"operation":%q,"name":%q,"namespace":%q,"resource":%s,"userInfo":%s,"object":%s,"oldObject":%[7]s}}`,
		e.AuditID, operation, text(ref.Get("name")), text(ref.Get("namespace")), resource, root.Get("user").Raw(), object.Raw()))
	require.NoError(t, err)
	return rv, true
}
