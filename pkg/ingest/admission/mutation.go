package admission

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/ingest"
	"github.com/kubewitness/kubewitness/pkg/record"
)

// MutatePath is the prefix of the paths of reviews that ask what is to be changed.
const MutatePath = "/mutate"

// MutationSource is what events of objects that were changed have for their source.
const MutationSource = record.SourceMutation

// Mutator says what is to be changed in objects. It is safe for concurrent use.
type Mutator interface {
	Mutate(p *Proposal) (Change, error)
}

// Proposal is an object that is about to be stored.
type Proposal struct {
	Object      audit.Value
	Old         audit.Value // before an update; absent: there was none
	Subresource string
	// Event makes the event of the request, with an object in the place of its own: the one
	// that the validating webhook's review would become.
	Event func(object audit.Value) (*audit.Event, error)
}

// Change is what is done to an object. The zero value is nothing.
type Change struct {
	Entries []string // what did it, by name
	Patch   []byte   // a JSON patch (RFC 6902); nil: none
}

// Mutations count the reviews that ask what is to be changed.
type Mutations struct {
	Patched   uint64 // answered with a patch, those of dry runs included
	Unchanged uint64 // there was nothing to be changed
	Would     uint64 // there was, and Config.DryRun is set
	Failed    uint64 // answered without a patch since something failed
	Decided   Histogram
}

// mutate answers a review that asks what is to be changed. Nothing here makes the request
// fail: at worst its object stays as it is.
func (h *Handler) mutate(rv *review, o Origin, begun time.Time, deadline time.Duration) []byte {
	c, err := h.change(rv, o)
	h.counts.mutating.add(h.cfg.Now().Sub(begun))
	d := decision{UID: rv.uid, Allowed: true}
	switch {
	case err != nil:
		h.counts.mutateFailed.Add(1)
	case c.Patch == nil:
		h.counts.unchanged.Add(1)
	case h.cfg.DryRun:
		h.counts.would.Add(1)
		h.keepMutation(rv, o, &c, deadline)
	default:
		h.counts.patched.Add(1)
		h.keepMutation(rv, o, &c, deadline)
		d.PatchType, d.Patch = "JSONPatch", c.Patch
		d.AuditAnnotations = map[string]string{"uid": rv.uid, "entries": line(strings.Join(c.Entries, ","), maxMessage)}
	}
	if text := rv.probe(o, Probe{Changes: true}); text != "" && h.cfg.Mutator != nil {
		d.Warnings = []string{text}
	}
	return marshal(response{apiVersion, "AdmissionReview", d})
}

// change asks what is to be changed.
func (h *Handler) change(rv *review, o Origin) (c Change, err error) {
	old := rv.old
	switch {
	case h.cfg.Mutator == nil, !rv.object.Exists():
		return c, nil
	case rv.operation == opCreate:
		old = audit.Value{}
	case rv.operation != opUpdate, !old.Exists(): // what is there must be known, so that it is left alone
		return c, nil
	}
	defer func() {
		if p := recover(); p != nil {
			h.counts.faults.Add(1)
			c, err = Change{}, errors.New("admission: a defect of the mutator")
		}
	}()
	return h.cfg.Mutator.Mutate(&Proposal{
		Object: rv.object, Old: old, Subresource: rv.target.subresource,
		Event: func(object audit.Value) (*audit.Event, error) {
			changed := *rv
			changed.object = object
			return changed.event(o)
		},
	})
}

// keepMutation stores what was changed by whom. A dry run changes nothing that could be told of.
func (h *Handler) keepMutation(rv *review, o Origin, c *Change, deadline time.Duration) {
	if rv.dryRun {
		return
	}
	e, err := rv.mutation(o, c, h.cfg.DryRun)
	if err != nil { // it was an event when the mutator asked for one
		h.counts.faults.Add(1)
		return
	}
	h.store(deadline, ingest.Given{Source: MutationSource, Received: o.Received, Events: []*audit.Event{e}})
}

// mutation is the event of an object that is changed, with the object as it came.
func (r *review) mutation(o Origin, c *Change, dry bool) (*audit.Event, error) {
	asked := *r
	asked.asked = true
	by := "mutated-by"
	if dry {
		by = "would-be-mutated-by"
	}
	raw := annotate(asked.encode(o), by, strings.Join(c.Entries, ","))
	raw = annotate(raw, "patch", string(c.Patch))
	e, err := audit.Converted{Raw: raw, Cluster: o.Cluster, Identity: record.ReviewIdentity(o.Cluster, r.uid)}.Event()
	if err != nil {
		return nil, fmt.Errorf("admission: %w", err)
	}
	return e, nil
}
