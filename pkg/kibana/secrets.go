package kibana

// secrets answers: who read secrets, who got tokens and certificates, who changed what
// may be done.
func secrets() Dashboard {
	return Dashboard{
		ID: "kubewitness-secrets", Title: "kubewitness: secrets and RBAC",
		Doc:  "Who read secrets and got tokens, and who changed roles and bindings.",
		List: "kubewitness-search-rbac",
		Panels: []Panel{
			number(Panel{ID: "kubewitness-secrets-reads", Title: "Reads of secrets", Doc: "Requests that read, listed or watched secrets.",
				View: Events, Query: and(once, secretReads), Chart: Metric, Show: []Measure{requests("reads")}}),
			number(Panel{ID: "kubewitness-secrets-tokens", Title: "Tokens issued", Doc: "Service account tokens asked for by name.",
				View: Events, Query: and(once, tokens), Chart: Metric, Show: []Measure{requests("tokens")}}),
			number(Panel{ID: "kubewitness-secrets-rbac", Title: "Changes of RBAC", Doc: "Changes of roles and bindings.",
				View: Events, Query: and(once, rbacChanges), Chart: Metric, Show: []Measure{requests("changes")}}),
			number(Panel{ID: "kubewitness-secrets-admins", Title: "Grants of cluster-admin", Doc: "Bindings to cluster-admin that were made or changed.",
				View: Events, Query: and(once, grants, `kubewitness.what.grant.role: "cluster-admin"`), Chart: Metric, Show: []Measure{requests("grants")}}),
			half(Panel{ID: "kubewitness-secrets-over-time", Title: "Reads of secrets by user", Doc: "Reads of secrets over time, by the busiest readers.",
				View: Events, Query: and(once, secretReads), Chart: Bars, By: []Bucket{top(8, "user", "user.name"), overTime}, Show: []Measure{requests("reads")}}),
			half(Panel{ID: "kubewitness-secrets-readers", Title: "Who reads secrets where", Doc: "Readers and namespaces: requests, different secrets, how many were refused.",
				View: Events, Query: and(once, secretReads), Chart: Table,
				By:   []Bucket{top(20, "user", "user.name"), top(5, "namespace", "kubewitness.where.namespace")},
				Show: []Measure{requests("reads"), different("secrets", "kubernetes.audit.objectRef.name"), only("failed", failures)}}),
			half(Panel{ID: "kubewitness-secrets-changes", Title: "Who changes RBAC", Doc: "Who changed roles and bindings, and which.",
				View: Events, Query: and(once, rbacChanges), Chart: Table,
				By:   []Bucket{top(20, "user", "user.name"), top(10, "object", "kubewitness.where.object")},
				Show: []Measure{requests("changes"), only("failed", failures)}}),
			half(Panel{ID: "kubewitness-secrets-grants", Title: "Roles given to whom", Doc: "Roles that bindings give, and who gets them.",
				View: Events, Query: and(once, grants), Chart: Table,
				By:   []Bucket{top(20, "role", "kubewitness.what.grant.role"), top(10, "given to", "kubewitness.what.grant.subjects.name")},
				Show: []Measure{requests("bindings"), different("by users", "user.name")}}),
			half(Panel{ID: "kubewitness-secrets-issued", Title: "Tokens by user", Doc: "Who asked for tokens, and of which service account.",
				View: Events, Query: and(once, tokens), Chart: Table, By: []Bucket{top(20, "user", "user.name"), top(10, "service account", "kubewitness.where.object")},
				Show: []Measure{requests("tokens")}}),
			half(Panel{ID: "kubewitness-secrets-kinds", Title: "Changes of RBAC over time", Doc: "Changes by resource.",
				View: Events, Query: and(once, rbacChanges), Chart: Bars, By: []Bucket{top(4, "resource", resource), overTime}, Show: []Measure{requests("changes")}}),
		},
	}
}
