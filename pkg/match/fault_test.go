package match

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/field"
)

// broken stands for a field or operator with a defect.
type broken struct{}

func (broken) value(*field.Context) value { panic("defect") }
func (broken) eval(*field.Context) bool   { panic("defect") }

const threeRules = `
- {rule: first, desc: d, source: k8s_audit, priority: INFO, condition: evt.num exists, output: "1"}
- {rule: second, desc: d, source: k8s_audit, priority: INFO, condition: evt.num exists, output: "%evt.num"}
- {rule: third, desc: d, source: k8s_audit, priority: INFO, condition: evt.num exists, output: "3"}
`

// TestFaults: a rule that panics costs neither the event nor the other rules,
// and is told.
func TestFaults(t *testing.T) {
	newPlain := func(t *testing.T, opt Options) *Plain {
		m, err := NewPlain(loadRules(t, false, []byte(threeRules)), field.Default(), opt)
		require.NoError(t, err)
		return m
	}
	t.Run("condition", func(t *testing.T) {
		m := newPlain(t, Options{})
		m.rules[1].when = broken{}
		requireOneFault(t, m.Match(someEvent(t)))
	})
	t.Run("output", func(t *testing.T) {
		m := newPlain(t, Options{})
		m.rules[1].output[0].operand = broken{}
		requireOneFault(t, m.Match(someEvent(t)))
	})
	t.Run("output field", func(t *testing.T) {
		m := newPlain(t, Options{})
		m.rules[1].fields[0].operand = broken{}
		requireOneFault(t, m.Match(someEvent(t)))
	})
	t.Run("output, planned", func(t *testing.T) {
		m, err := New(loadRules(t, false, []byte(threeRules)), field.Default(), Options{})
		require.NoError(t, err)
		m.plain.rules[1].output[0].operand = broken{}
		requireOneFault(t, m.Match(someEvent(t)))
		requireOneFault(t, m.Match(someEvent(t)))
	})
	t.Run("beside others, planned", func(t *testing.T) {
		rs := loadRules(t, false, []byte(threeRules))
		m, err := NewBeside(rs, rs, field.Default(), Options{})
		require.NoError(t, err)
		m.plain.rules[1].output[0].operand = broken{}
		m.plain.rules[3].when = broken{}
		res, met := m.MatchBeside(nil, someEvent(t))
		assert.Equal(t, []int32{1, 2}, met)
		require.Len(t, res.Detections, 2)
		require.Len(t, res.Faults, 2)
		assert.Equal(t, []string{"second", "first"}, []string{res.Faults[0].Rule.Name, res.Faults[1].Rule.Name})
	})
	t.Run("a fault is no match", func(t *testing.T) {
		m := newPlain(t, Options{First: true})
		m.rules[0].when = broken{}
		res := m.Match(someEvent(t))
		require.Len(t, res.Detections, 1)
		assert.Equal(t, "second", res.Detections[0].Rule.Name)
		assert.Len(t, res.Faults, 1)
	})
}

func someEvent(t *testing.T) *field.Context {
	t.Helper()
	e := &audit.Event{Raw: []byte(`{"kind":"Event","auditID":"1"}`), AuditID: "1"}
	return &field.Context{Event: e, Num: 1}
}

func requireOneFault(t *testing.T, res Result) {
	t.Helper()
	require.Len(t, res.Detections, 2)
	assert.Equal(t, "first", res.Detections[0].Rule.Name)
	assert.Equal(t, "third", res.Detections[1].Rule.Name)
	require.Len(t, res.Faults, 1)
	assert.Equal(t, "second", res.Faults[0].Rule.Name)
	assert.EqualError(t, res.Faults[0].Err, `match: panic in rule "second": defect`)
}
