package search

import (
	"context"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
)

// EntityKind is what an entity is.
type EntityKind string

// The kinds, and how the values of each are written.
const (
	EntityUser           EntityKind = "user"           // a user name; of service accounts and nodes too
	EntityServiceAccount EntityKind = "serviceaccount" // namespace/name, or the user name
	EntityAddress        EntityKind = "address"        // an IP address, or a range of them
	EntityObject         EntityKind = "object"         // resource[.group]/[namespace/]name
	EntityNamespace      EntityKind = "namespace"      // its name
)

// Bounds of what is told of an entity.
const (
	entityValues = 20  // values of each facet
	entityHits   = 10  // events of each kind
	entitySample = 200 // newest events that are read for what no column holds
	entitySteps  = 60  // of its activity, or fewer
)

// Entity is who or what one user, service account, address, object or namespace is, as far
// as its events tell. The stages of a request are an event each.
type Entity struct {
	Kind    EntityKind
	Cluster string // "": of all clusters
	Value   string // in the form that the kind's events have it
	Events  uint64
	First   time.Time // of the time asked for; zero without events
	Last    time.Time
	// Detections is the number of events with one at least. By rule and priority they are among the facets.
	Detections uint64
	Outcomes   Outcomes
	// Claimed is the number of events in which an address, or any of a range, is only claimed: the peer had another one.
	Claimed uint64
	Facets  []Facet       // with whom and with what it had to do
	Step    time.Duration // of Activity
	// Activity are its events over time, steps without any left out.
	Activity []Bucket
	// ImpersonatedBy are the users who acted as this user. What they did is not counted here.
	ImpersonatedBy []FacetValue
	// Origins are the pods and nodes that its tokens were issued to, among the newest Sampled events.
	Origins []Origin
	Sampled int
	// New are values that its events since NewSince have, and none before, in the time asked for.
	New      []NewValue
	NewSince time.Time // zero: there is too little to compare

	Recent   []*Hit // its newest events
	Detected []*Hit // its newest detections
	Changes  []*Hit // its newest requests that changed something, or ran something in a pod; leases and events aside
	Summary
}

// Outcomes are how requests ended that the log shows the end of.
type Outcomes struct {
	Allowed uint64 // a status below 400
	Denied  uint64 // 401, 403
	Failed  uint64 // any other
}

// Origin is where a token was issued to.
type Origin struct {
	Pod    string // namespace/name; "" where the token is none of a pod's
	Node   string
	Events int
	Last   time.Time
}

// NewValue is a value that was not there before.
type NewValue struct {
	Field  string
	Value  string
	Events uint64
}

// Entity sums up an entity in a time, as in [Request]. A request that cannot be carried
// out is a [BadRequest].
func (s *Searcher) Entity(ctx context.Context, p Principal, kind EntityKind, cluster, value string, from, to time.Time) (*Entity, error) {
	value, about, err := entityCondition(kind, cluster, value)
	if err != nil {
		return nil, err
	}
	a := &assessor{s: s.withoutLists(), p: p, about: about, from: from, to: to, e: &Entity{Kind: kind, Cluster: cluster, Value: value}}
	steps := []func(context.Context) error{a.impersonated, a.span, a.activity, a.facets, a.outcomes, a.hits}
	for i, step := range steps {
		if err := step(ctx); err != nil {
			return nil, err
		}
		if i > 0 && a.e.Events == 0 {
			break
		}
	}
	return a.e, nil
}

// assessor puts an entity together.
type assessor struct {
	s        *Searcher
	p        Principal
	about    string // the condition that an event is the entity's
	from, to time.Time
	e        *Entity
}

func (a *assessor) request(conditions ...string) Request {
	r := Request{Condition: allHold(append([]string{a.about}, conditions...)...), From: a.from, To: a.to}
	if a.e.Cluster != "" {
		r.Clusters = []string{a.e.Cluster}
	}
	return r
}

// note keeps what a part of the answer says of itself.
func (a *assessor) note(part Summary) {
	sum := &a.e.Summary
	sum.Scanned += part.Scanned
	sum.Hidden = max(sum.Hidden, part.Hidden)
	if part.Partial {
		sum.Partial, sum.Why = true, part.Why
	}
	if part.Reached.After(sum.Reached) {
		sum.Reached = part.Reached
	}
}

