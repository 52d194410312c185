package kibana

// pods answers: who was in pods, with which command, and which pods could get out.
func pods() Dashboard {
	return Dashboard{
		ID: "kubewitness-pods", Title: "kubewitness: exec and pods",
		Doc:  "Sessions in pods, pods with rights on their node, containers added to running pods, images.",
		List: "kubewitness-search-began",
		Panels: []Panel{
			number(Panel{ID: "kubewitness-pods-sessions", Title: "Sessions", Doc: "exec, attach and port-forward that have ended.",
				View: Events, Query: and(once, sessions), Chart: Metric, Show: []Measure{requests("sessions")}}),
			number(Panel{ID: "kubewitness-pods-users", Title: "Users with sessions", Doc: "Different users with sessions in pods.",
				View: Events, Query: and(once, sessions), Chart: Metric, Show: []Measure{different("users", "user.name")}}),
			number(Panel{ID: "kubewitness-pods-privileged", Title: "Pods with rights on their node", Doc: "Requests for pods or workloads that get something of their node.",
				View: Events, Query: and(once, newPods), Chart: Metric, Show: []Measure{requests("requests")}}),
			number(Panel{ID: "kubewitness-pods-debug", Title: "Ephemeral containers", Doc: "Containers added to pods that run (kubectl debug).",
				View: Events, Query: and(once, debugging), Chart: Metric, Show: []Measure{requests("added")}}),
			half(Panel{ID: "kubewitness-pods-over-time", Title: "Sessions over time", Doc: "exec, attach and port-forward.",
				View: Events, Query: and(once, sessions), Chart: Bars,
				By: []Bucket{top(3, "kind", subresource), overTime}, Show: []Measure{requests("sessions")}}),
			half(Panel{ID: "kubewitness-pods-who", Title: "Who is in which pod", Doc: "Users and pods of sessions.",
				View: Events, Query: and(once, sessions), Chart: Table,
				By:   []Bucket{top(20, "user", "user.name"), top(10, "pod", "kubewitness.where.object")},
				Show: []Measure{requests("sessions"), only("failed", failures), {Op: Latest, Field: "@timestamp", Label: "last"}}}),
			half(Panel{ID: "kubewitness-pods-commands", Title: "Words of commands", Doc: "Programs and arguments of exec; a session counts for each word of its command.",
				View: Events, Query: and(once, subresource+": exec"), Chart: Table, By: []Bucket{top(25, "word", "kubewitness.what.command")},
				Show: []Measure{requests("sessions"), different("users", "user.name"), different("pods", "kubewitness.where.object")}}),
			half(Panel{ID: "kubewitness-pods-rights", Title: "What pods get of their node", Doc: "Rights on the node that pods and workloads were asked for with.",
				View: Events, Query: and(once, newPods), Chart: Table,
				By:   []Bucket{top(15, "right", "kubewitness.what.privileges"), top(5, "user", "user.name")},
				Show: []Measure{requests("requests"), only("failed", failures), different("namespaces", "kubewitness.where.namespace")}}),
			half(Panel{ID: "kubewitness-pods-images", Title: "Images", Doc: "Images of pods and workloads that were asked for.",
				View: Events, Query: and(once, "container.image.name: *", changes), Chart: Bars, By: []Bucket{top(15, "image", "container.image.name")}, Show: []Measure{requests("requests")}}),
			half(Panel{ID: "kubewitness-pods-paths", Title: "Paths of nodes in pods", Doc: "hostPath volumes that pods were asked for with.",
				View: Events, Query: and(once, "kubernetes.audit.requestObject.spec.volumes.hostPath.path: *"), Chart: Bars,
				By: []Bucket{top(15, "path", "kubernetes.audit.requestObject.spec.volumes.hostPath.path")}, Show: []Measure{requests("requests")}}),
		},
	}
}
