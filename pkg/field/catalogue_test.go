package field_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
	"github.com/kubewitness/kubewitness/pkg/field"
)

func TestCatalogueCounts(t *testing.T) {
	count := map[string]int{}
	for _, f := range field.Falco().All() {
		prefix, _, _ := strings.Cut(f.Name, ".")
		count[prefix]++
	}
	assert.Equal(t, map[string]int{"ka": 100, "json": 3, "jevt": 3, "evt": 18}, count)
}

func TestCatalogueEntries(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range field.Default().All() {
		assert.False(t, seen[f.Name], "%s is there twice", f.Name)
		seen[f.Name] = true
		assert.NotEmpty(t, f.Doc, f.Name)
		assert.NotEmpty(t, f.Class, f.Name)
		assert.Equal(t, strings.HasPrefix(f.Name, "kw."), f.Ours, f.Name)
		if f.ArgRequired || f.ArgIndex {
			assert.True(t, f.ArgAllowed, f.Name)
		}
		if f.Ours {
			assert.NotEmpty(t, f.Example, f.Name)
			assert.Equal(t, strings.ToLower(f.Name), f.Name)
		}
		found, ok := field.Default().Lookup(f.Name)
		require.True(t, ok)
		assert.Same(t, f, found)
		info, ok := field.Default().Field(f.Name)
		require.True(t, ok)
		assert.Equal(t, f.Info(), info)
	}
	_, ok := field.Falco().Lookup("kw.level")
	assert.False(t, ok, "Falco has no kw.*")
	_, ok = field.Default().Field("ka.nope")
	assert.False(t, ok)
}

// An example in the documentation must be a condition that loads.
func TestExamplesLoad(t *testing.T) {
	for _, f := range field.Default().All() {
		if f.Example == "" {
			continue
		}
		e, err := condition.Parse(f.Example)
		require.NoError(t, err, f.Name)
		warnings, err := condition.Validate(e, field.Default())
		require.NoError(t, err, "%s: %s", f.Name, f.Example)
		assert.Empty(t, warnings, "%s: %s", f.Name, f.Example)
		assert.Contains(t, f.Example, f.Name)
	}
}

// allCases are the tables of this package's tests.
func allCases() []extractCase {
	var all []extractCase
	for _, table := range [][]extractCase{
		eventCases, bindingCases, objectCases, containerCases, podCases, jsonCases, evtCases,
		whoCases, whatCases, admissionCases, commandCases, templateCases, grantCases,
	} {
		all = append(all, table...)
	}
	for _, d := range deviations {
		all = append(all, extractCase{d.field, d.event, d.want})
	}
	return all
}

func TestEveryFieldHasACase(t *testing.T) {
	found := map[string]bool{"evt.asynctype": true} // never there
	for _, c := range allCases() {
		name, _, _ := strings.Cut(c.field, "[")
		found[name] = found[name] || len(c.want) > 0
	}
	for _, f := range field.Default().All() {
		assert.True(t, found[f.Name] || f.State != condition.OfEvent, "no case finds %s", f.Name)
	}
}

// alwaysThere tells what an event with nothing but an auditID still has.
func alwaysThere(name string) bool {
	switch name {
	case "ka.auditid", "ka.req.binding.subject.has_name", "kw.duplicate_keys", "json.obj", "jevt.obj", "json.rawtime", "jevt.rawtime":
		return true
	case "evt.asynctype":
		return false
	}
	return strings.HasPrefix(name, "evt.")
}

func TestAbsent(t *testing.T) {
	for _, strict := range []bool{false, true} {
		for _, f := range field.Default().All() {
			arg := field.Arg{}
			if f.ArgRequired {
				arg = field.Arg{Present: true, Key: "nope"}
			}
			there := alwaysThere(f.Name)
			got := f.Extract(contextOf(t, `{"auditID":"a"}`, strict), arg)
			assert.Equal(t, there, len(got) > 0, "%s of an event with nothing but an auditID", f.Name)
			if !there {
				assert.Nil(t, got, "%s: absent is nil", f.Name)
			}
			if strings.HasPrefix(f.Name, "ka.") {
				assert.Nil(t, f.Extract(contextOf(t, fullEvent, strict), arg), "%s of an event without an auditID", f.Name)
			}
		}
	}
}

// fullEvent has much, but no auditID.
const fullEvent = `{"stage":"ResponseComplete","verb":"create","requestURI":"/a?nope=1","sourceIPs":["10.0.0.1"],"userAgent":"x",
"user":{"username":"u","groups":["g"]},"objectRef":{"resource":"pods","name":"n","namespace":"s"},"responseStatus":{"code":201},
"requestObject":{"spec":{"hostNetwork":true,"containers":[{"name":"c","image":"i"}],"volumes":[{"name":"v","hostPath":{"path":"nope"}}]},
"rules":[{"verbs":["get"]}],"subjects":[{"kind":"User","name":"x"}]},"responseObject":{"metadata":{"name":"n"}}}`
