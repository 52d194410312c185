package server

import (
	"context"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kubewitness/kubewitness/pkg/spool"
)

// exporter makes Prometheus' metrics of the counts that the parts of the service
// keep, each time that somebody asks.
type exporter struct {
	server *Server
}

// scrape is how long asking the durable log may take.
const scrape = 5 * time.Second

// Describe implements prometheus.Collector. Without descriptions the registry
// takes whatever comes: the labels hang on the configuration.
func (exporter) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (x exporter) Collect(ch chan<- prometheus.Metric) {
	out := metrics{ch}
	x.intake(out)
	x.judging(out)
	x.spool(out)
	x.correlate(out)
	x.sinks(out)
	x.tails(out)
	x.cloudLogging(out)
	x.pushes(out)
	x.archive(out)
	x.index(out)
	x.admission(out)
	x.api(out)
}

// metrics sends metrics with their labels, which come as names and values by turns.
type metrics struct {
	ch chan<- prometheus.Metric
}

func (m metrics) counter(name, help string, v uint64, labels ...string) {
	m.send(prometheus.CounterValue, name, help, float64(v), labels)
}

func (m metrics) gauge(name, help string, v float64, labels ...string) {
	m.send(prometheus.GaugeValue, name, help, v, labels)
}

func (m metrics) send(kind prometheus.ValueType, name, help string, v float64, labels []string) {
	var names, values []string
	for i := 0; i+1 < len(labels); i += 2 {
		names, values = append(names, labels[i]), append(values, labels[i+1])
	}
	metric, err := prometheus.NewConstMetric(prometheus.NewDesc("kubewitness_"+name, help, names, nil), kind, v, values...)
	if err != nil { // a label that is no UTF-8
		metric = prometheus.NewInvalidMetric(prometheus.NewInvalidDesc(err), err)
	}
	m.ch <- metric
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func (x exporter) intake(out metrics) {
	for _, c := range x.server.intake.Counters() {
		of := []string{"cluster", c.Cluster, "source", c.Source}
		out.counter("ingest_bodies_total", "Bodies of which all is on disk.", c.Bodies, of...)
		out.counter("ingest_bytes_total", "Bytes of these, uncompressed.", c.Bytes, of...)
		out.counter("ingest_events_total", "Events stored.", c.Events, of...)
		out.counter("ingest_known_events_total", "Events that were stored before, and not again.", c.Known, of...)
		out.counter("ingest_expired_events_total", "Events older than the retention, filed when they were received.", c.Expired, of...)
		out.counter("ingest_ahead_events_total", "Events more than an hour in the future, filed when they were received.", c.Ahead, of...)
		out.counter("ingest_faults_total", "Times that judging or redacting failed; a defect of this program.", c.Faults, of...)
		out.counter("ingest_dead_letters_total", "Dead letters stored.", c.Letters, of...)
		for reason, n := range c.Dead {
			out.counter("ingest_rejected_total", "What came in and is no event, by reason.", n, append(of[:4:4], "reason", reason)...)
		}
		for reason, n := range c.Refused {
			out.counter("ingest_refused_total", "Bodies that were not taken; the sender was told to send again.", n, append(of[:4:4], "reason", reason)...)
		}
	}
	if h := x.server.hook; h != nil {
		c := h.handler.Counters()
		for status, n := range c.Answers {
			out.counter("webhook_answers_total", "Answers of the webhook, by HTTP status.", n, "code", strconv.Itoa(status))
		}
		out.gauge("webhook_body_bytes", "Bytes of memory that bodies take now.", float64(c.InHand))
		out.gauge("webhook_bodies_taking", "Bodies that are being judged and stored now.", float64(c.Taking))
		if h.keeper != nil {
			out.gauge("webhook_certificate_expiry_timestamp_seconds", "When the webhook's certificate expires.", float64(h.keeper.Certificate().NotAfter.Unix()))
			renewed, refused := h.keeper.Renewals()
			out.counter("webhook_certificate_reloads_total", "Times that a new certificate came into force.", uint64(renewed))
			out.counter("webhook_certificate_reload_failures_total", "Times that a new certificate could not come into force.", uint64(refused))
		}
	}
	l := x.server.ledger.Counters()
	out.gauge("ledger_entries", "Identities of events that are remembered.", float64(l.Entries))
	out.counter("ledger_early_total", "Identities forgotten before their time, for want of room.", l.Early)
	out.counter("webhook_undecided_events_total", "Events of the log file that may or may not have come through the webhook.", l.Undecided)
	for cluster, n := range l.Lost {
		out.counter("webhook_lost_events_total", "Events that the API server's log file has and its webhook never sent.", n, "cluster", cluster)
	}
}

func (x exporter) judging(out metrics) {
	c := x.server.judge.Counters()
	out.counter("events_judged_total", "Events that the rules judged.", c.Events)
	out.counter("detections_total", "Detections: rules that matched an event.", c.Detections)
	out.counter("rule_faults_total", "Rules that failed on an event; a defect of this program.", c.Faults)
	out.counter("events_redacted_total", "Events that held secrets, which were taken out.", c.Redacted)
	out.counter("events_withheld_total", "Events stored without their bodies since redacting them failed; a defect of this program.", c.Withheld)
	for _, r := range c.Rules {
		out.counter("rule_matches_total", "Detections by rule.", r.Matches, "rule", r.Name, "priority", r.Priority)
	}
	s := x.server.rules.Status()
	out.gauge("rules_enabled", "Rules in force.", float64(x.server.judge.Rules().Enabled()))
	out.gauge("rules_loaded_timestamp_seconds", "When the rules in force were loaded.", float64(s.Loaded.UnixNano())/1e9)
	out.counter("rules_reloads_total", "Times that other rules came into force.", s.Reloads)
	out.counter("rules_reload_failures_total", "Times that new rules had errors and the old ones stayed in force.", s.Failures)
	out.gauge("rules_reload_failing", "1 while the rules files hold errors and older rules are in force.", truth(s.Failing))
}

func (x exporter) spool(out metrics) {
	ctx, cancel := context.WithTimeout(context.Background(), scrape)
	defer cancel()
	s, err := x.server.log.Status(ctx)
	out.gauge("spool_up", "1 while the durable log answers.", truth(err == nil))
	if err != nil {
		return
	}
	for _, state := range []string{spool.StateOpen, spool.StateFull, spool.StatePoisoned, spool.StateDraining} {
		out.gauge("spool_state", "1 for the state that the durable log is in.", truth(s.State == state), "state", state)
	}
	out.gauge("spool_bytes", "Bytes in the durable log.", float64(s.Bytes))
	out.gauge("spool_max_bytes", "Bytes that the durable log may have.", float64(s.MaxBytes))
	out.gauge("spool_messages", "Messages in the durable log.", float64(s.Messages))
	out.gauge("spool_dead_letter_messages", "Messages with dead letters that are kept.", float64(s.DeadLetters))
	if s.FreeBytes > 0 {
		out.gauge("spool_disk_free_bytes", "Bytes free on the disk of the durable log.", float64(s.FreeBytes))
	}
	for cluster, n := range s.Unsettled {
		out.gauge("spool_unsettled_bytes", "Bytes, compressed, that no output has taken yet, by cluster.", float64(n), "cluster", cluster)
	}
	x.spoolCounters(out, s.Counters)
	for _, c := range s.Consumers {
		out.gauge("sink_lag_messages", "Messages of the durable log that the sink has not settled.", float64(c.Pending), "sink", c.Name)
		out.gauge("sink_oldest_unsettled_seconds", "Age of the oldest message that the sink has not settled; 0: there is none.", c.OldestAge.Seconds(), "sink", c.Name)
		out.gauge("sink_failing", "1 while the sink's last attempt failed.", truth(c.LastFailure != ""), "sink", c.Name)
	}
}

func (x exporter) spoolCounters(out metrics, c spool.Counters) {
	out.counter("spool_records_total", "Records that are on disk.", c.Records)
	out.counter("spool_events_total", "Events that are on disk.", c.Events)
	out.counter("spool_dead_letters_total", "Items that are no events and are kept as dead letters.", c.DeadItems)
	out.counter("spool_unknown_total", "Appends of which nobody knows whether they are on disk; the sender was told to send again.", c.Unknown)
	out.counter("spool_refused_total", "Appends refused.", c.Refused)
	out.counter("spool_messages_written_total", "Messages written, each with one fsync.", c.Messages)
	out.counter("spool_torn_chunks_total", "Chunks discarded since their writer died before the record was complete.", c.TornChunks)
	out.counter("spool_redelivered_total", "Deliveries repeated after an error of a sink.", c.Redelivered)
	out.counter("spool_given_up_total", "Records that a sink gave up; they are dead letters.", c.DeadLetters)
	out.counter("spool_reopened_total", "Times that the log was opened anew after the disk had been full.", c.Reopened)
}

func (x exporter) sinks(out metrics) {
	for _, f := range x.server.feeds {
		name := f.sink.Name()
		out.counter("sink_unreadable_total", "Items of the durable log that could not be read; their records are dead letters.", f.unreadable.Load(), "sink", name)
		c := f.counters()
		out.counter("sink_writes_total", "Deliveries written.", c.Writes, "sink", name)
		out.counter("sink_failed_writes_total", "Deliveries that have to be written again.", c.Failed, "sink", name)
		out.counter("sink_detections_total", "Detections written.", c.Detections, "sink", name)
		out.counter("sink_repeated_events_total", "Events left out because they had been written before.", c.Repeated, "sink", name)
		out.counter("sink_refused_detections_total", "Times that a receiver refused a detection for good.", c.Refused, "sink", name)
		out.counter("sink_late_detections_total", "Detections not sent out since their events came more than an hour after they happened, out of a log; they are stored.", c.Late, "sink", name)
		out.counter("sink_joined_detections_total", "Detections not sent out since the review, or the audit event, of the same request had them before; they are stored.", c.Joined, "sink", name)
		out.counter("sink_folded_detections_total", "Detections that are in the count of another's line.", c.Folded, "sink", name)
	}
}

func (x exporter) tails(out metrics) {
	for _, t := range x.server.tails {
		s := t.tail.Status()
		of := []string{"file", s.Path, "cluster", s.Cluster}
		out.gauge("tail_lag_bytes", "Bytes of the log that are not taken yet.", float64(s.Lag), of...)
		out.gauge("tail_failing", "1 while the log cannot be read on.", truth(s.LastError != ""), of...)
		for _, c := range []struct {
			name, help string
			n          int64
		}{
			{"bytes", "Bytes of the log that are taken.", s.Bytes},
			{"retries", "Times that what was read was not taken at once.", s.Retries},
			{"rotations", "Files of the log that were finished.", s.Rotations},
			{"cutoffs", "Times that the log was cut off, as copytruncate does.", s.Cutoffs},
			{"gaps", "Times that the place in the log was not found again, so that lines may be missing.", s.Gaps},
			{"cut_lines", "Lines that were too long, of which only the beginning was kept.", s.CutLines},
			{"torn_lines", "Unfinished lines at the end of a file.", s.Torn},
		} {
			out.counter("tail_"+c.name+"_total", c.help, uint64(c.n), of...)
		}
	}
}

func (x exporter) archive(out metrics) {
	if x.server.archive == nil {
		return
	}
	s := x.server.archive.store.Stats()
	out.gauge("store_events", "Events in the embedded store.", float64(s.Rows))
	out.gauge("store_bytes", "Bytes of the embedded store on disk.", float64(s.Bytes))
	out.gauge("store_days", "Days that have events in the embedded store.", float64(s.Days))
	out.gauge("store_parts", "Files of rows in the embedded store.", float64(s.Parts))
	out.gauge("store_read_only", "1 while the disk has too little room for the embedded store; events wait in the durable log.", truth(s.ReadOnly))
	out.gauge("store_unsearched_events", "Events that the embedded store took and that cannot be found yet.", float64(s.Unsearched))
	out.counter("store_written_events_total", "Events that the embedded store took.", s.Written)
	out.counter("store_known_events_total", "Events that were in the embedded store before.", s.Known)
	out.counter("store_outside_events_total", "Times that an event was refused for its time, and filed when it was received.", s.Outside)
	out.counter("store_expired_events_total", "Events not stored since they were received longer ago than the store keeps.", x.server.archive.sink.Expired())
	out.counter("store_dropped_events_total", "Events that the embedded store's engine lost; a defect.", s.Dropped)
	out.counter("store_beside_events_total", "Events too large for a row, kept in files of their own.", s.Beside)
	out.counter("store_removed_days_total", "Days removed from the embedded store since the disk had too little room.", s.Removed)
	out.counter("store_syncs_total", "Times that what the embedded store took was put on disk.", s.Syncs)
	if oldest, newest, ok := x.server.archive.store.Bounds(); ok {
		out.gauge("store_oldest_timestamp_seconds", "Time of the oldest event in the embedded store.", float64(oldest.Unix()))
		out.gauge("store_newest_timestamp_seconds", "Time of the newest event in the embedded store.", float64(newest.Unix()))
	}
}

func (x exporter) api(out metrics) {
	if x.server.site == nil || x.server.site.api == nil {
		return
	}
	c := x.server.site.api.Counters()
	for a, n := range c.Requests {
		out.counter("api_requests_total", "Answers of the API, by route and HTTP status; 499: the asker went away before.", n, "route", a.Route, "code", strconv.Itoa(a.Code))
	}
	for route, d := range c.Duration {
		out.send(prometheus.CounterValue, "api_request_seconds_total", "Time that answers of the API took.", d.Seconds(), []string{"route", route})
	}
	out.counter("api_denied_total", "Requests to API and pages without a valid token.", c.Denied)
	out.counter("api_throttled_total", "Of these, those told to come slower.", c.Throttled)
	out.counter("api_busy_total", "Queries for which there was no place.", c.HeavyRefused)
	out.counter("api_tails_refused_total", "Tails for which there was no place.", c.TailsRefused)
	out.counter("api_lagged_events_total", "Events that tails passed over since they were read too slowly.", c.Lagged)
	out.gauge("api_queries", "Queries running now.", float64(c.Queries))
	out.gauge("api_tails", "Tails open now.", float64(c.Tails))
}
