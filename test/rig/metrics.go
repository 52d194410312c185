package rig

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Metrics are samples in Prometheus' text format.
type Metrics string

// Metrics asks the API server for its own.
func (c *Cluster) Metrics() (Metrics, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	r, err := c.admin.Do(ctx, Request{Method: http.MethodGet, Path: "/metrics"})
	if err != nil {
		return "", err
	}
	if r.Code != http.StatusOK {
		return "", fmt.Errorf("rig: /metrics: status %d", r.Code)
	}
	return Metrics(r.Body), nil
}

// Sum adds up the samples of a name that have all the labels given, each as
// key="value"; 0 when there is none: Sum("apiserver_audit_error_total", `plugin="webhook"`).
func (m Metrics) Sum(name string, labels ...string) (sum float64) {
	for line := range strings.Lines(string(m)) {
		rest, ok := strings.CutPrefix(line, name)
		if !ok || !strings.HasPrefix(rest, "{") && !strings.HasPrefix(rest, " ") {
			continue
		}
		end := strings.LastIndexByte(rest, ' ')
		value, err := strconv.ParseFloat(strings.TrimSpace(rest[end+1:]), 64)
		if err == nil && hasLabels(rest[:end], labels) {
			sum += value
		}
	}
	return sum
}

func hasLabels(set string, labels []string) bool {
	for _, l := range labels {
		if !strings.Contains(set, "{"+l) && !strings.Contains(set, ","+l) {
			return false
		}
	}
	return true
}
