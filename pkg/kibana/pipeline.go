package kibana

// pipeline answers: do events come from every cluster, of every level and stage, and is
// what comes whole. What the service itself is up to is in its /metrics.
func pipeline() Dashboard {
	return Dashboard{
		ID: "kubewitness-pipeline", Title: "kubewitness: pipeline health",
		Doc: "What comes in, from which clusters and ways, and what of it is incomplete. All stages are counted here, not requests.",
		Panels: []Panel{
			number(Panel{ID: "kubewitness-pipeline-events", Title: "Events", Doc: "Events of all stages.",
				View: Events, Chart: Metric, Show: []Measure{requests("events")}}),
			number(Panel{ID: "kubewitness-pipeline-senders", Title: "Clusters", Doc: "Different clusters that events came from.",
				View: Events, Chart: Metric, Show: []Measure{different("clusters", "orchestrator.cluster.name")}}),
			number(Panel{ID: "kubewitness-pipeline-odd", Title: "With odd values", Doc: "Events with a value that does not fit its field; it is found in event.original only.",
				View: Events, Query: "kubewitness.odd: *", Chart: Metric, Show: []Measure{requests("events")}}),
			number(Panel{ID: "kubewitness-pipeline-reduced", Title: "In reduced shape", Doc: "Documents that the server refused in full shape. More than none is worth a look at error.message.",
				View: Events, Query: "kubewitness.reduced: true", Chart: Metric, Show: []Measure{requests("events")}}),
			full(Panel{ID: "kubewitness-pipeline-clusters", Title: "Events by cluster", Doc: "Events over time. A cluster whose bars end sends nothing any more.",
				View: Events, Chart: Bars, By: []Bucket{top(12, "cluster", "orchestrator.cluster.name"), overTime}, Show: []Measure{requests("events")}}),
			half(Panel{ID: "kubewitness-pipeline-sources", Title: "Clusters and ways", Doc: "By which way events came from each cluster, and when the last did.",
				View: Events, Chart: Table, By: []Bucket{top(20, "cluster", "orchestrator.cluster.name"), top(5, "way", "kubewitness.source")},
				Show: []Measure{requests("events"), {Op: Latest, Field: "kubewitness.received", Label: "last received"}}}),
			quarter(Panel{ID: "kubewitness-pipeline-stages", Title: "Stages", Doc: "Stages of requests.",
				View: Events, Chart: Pie, By: []Bucket{top(4, "stage", "kubernetes.audit.stage")}, Show: []Measure{requests("events")}}),
			quarter(Panel{ID: "kubewitness-pipeline-levels", Title: "Levels", Doc: "How much the audit policy has the API server tell. Rules about bodies need Request or RequestResponse.",
				View: Events, Chart: Pie, By: []Bucket{top(4, "level", "kubernetes.audit.level")}, Show: []Measure{requests("events")}}),
			half(Panel{ID: "kubewitness-pipeline-rulesets", Title: "Rules in force", Doc: "Events by the digest of the rules that judged them: a new colour is a change of rules.",
				View: Events, Chart: Bars, By: []Bucket{top(6, "ruleset", "kubewitness.ruleset"), overTime}, Show: []Measure{requests("events")}}),
			half(Panel{ID: "kubewitness-pipeline-faults", Title: "Rules that failed", Doc: "Rules that could not judge an event, with the error.",
				View: Events, Query: "kubewitness.faults: *", Chart: Table, By: []Bucket{top(10, "rule and error", "kubewitness.faults")}, Show: []Measure{requests("events")}}),
			half(Panel{ID: "kubewitness-pipeline-fields", Title: "Fields with odd values", Doc: "Fields of the event whose value does not fit.",
				View: Events, Query: "kubewitness.odd: *", Chart: Table, By: []Bucket{top(10, "field", "kubewitness.odd")}, Show: []Measure{requests("events")}}),
			half(Panel{ID: "kubewitness-pipeline-redacted", Title: "Secrets taken out", Doc: "Places in events where secrets were taken out before they were stored.",
				View: Events, Query: "kubewitness.redacted: *", Chart: Table, By: []Bucket{top(10, "place", "kubewitness.redacted")}, Show: []Measure{requests("events"), different("users", "user.name")}}),
		},
	}
}
