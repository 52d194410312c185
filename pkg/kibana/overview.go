package kibana

// overview answers: what goes on, what failed, what did rules find.
func overview() Dashboard {
	return Dashboard{
		ID: "kubewitness-overview", Title: "kubewitness: overview",
		Doc:  "What clusters were asked to do, by whom, what of it was refused, and what rules found in it.",
		List: "kubewitness-search-urgent",
		Panels: []Panel{
			number(Panel{ID: "kubewitness-overview-requests", Title: "Requests", Doc: "Requests that have ended.",
				View: Events, Query: once, Chart: Metric, Show: []Measure{requests("requests")}}),
			number(Panel{ID: "kubewitness-overview-users", Title: "Users", Doc: "Different users, service accounts among them.",
				View: Events, Query: once, Chart: Metric, Show: []Measure{different("users", "user.name")}}),
			number(Panel{ID: "kubewitness-overview-denied", Title: "Denied", Doc: "Requests that the authorizers did not allow.",
				View: Events, Query: and(once, refusals), Chart: Metric, Show: []Measure{requests("denied")}}),
			number(Panel{ID: "kubewitness-overview-detections", Title: "Detections", Doc: "Times that a rule fired.",
				View: Detections, Query: untold, Chart: Metric, Show: []Measure{requests("detections")}}),
			half(Panel{ID: "kubewitness-overview-outcomes", Title: "Requests by outcome", Doc: "Requests over time, by how they ended.",
				View: Events, Query: once, Chart: Bars, By: []Bucket{top(5, "outcome", "event.outcome"), overTime}, Show: []Measure{requests("requests")}}),
			half(Panel{ID: "kubewitness-overview-priorities", Title: "Detections by priority", Doc: "Detections over time, by the priority of the rule.",
				View: Detections, Query: untold, Chart: Bars, By: []Bucket{top(8, "priority", "kubewitness.priority"), overTime}, Show: []Measure{requests("detections")}}),
			half(Panel{ID: "kubewitness-overview-rules", Title: "Rules that fired", Doc: "Rules, the most frequent first, and how many users each fired on.",
				View: Detections, Query: untold, Chart: Table, By: []Bucket{top(20, "rule", "rule.name"), top(1, "priority", "kubewitness.priority")},
				Show: []Measure{requests("detections"), different("users", "user.name"), different("clusters", "orchestrator.cluster.name")}}),
			half(Panel{ID: "kubewitness-overview-who", Title: "Busiest users", Doc: "Users, the busiest first: requests, how many failed, from how many addresses.",
				View: Events, Query: once, Chart: Table, By: []Bucket{top(20, "user", "user.name")},
				Show: []Measure{requests("requests"), only("failed", failures), different("addresses", "source.ip")}}),
			third(Panel{ID: "kubewitness-overview-actions", Title: "Actions", Doc: "What requests meant, whatever verb carried them.",
				View: Events, Query: once, Chart: Pie, By: []Bucket{top(12, "action", "kubewitness.what.action")}, Show: []Measure{requests("requests")}}),
			third(Panel{ID: "kubewitness-overview-resources", Title: "Resources", Doc: "What requests were about.",
				View: Events, Query: once, Chart: Bars, By: []Bucket{top(12, "resource", resource)}, Show: []Measure{requests("requests")}}),
			third(Panel{ID: "kubewitness-overview-clusters", Title: "Clusters", Doc: "Requests by cluster.",
				View: Events, Query: once, Chart: Pie, By: []Bucket{top(12, "cluster", "orchestrator.cluster.name")}, Show: []Measure{requests("requests")}}),
		},
	}
}
