package field_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/field"
)

func TestInBody(t *testing.T) {
	for written, want := range map[string]bool{
		"ka.verb":                             false,
		"ka.uri.param[limit]":                 false,
		"ka.target.name":                      false,
		"ka.sourceips":                        true, // strict
		"ka.target.pod.name":                  true,
		"ka.req.configmap.name":               false,
		"ka.req.configmap.obj":                true,
		"ka.req.pod.containers.image[0]":      true,
		"ka.req.binding.subject.has_name[x]":  false,
		"ka.resp.name":                        true,
		"evt.num":                             false,
		"evt.plugininfo":                      true,
		"json.obj":                            true,
		"json.rawtime":                        false,
		"jevt.value[/requestObject]":          true,
		"jevt.value[requestObject]":           true,
		"jevt.value[/requestObject/spec/x]":   true,
		"json.value[responseObject/metadata]": true,
		"jevt.value[/requestObjects]":         false,
		"jevt.value[/objectRef/name]":         false,
		"jevt.value[//requestObject]":         false,
		"jevt.value[/a/requestObject]":        false,
		"jevt.value[/request~1Object]":        false,
		"jevt.value[]":                        true,
		"jevt.value[/]":                       false,
		"kw.object.name":                      true,
		"kw.object.apigroup":                  false,
		"kw.dryrun":                           true,
		"kw.pod.host_network":                 true,
		"kw.duplicate_keys":                   false,
		"kw.response.code":                    false,
	} {
		f, arg := lookup(t, written)
		assert.Equal(t, want, f.InBody(arg), written)
	}
}

// What InBody says holds: without the bodies the other fields find the same,
// and each that looks into them finds something else in some event.
func TestInBodyHolds(t *testing.T) {
	differs := map[string]bool{}
	for _, c := range allCases() {
		f, arg := lookup(t, c.field)
		for _, strict := range []bool{false, true} {
			full, bare := contextOf(t, c.event, strict), contextOf(t, withoutBodies(t, c.event), strict)
			full.Event.AuditID, bare.Event.AuditID = "a", "a"
			if same := assert.ObjectsAreEqual(f.Extract(full, arg), f.Extract(bare, arg)); !same {
				differs[f.Name] = true
				assert.True(t, f.InBody(arg), "%s looks into a body of %s", c.field, c.event)
			}
		}
	}
	for _, f := range field.Default().All() {
		if f.InBody(field.Arg{}) && !strings.HasSuffix(f.Name, ".value") {
			assert.True(t, differs[f.Name] || strings.HasSuffix(f.Name, ".obj") || f.Name == "evt.plugininfo", "no case has %s look into a body", f.Name)
		}
	}
}

// withoutBodies takes the request and the response object out of an event. What
// is left stands as it stood.
func withoutBodies(t testing.TB, event string) string {
	t.Helper()
	root, err := audit.ParseValue([]byte(event))
	if err != nil || root.Kind() != audit.Object {
		return event
	}
	var members []string
	for key, v := range root.Members() {
		if key != "requestObject" && key != "responseObject" {
			members = append(members, quote(t, key)+":"+string(v.Raw()))
		}
	}
	return "{" + strings.Join(members, ",") + "}"
}
