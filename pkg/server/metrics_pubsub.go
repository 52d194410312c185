package server

// pushes tells what became of the messages of Pub/Sub.
func (x exporter) pushes(out metrics) {
	for _, p := range x.server.pushes {
		s := p.subscription.Status()
		of := []string{"subscription", s.Subscription}
		for _, c := range []struct {
			name, help string
			n          int64
		}{
			{"received_messages", "Messages received, each time that they came.", s.Received},
			{"redelivered_messages", "Of these, messages that had come before, as far as is known.", s.Redelivered},
			{"acked_messages", "Messages acknowledged: what they hold is on disk, or is no audit entry of Kubernetes.", s.Acked},
			{"nacked_messages", "Messages handed back, to come again.", s.Nacked},
			{"dead_messages", "Messages of which no event could be made; they are dead letters.", s.Dead},
			{"events", "Events stored.", s.Events},
			{"known_events", "Events that were stored before, and not again.", s.Known},
			{"truncated_events", "Events of split entries of which parts did not come.", s.Truncated},
			{"retries", "Times that what was received was not taken at once.", s.Retries},
		} {
			out.counter("pubsub_"+c.name+"_total", c.help, uint64(c.n), of...)
		}
		for service, n := range s.Skipped {
			out.counter("pubsub_other_entries_total", "Entries that are no audit entries of Kubernetes, by service or log.", uint64(n), append(of[:2:2], "service", service)...)
		}
		out.gauge("pubsub_in_hand_messages", "Messages received and not settled.", float64(s.InHand), of...)
		out.gauge("pubsub_waiting_parts", "Of these, parts of split entries whose other parts have not come.", float64(s.Parts), of...)
		out.gauge("pubsub_oldest_message_seconds", "Time since the oldest of these was published; 0: there is none.", s.OldestAge.Seconds(), of...)
		out.gauge("pubsub_delay_seconds", "Time from when the message acknowledged last was published until then.", s.Delay.Seconds(), of...)
		out.gauge("pubsub_failing", "1 while nothing can be received, or stored; the log and /status say why.", truth(s.LastError != ""), of...)
	}
}