// overlap cuts a time to the one asked for.
func (a *assessor) overlap(from, to time.Time) (time.Time, time.Time) {
	if from.Before(a.from) {
		from = a.from
	}
	if !a.to.IsZero() && a.to.Before(to) {
		to = a.to
	}
	return from, to
}

// finer are the steps by which the first event is closed in on, from a day on.
var finer = []time.Duration{time.Hour, time.Minute, time.Second, time.Millisecond, time.Microsecond, time.Nanosecond}

const day = 24 * time.Hour

// span finds the number of events, the first and the last one.
func (a *assessor) span(ctx context.Context) error {
	days, sum, err := a.s.Histogram(ctx, a.p, a.request(), day)
	a.note(sum)
	if err != nil || len(days) == 0 {
		return err
	}
	for _, b := range days {
		a.e.Events += b.Events
	}
	if a.e.First, err = a.edge(ctx, days[0].Start, false); err != nil {
		return err
	}
	a.e.Last, err = a.edge(ctx, days[len(days)-1].Start, true)
	return err
}

// edge finds the first or the last event of a day.
func (a *assessor) edge(ctx context.Context, start time.Time, last bool) (time.Time, error) {
	width := day
	for _, step := range finer {
		r := a.request()
		r.From, r.To = a.overlap(start, start.Add(width))
		buckets, sum, err := a.s.Histogram(ctx, a.p, r, step)
		a.note(sum)
		if err != nil || len(buckets) == 0 {
			return start, err
		}
		if start, width = buckets[0].Start, step; last {
			start = buckets[len(buckets)-1].Start
		}
	}
	return start, nil
}

// activitySteps are steps that people read easily.
var activitySteps = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, day, 7 * day}

// activity counts the events over time.
func (a *assessor) activity(ctx context.Context) (err error) {
	span := a.e.Last.Sub(a.e.First)
	for _, a.e.Step = range activitySteps {
		if span/a.e.Step < entitySteps {
			break
		}
	}
	var sum Summary
	a.e.Activity, sum, err = a.s.Histogram(ctx, a.p, a.request(), a.e.Step)
	a.note(sum)
	return err
}

// ended holds for the last stages of requests.
const ended = "ka.stage in (ResponseComplete, Panic)"

// outcomes counts how requests ended.
func (a *assessor) outcomes(ctx context.Context) error {
	found, sum, err := a.s.Facets(ctx, a.p, a.request(ended), []string{"kw.response.code"}, 1000)
	a.note(sum)
	if err != nil {
		return err
	}
	for _, v := range found[0].Values {
		code, err := strconv.Atoi(v.Value)
		switch {
		case err != nil:
		case code < 400:
			a.e.Outcomes.Allowed += v.Events
		case code == 401 || code == 403:
			a.e.Outcomes.Denied += v.Events
		default:
			a.e.Outcomes.Failed += v.Events
		}
	}
	return nil
}

// claimed counts the events in which the peer had another address.
func (a *assessor) claimed(all []Facet) {
	i := slices.IndexFunc(all, func(f Facet) bool { return f.Field == "kw.source.ip" })
	if a.e.Kind != EntityAddress || i < 0 {
		return
	}
	net, _ := condition.ParseIPNet(a.e.Value) // it was read before
	a.e.Claimed = a.e.Events
	for _, v := range all[i].Values {
		if addr, err := netip.ParseAddr(v.Value); err == nil && net.Contains(addr.Unmap().WithZone("")) {
			a.e.Claimed -= min(v.Events, a.e.Claimed)
		}
	}
}

// impersonated counts who acted as a user.
func (a *assessor) impersonated(ctx context.Context) error {
	if a.e.Kind != EntityUser && a.e.Kind != EntityServiceAccount {
		return nil
	}
	r := a.request()
	r.Condition = "kw.impersonated.user in " + literals(a.e.Value)
	found, sum, err := a.s.Facets(ctx, a.p, r, []string{"ka.user.name"}, entityValues)
	a.note(sum)
	if err == nil {
		a.e.ImpersonatedBy = found[0].Values
	}
	return err
}
