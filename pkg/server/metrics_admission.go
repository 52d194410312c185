package server

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kubewitness/kubewitness/pkg/ingest/admission"
)

func (x exporter) admission(out metrics) {
	r := x.server.reviews
	if r == nil {
		return
	}
	c := r.handler.Counters()
	for status, n := range c.Answers {
		out.counter("admission_answers_total", "Answers to reviews, by HTTP status.", n, "code", strconv.Itoa(status))
	}
	out.counter("admission_allowed_total", "Reviews allowed, those with warnings included.", c.Allowed)
	out.counter("admission_warned_total", "Reviews allowed with warnings.", c.Warned)
	out.counter("admission_denied_total", "Reviews denied.", c.Denied)
	out.counter("admission_faults_total", "Reviews allowed since judging them failed; a defect of this program.", c.Faults)
	out.counter("admission_late_total", "Reviews answered before their event was on disk.", c.Late)
	out.counter("admission_unproved_denials_total", "Denials that were answered without the event being on disk.", c.Unproved)
	for reason, n := range c.Lost {
		out.counter("admission_lost_events_total", "Events of reviews that were answered and never stored, by reason.", n, "reason", reason)
	}
	out.gauge("admission_storing", "Events of reviews that are being stored now.", float64(c.Behind))
	out.gauge("admission_body_bytes", "Bytes of reviews in hand now.", float64(c.InHand))
	out.histogram("admission_decision_seconds", "Time until it is known what to answer, from the end of the review.", c.Decided)
	out.histogram("admission_answer_seconds", "Time until the answer, the disk included, from the end of the review.", c.Answered)
	j := x.server.join.Counters()
	out.counter("admission_joined_total", "Requests of which both a review and an event of an audit log came, and were joined.", j.Joined)
	out.counter("admission_ambiguous_total", "Reviews and audit events that were left apart since several fit.", j.Ambiguous)
	out.counter("admission_evicted_total", "Reviews and requests that were forgotten before they could be joined, for want of room.", j.Evicted)
	out.gauge("admission_join_reviews", "Reviews that audit events can be joined with now.", float64(j.Reviews))
	out.gauge("admission_join_requests", "Requests of audit logs that reviews can be joined with now.", float64(j.Requests))
	told, last := x.server.heart.gaps()
	out.counter("unwatched_total", "Times told of since the start in which kubewitness was not there to be asked.", told)
	out.gauge("unwatched_last_seconds", "How long the newest of these was.", last.Seconds())
	x.enforcement(out, r.judge)
	r.labels.export(out)
	x.mutations(out, r)
	if r.keeper != nil {
		out.gauge("admission_certificate_expiry_timestamp_seconds", "When the endpoint's certificate expires.", float64(r.keeper.Certificate().NotAfter.Unix()))
		renewed, refused := r.keeper.Renewals()
		out.counter("admission_certificate_reloads_total", "Times that a new certificate came into force.", uint64(renewed))
		out.counter("admission_certificate_reload_failures_total", "Times that a new certificate could not come into force.", uint64(refused))
	}
}

func (x exporter) enforcement(out metrics, d *decider) {
	p := d.policy.Load()
	if p == nil {
		return
	}
	out.gauge("enforcement_exceptions", "Exceptions in the enforcement.", float64(len(p.Exceptions)))
	out.gauge("enforcement_expired_exceptions", "Of these, those that have expired.", float64(len(p.Expired(d.now()))))
	out.counter("enforcement_reloads_total", "Times that another enforcement came into force.", d.reloads.Load())
	out.counter("enforcement_reload_failures_total", "Times that a new enforcement had errors and the old one stayed in force.", d.failures.Load())
	out.gauge("enforcement_reload_failing", "1 while the file holds errors and an older enforcement is in force.", truth(d.failing.Load()))
}

// histogram sends a histogram of seconds.
func (m metrics) histogram(name, help string, h admission.Histogram) {
	buckets, sum := map[float64]uint64{}, uint64(0)
	for i, n := range h.Buckets {
		sum += n
		if i < len(admission.Bounds) {
			buckets[admission.Bounds[i].Seconds()] = sum
		}
	}
	m.ch <- prometheus.MustNewConstHistogram(prometheus.NewDesc("kubewitness_"+name, help, nil, nil), sum, time.Duration(h.Sum).Seconds(), buckets)
}
