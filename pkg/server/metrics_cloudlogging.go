package server

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/kubewitness/kubewitness/pkg/ingest/cloudlogging"
)

func (x exporter) cloudLogging(out metrics) {
	var all []cloudlogging.Status
	for _, p := range x.server.pulls {
		all = append(all, p.follower.Status()...)
	}
	for _, s := range all {
		of := []string{"resource", s.Resource}
		for _, mode := range []string{cloudlogging.ModeStarting, cloudlogging.ModePolling, cloudlogging.ModeTailing} {
			out.gauge("cloudlogging_mode", "1 for the way in which new entries come.", truth(s.Mode == mode), append(of[:2:2], "mode", mode)...)
		}
		out.gauge("cloudlogging_failing", "1 while the log cannot be read on.", truth(s.LastError != ""), of...)
		out.gauge("cloudlogging_read_timestamp_seconds", "What Cloud Logging had received before is taken.", float64(s.Read.UnixMilli())/1e3, of...)
		out.gauge("cloudlogging_latency_seconds", "From the receipt of the newest entry by Cloud Logging until it came here.", s.Latency.Seconds(), of...)
		out.gauge("cloudlogging_pending_parts", "Entries of which parts are missing.", float64(s.Parts), of...)
		out.gauge("cloudlogging_quota_blocked", "1 while nothing is asked, since Cloud Logging said that the quota is used up.", truth(!s.Quota.Blocked.IsZero()), of...)
		for _, c := range []struct {
			name, help string
			n          int64
		}{
			{"entries", "Entries that came.", s.Entries},
			{"again_entries", "Entries that came again, and were passed over.", s.Again},
			{"other_entries", "Entries that are no audit entries of the Kubernetes API.", s.Others},
			{"late_entries", "Entries that only the second look found.", s.Late},
			{"truncated_events", "Events of entries of which parts did not come.", s.Truncated},
			{"retries", "Times that what was read was not taken at once.", s.Retries},
			{"requests", "Requests of entries.list.", s.Requests.Requests},
			{"failed_requests", "Of these, those that failed and were made again.", s.Requests.Retries},
			{"restarts", "Readings that went on by time, since a page token was not taken.", s.Requests.Restarts},
			{"tails", "Sessions of entries.tail.", s.Tails},
			{"failed_tails", "Of these, those that could not be had or broke soon.", s.TailFails},
			{"suppressed_entries", "Entries that a tail left out, at least; they were read instead.", s.Suppressed},
			{"quota_waits", "Requests that waited for the quota of the project.", s.Quota.Waits},
			{"quota_refusals", "Times that Cloud Logging said that the quota of the project is used up.", s.Quota.Refusals},
		} {
			out.counter("cloudlogging_"+c.name+"_total", c.help, uint64(c.n), of...)
		}
		out.send(prometheus.CounterValue, "cloudlogging_quota_wait_seconds_total", "Time that requests waited for the quota of the project.", s.Quota.Waited.Seconds(), of)
	}
}
