package web

import (
	"context"

	"github.com/kubewitness/kubewitness/pkg/api"
	"github.com/kubewitness/kubewitness/pkg/search"
)

// history answers with what happened to an object.
func (c *call) history() error {
	p := c.params()
	req := search.HistoryRequest{Object: search.ObjectRef{
		Cluster: p.need("cluster"), APIGroup: p.text("api_group"), Resource: p.need("resource"), Namespace: p.text("namespace"), Name: p.need("name"),
	}}
	req.From, req.To = c.span(p)
	most := min(c.cfg.Limits.Page, search.MaxHistory)
	req.Limit = p.number("limit", min(search.DefaultLimit, most), 1, most)
	req.After = p.text("after")
	req.Reads = p.truth("reads")
	if err := p.none(); err != nil {
		return err
	}
	if _, err := c.accepted(typeJSON); err != nil {
		return err
	}
	return c.heavy(c.r.Context(), func(ctx context.Context) error {
		found, err := c.cfg.Search.History(ctx, c.who.principal, req)
		if err != nil {
			return err
		}
		text, err := api.AppendHistory(nil, historyOf(found))
		if err != nil {
			return err
		}
		return c.writeText(typeJSON, text)
	})
}

func historyOf(h *search.History) *api.History {
	out := &api.History{
		Object: api.Object{
			Cluster: h.Object.Cluster, APIGroup: h.Object.APIGroup, Resource: h.Object.Resource, Namespace: h.Object.Namespace, Name: h.Object.Name,
		},
		Entries: make([]api.HistoryEntry, 0, len(h.Entries)), Folded: h.Folded, Reads: h.Reads, Summary: summaryOf(h.Summary),
	}
	for i := range h.Entries {
		out.Entries = append(out.Entries, entryOf(&h.Entries[i]))
	}
	return out
}

func entryOf(e *search.HistoryEntry) api.HistoryEntry {
	out := api.HistoryEntry{
		Event: eventOf(e.Hit),
		Effect: api.Effect{UID: e.UID,
			State: e.State, StateAsked: e.StateAsked, StateRedacted: e.Redacted, StateUnknown: e.Unknown, Patch: e.Patch,
			Against: e.Against, Changes: []api.Change{}, MoreChanges: e.Changes.More, Ignored: e.Changes.Ignored,
			Reordered: e.Changes.Reordered, Missed: e.Missed, Created: e.Created, Deleted: e.Deleted, Replaced: e.Replaced,
		}}
	for _, d := range e.Changes.Changes {
		out.Changes = append(out.Changes, api.Change{
			Pointer: d.Pointer, Op: string(d.Op), Old: d.Old, New: d.New, OldBytes: d.OldBytes, NewBytes: d.NewBytes,
		})
	}
	return out
}
