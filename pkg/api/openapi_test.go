package api

import (
	"reflect"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

func document(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(OpenAPI())
	require.NoError(t, err)
	return doc
}

// TestDescriptionIsValid: by the rules of OpenAPI, examples included.
func TestDescriptionIsValid(t *testing.T) {
	doc := document(t)
	require.NoError(t, doc.Validate(t.Context(), openapi3.EnableExamplesValidation(), openapi3.EnableSchemaFormatValidation()))
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			assert.NotEmpty(t, op.OperationID, "%s %s", method, path)
			assert.NotEmpty(t, op.Summary, "%s %s", method, path)
			for _, code := range []string{"400", "401", "500"} {
				assert.NotNil(t, op.Responses.Value(code), "%s %s does not say what %s means", method, path, code)
			}
		}
	}
}

// TestDescriptionHasTheTypes: each schema has the members of its Go type and no other,
// and those that are always there are required.
func TestDescriptionHasTheTypes(t *testing.T) {
	doc := document(t)
	for name, v := range map[string]any{
		"Event": Event{}, "Detection": Detection{}, "EventList": EventList{}, "Summary": Summary{}, "DetectionList": DetectionList{},
		"EventDetection": EventDetection{}, "HuntHit": HuntHit{}, "Facets": Facets{}, "Facet": Facet{}, "FacetValue": FacetValue{},
		"Histogram": Histogram{}, "Bucket": Bucket{}, "Object": Object{}, "History": History{}, "HistoryEntry": HistoryEntry{},
		"Change": Change{}, "Entity": Entity{}, "Outcomes": Outcomes{}, "Origin": Origin{}, "NewValue": NewValue{}, "Rules": Rules{}, "Rule": Rule{}, "Explanation": Explanation{}, "Clause": Clause{},
		"Status": Status{}, "Imported": Imported{}, "Problem": Problem{}, "Position": Position{}, "Last": Last{}, "Lagged": Lagged{},
		"User": audit.User{},
	} {
		t.Run(name, func(t *testing.T) {
			ref := doc.Components.Schemas[name]
			require.NotNil(t, ref)
			members, always := membersOf(reflect.TypeOf(v))
			assert.ElementsMatch(t, members, keys(ref.Value.Properties))
			assert.ElementsMatch(t, always, ref.Value.Required)
		})
	}
	answer := doc.Components.Schemas["Answer"].Value.Properties
	for name, v := range map[string]any{"what": audit.What{}, "who": audit.Who{}, "when": audit.When{}, "where": audit.Where{}} {
		members, always := membersOf(reflect.TypeOf(v))
		assert.ElementsMatch(t, members, keys(answer[name].Value.Properties), name)
		assert.ElementsMatch(t, always, answer[name].Value.Required, name)
	}
}

func keys(m openapi3.Schemas) (names []string) {
	for name := range m {
		names = append(names, name)
	}
	return names
}

// membersOf gives the JSON names of a struct, and those that are never left out.
func membersOf(t reflect.Type) (members, always []string) {
	for i := range t.NumField() {
		f := t.Field(i)
		tag, has := f.Tag.Lookup("json")
		if f.Anonymous && !has {
			m, a := membersOf(f.Type)
			members, always = append(members, m...), append(always, a...)
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		members = append(members, name)
		if options == "" {
			always = append(always, name)
		}
	}
	return members, always
}
