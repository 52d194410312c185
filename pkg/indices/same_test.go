package indices

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestHolds(t *testing.T) {
	tests := []struct {
		name        string
		given, sent string
		want        bool
	}{
		{"same", `{"a":{"b":1}}`, `{"a":{"b":1}}`, true},
		{"spelled as text", `{"index":{"replicas":"1","hidden":"true"}}`, `{"index":{"replicas":1,"hidden":true}}`, true},
		{"dots for objects", `{"index.codec":"x"}`, `{"index":{"codec":"x"}}`, true},
		{"defaults added", `{"data_stream":{"hidden":false},"priority":300}`, `{"data_stream":{},"priority":300}`, true},
		{"other value", `{"a":1}`, `{"a":2}`, false},
		{"missing", `{"a":1}`, `{"a":1,"b":2}`, false},
		{"other list", `{"a":["x","y"]}`, `{"a":["x"]}`, false},
		{"shorter list", `{"a":[]}`, `{"a":["x"]}`, false},
		{"nothing", `null`, `{"a":1}`, false},
		{"no JSON", `{`, `{"a":1}`, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.want, holds([]byte(tt.given), []byte(tt.sent)))
		})
	}
}

func TestRolloverAge(t *testing.T) {
	const day = 24 * time.Hour
	for _, tt := range []struct{ retention, want time.Duration }{
		{0, 30 * day}, {time.Hour, time.Hour}, {5 * time.Hour, time.Hour}, {7 * day, 16 * time.Hour}, {90 * day, 9 * day}, {365 * day, 30 * day},
	} {
		assert.Equal(t, tt.want, rolloverAge(tt.retention), tt.retention)
	}
}

func TestTooOld(t *testing.T) {
	for version, want := range map[string]bool{
		"8.12.2": true, "7.17.28": true, "8.13.0": false, "8.19.13": false, "9.0.0": false, "10.1.0": false, "8.13.0-SNAPSHOT": false, "serverless": false, "": false,
	} {
		assert.Equal(t, want, tooOld(version), version)
	}
}

func TestCount(t *testing.T) {
	mapping := object{"a": object{"type": "keyword", "fields": object{"n": object{"type": "long"}}}, "b": object{"properties": object{"c": object{"type": "ip"}}}}
	assert.Equal(t, 4, count(mapping))
}
