package server

// index tells what became of documents for Elasticsearch.
func (x exporter) index(out metrics) {
	if x.server.index == nil {
		return
	}
	st := x.server.index.sink.Stats()
	out.counter("elasticsearch_created_total", "Documents created.", st.EventsCreated, "stream", "events")
	out.counter("elasticsearch_created_total", "Documents created.", st.DetectionsCreated, "stream", "detections")
	out.counter("elasticsearch_created_total", "Documents created.", st.EntriesCreated, "stream", "gcp_audit")
	out.counter("elasticsearch_known_total", "Documents that were there already.", st.Conflicts, "by", "conflict")
	out.counter("elasticsearch_known_total", "Documents that were there already.", st.Found, "by", "look_up")
	out.counter("elasticsearch_known_total", "Documents that were there already.", st.Joined, "by", "on_its_way")
	out.counter("elasticsearch_reduced_total", "Documents refused for their shape, and indexed, or tried, in a reduced one.", st.Reduced)
	out.counter("elasticsearch_dead_letters_total", "Documents refused in every shape; their events are dead letters.", st.Dead)
	out.counter("elasticsearch_removed_doubles_total", "Second documents that a rollover let in, and that were deleted.", st.Removed)
	out.counter("elasticsearch_doubles_total", "Second documents that could not be deleted for want of rights.", st.Doubles)
	out.counter("elasticsearch_possible_doubles_total", "Documents created without looking for them in earlier indices, for want of rights.", st.PossibleDoubles)
	for cause, n := range st.Retried {
		out.counter("elasticsearch_retried_total", "Documents sent again, by cause.", n, "cause", string(cause))
	}
	out.counter("elasticsearch_requests_total", "Bulk requests.", st.Requests)
	out.counter("elasticsearch_request_bytes_total", "Bytes of bulk requests, uncompressed.", st.Bytes)
	out.counter("elasticsearch_look_ups_total", "Requests that look for documents.", st.LookUps)

	s := x.server.index.sink.State()
	out.gauge("elasticsearch_unsettled_documents", "Documents that are in memory.", float64(s.Unsettled))
	out.gauge("elasticsearch_memory_bytes", "Bytes that these take.", float64(s.Memory))
	out.gauge("elasticsearch_bulk_bytes", "Bytes of a bulk request at most; less than configured when the server takes no more.", float64(s.BulkBytes))
	out.gauge("elasticsearch_trouble", "1 while something keeps documents from being indexed; the log and /status say what.", truth(s.Trouble != ""), "cause", string(s.Cause))
}
