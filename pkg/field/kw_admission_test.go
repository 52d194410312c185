package field_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/field"
)

var admissionCases = []extractCase{
	{"kw.admission.uid", `{"annotations":{"admission.kubewitness.io/uid":"u-1"}}`, texts("u-1")},
	{"kw.admission.uid", `{"annotations":{"authorization.k8s.io/decision":"allow"}}`, nil},
	{"kw.admission.failedopen", `{"annotations":{"failed-open.validating.webhook.admission.k8s.io/round_0_index_1":"a.example.com",` +
		`"failed-open.mutation.webhook.admission.k8s.io/round_0_index_0":"b.example.com","failed-open.mutation.webhook.admission.k8s.io/round_1_index_0":"b.example.com"}}`,
		texts("a.example.com", "b.example.com")},
	{"kw.admission.failedopen", `{"annotations":{"mutation.webhook.admission.k8s.io/round_0_index_0":"{}","failed-open.elsewhere/x":"c","failed-open.validating.webhook.admission.k8s.io/round_0_index_0":1}}`, nil},
}

func TestAdmissionFields(t *testing.T) { checkBoth(t, admissionCases) }

// TestReviewOfAnAuditEvent: where an event was joined with a review the uid is no part of its
// bytes, and every event can have one.
func TestReviewOfAnAuditEvent(t *testing.T) {
	f, ok := field.Default().Lookup("kw.admission.uid")
	require.True(t, ok)
	e := &audit.Event{Raw: []byte(`{"auditID":"a","stage":"RequestReceived"}`), Review: "u-2"}
	assert.Equal(t, []field.Item{{Text: "u-2"}}, f.Extract(&field.Context{Event: e}, field.Arg{}))
	assert.Contains(t, f.Paths, "any", "who looks at paths only must not take it for absent")
}
