package server

// correlate tells of the rules about several events.
func (x exporter) correlate(out metrics) {
	c := x.server.correlator
	if c == nil {
		return
	}
	n, s, owed := c.gauges()
	out.counter("correlate_events_total", "Events judged by the rules about several events.", n.events)
	out.counter("correlate_late_events_total", "Events that came too late for these rules, and met the condition of one.", s.Late)
	out.counter("correlate_evicted_total", "Keys that were forgotten for want of memory.", s.Evicted)
	out.counter("correlate_faults_total", "Rules that failed on an event: defects of this program.", s.Faults)
	out.counter("correlate_known_findings_total", "Findings that the log had already.", n.known)
	out.counter("correlate_dropped_findings_total", "Findings that were dropped since too many waited for the log.", n.dropped)
	out.counter("correlate_snapshots_total", "Times that the state was written down.", n.snapshots)
	out.gauge("correlate_snapshot_bytes", "Bytes of the last of these.", float64(n.bytes))
	out.gauge("correlate_waiting_findings", "Findings that the log has not taken yet.", float64(owed))
	out.gauge("correlate_memory_bytes", "Bytes kept for these rules, about.", float64(s.Bytes))
	for _, r := range s.Rules {
		out.gauge("correlate_keys", "Keys that are kept of a rule.", float64(r.Keys), "rule", r.Name)
	}
	for name, found := range n.rules {
		out.counter("correlate_findings_total", "What a rule about several events has found.", found, "rule", name)
	}
}
