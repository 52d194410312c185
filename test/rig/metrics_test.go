package rig

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestMetrics(t *testing.T) {
	m := Metrics(`# HELP apiserver_audit_error_total [ALPHA] Counter
# TYPE apiserver_audit_error_total counter
apiserver_audit_error_total{plugin="log"} 1
apiserver_audit_error_total{plugin="webhook"} 86
apiserver_audit_error_total_created{plugin="webhook"} 7
apiserver_audit_event_total 2.5e+03
latency_bucket{le="0.1",verb="GET"} 3
latency_bucket{le="+Inf",verb="GET"} 4
`)
	for _, tt := range []struct {
		name   string
		labels []string
		want   float64
	}{
		{"apiserver_audit_error_total", nil, 87},
		{"apiserver_audit_error_total", []string{`plugin="webhook"`}, 86},
		{"apiserver_audit_error_total", []string{`plugin="buffered"`}, 0},
		{"apiserver_audit_event_total", nil, 2500},
		{"latency_bucket", []string{`verb="GET"`}, 7},
		{"latency_bucket", []string{`verb="GET"`, `le="+Inf"`}, 4},
		{"latency", nil, 0},
	} {
		assert.Equal(t, tt.want, m.Sum(tt.name, tt.labels...), "%s %v", tt.name, tt.labels)
	}
}
