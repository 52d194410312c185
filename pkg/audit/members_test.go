package audit

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// eventMembers are the members that an event can have.
var eventMembers = []string{
	"kind", "apiVersion", "level", "auditID", "stage", "requestURI", "verb", "user", "impersonatedUser", "sourceIPs", "userAgent", "objectRef",
	"responseStatus", "requestObject", "responseObject", "requestReceivedTimestamp", "stageTimestamp", "annotations", "authenticationMetadata",
	"metadata", "timestamp", "oldObject",
}

func TestMembersDoNotMeet(t *testing.T) {
	seen := map[uint8]string{}
	for _, key := range eventMembers {
		assert.Empty(t, seen[hashOf(key)], key)
		seen[hashOf(key)] = key
	}
}

// TestMembersAreFound: those that meet others as well, those with escapes, and no others.
func TestMembersAreFound(t *testing.T) {
	for text, want := range map[string]map[string]string{
		`{"verb":1,"stage":"x"}`:            {"verb": "1", "stage": `"x"`, "ver": "", "": "", "verc": ""},
		`{"abc":1,"cba":2,"":3}`:            {"abc": "1", "cba": "2", "": "3", "bca": "", "verb": ""}, // the first two meet
		`{"a\"b":1,"verb":2}`:               {`a"b`: "1", `a\"b`: "", "verb": "2"},
		`{"abc":{"verb":1},"verb":{"x":2}}`: {"verb": `{"x":2}`, "x": ""},
	} {
		var b Batch
		r := &b.reader
		got, ok := r.glance.read([]byte(text), false, true)
		assert.True(t, ok && got.planted)
		v := Value{tree: &tree{raw: []byte(text), nodes: r.glance.nodes, members: r.glance.members}}
		for key, value := range want {
			assert.Equal(t, value, string(v.Get(key).Raw()), "%s: %q", text, key)
			assert.Equal(t, value, string(v.FirstKeys().Get(key).Raw()), "%s: %q", text, key)
		}
	}
}
