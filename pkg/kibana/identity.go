package kibana

// identity answers: who is there, how do they come, what are they not allowed, as whom
// do they act.
func identity() Dashboard {
	return Dashboard{
		ID: "kubewitness-identity", Title: "kubewitness: identity",
		Doc:  "Who sends requests, from where and with what, what they are not allowed, and as whom they act.",
		List: "kubewitness-search-denied",
		Panels: []Panel{
			number(Panel{ID: "kubewitness-identity-people", Title: "People", Doc: "Different users that are neither service accounts nor components.",
				View: Events, Query: and(once, "kubewitness.who.kind: person"), Chart: Metric, Show: []Measure{different("people", "user.name")}}),
			number(Panel{ID: "kubewitness-identity-accounts", Title: "Service accounts", Doc: "Different service accounts that sent requests.",
				View: Events, Query: and(once, "kubewitness.who.kind: serviceaccount"), Chart: Metric, Show: []Measure{different("service accounts", "user.name")}}),
			number(Panel{ID: "kubewitness-identity-anonymous", Title: "Without credentials", Doc: "Requests of system:anonymous, health checks included.",
				View: Events, Query: and(once, anonymous), Chart: Metric, Show: []Measure{requests("anonymous")}}),
			number(Panel{ID: "kubewitness-identity-acting", Title: "Acting as others", Doc: "Requests with impersonation.",
				View: Events, Query: and(once, acting), Chart: Metric, Show: []Measure{requests("impersonating")}}),
			half(Panel{ID: "kubewitness-identity-kinds", Title: "Requests by kind of user", Doc: "People, service accounts, nodes and components over time.",
				View: Events, Query: once, Chart: Bars, By: []Bucket{top(6, "kind", "kubewitness.who.kind"), overTime}, Show: []Measure{requests("requests")}}),
			half(Panel{ID: "kubewitness-identity-people-table", Title: "What people do", Doc: "People: requests, how many failed, different addresses and clients.",
				View: Events, Query: and(once, "kubewitness.who.kind: person"), Chart: Table, By: []Bucket{top(25, "user", "user.name")},
				Show: []Measure{requests("requests"), only("failed", failures), different("addresses", "source.ip"), different("clients", "user_agent.original")}}),
			half(Panel{ID: "kubewitness-identity-denied", Title: "Who is denied what", Doc: "Users and resources of requests that the authorizers did not allow.",
				View: Events, Query: and(once, refusals), Chart: Table, By: []Bucket{top(20, "user", "user.name"), top(5, "resource", resource)},
				Show: []Measure{requests("denied"), different("namespaces", "kubewitness.where.namespace")}}),
			half(Panel{ID: "kubewitness-identity-impersonation", Title: "Who acts as whom", Doc: "Senders of requests with impersonation, and the users they acted as.",
				View: Events, Query: and(once, acting), Chart: Table,
				By:   []Bucket{top(20, "user", "user.name"), top(5, "acts as", "kubernetes.audit.impersonatedUser.username")},
				Show: []Measure{requests("requests"), only("failed", failures)}}),
			third(Panel{ID: "kubewitness-identity-addresses", Title: "Addresses", Doc: "Addresses that requests came from: the last one that is no proxy's.",
				View: Events, Query: once, Chart: Bars, By: []Bucket{top(12, "address", "source.ip")}, Show: []Measure{requests("requests")}}),
			third(Panel{ID: "kubewitness-identity-clients", Title: "Clients", Doc: "Programs, as they call themselves: a claim.",
				View: Events, Query: once, Chart: Bars, By: []Bucket{top(12, "client", "kubewitness.who.client")}, Show: []Measure{requests("requests")}}),
			third(Panel{ID: "kubewitness-identity-groups", Title: "Groups", Doc: "Groups of the senders; a request counts in each of them.",
				View: Events, Query: once, Chart: Bars, By: []Bucket{top(12, "group", "kubernetes.audit.user.groups")}, Show: []Measure{requests("requests")}}),
		},
	}
}
