package search

import (
	"context"
	"slices"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
)

// entityCondition is the condition that an event is an entity's, and the entity's value in
// the form that events have it.
func entityCondition(kind EntityKind, cluster, value string) (form, about string, err error) {
	if value == "" || strings.ContainsRune(value, 0) {
		return "", "", badf("search: %s %.200q; name one, without NUL", kind, value)
	}
	switch kind {
	case EntityServiceAccount:
		if value, err = serviceAccountUser(value); err != nil {
			return "", "", err
		}
		return value, "ka.user.name in " + literals(value), nil
	case EntityUser:
		return value, "ka.user.name in " + literals(value), nil
	case EntityAddress:
		return addressCondition(value)
	case EntityNamespace:
		return value, "(ka.target.namespace in " + literals(value) + " or " + ObjectRef{Resource: "namespaces"}.place() +
			" and kw.object.name in " + literals(value) + ")", nil
	case EntityObject:
		o, err := ParseObject(cluster, value)
		if err != nil {
			return "", "", err
		}
		return o.String(), allHold(o.place(), "kw.object.name in "+literals(o.Name)), nil
	}
	return "", "", badf("search: an entity is a user, serviceaccount, address, object or namespace, not %.200q", string(kind))
}

// addressCondition is the condition that a request came from an address, or that it is
// claimed. API servers write an address in one way, which is found as it is; to compare
// addresses as such takes a search twenty times as long.
func addressCondition(value string) (form, about string, err error) {
	net, ok := condition.ParseIPNet(value)
	switch {
	case !ok:
		return "", "", badf("search: address %.200q is none; write one as 192.0.2.1 or 2001:db8::1, or a range as 192.0.2.0/24", value)
	case net.IsSingleIP():
		form = net.Addr().String()
		return form, "ka.sourceips intersects " + literals(form), nil
	}
	return net.String(), "kw.source.ips intersects " + literals(net.String()), nil
}

// serviceAccountUser is the user name of a service account.
func serviceAccountUser(value string) (string, error) {
	const users = "system:serviceaccount:"
	if strings.HasPrefix(value, users) {
		return value, nil
	}
	namespace, name, ok := strings.Cut(value, "/")
	if !ok || namespace == "" || name == "" || strings.Contains(name, "/") {
		return "", badf("search: service account %.200q; write it as namespace/name", value)
	}
	return users + namespace + ":" + name, nil
}

// fields are the facets of each kind.
func (k EntityKind) fields() []string {
	found := []string{"rule", "priority"}
	switch k {
	case EntityAddress:
		return append(found, "ka.user.name", "kw.source.ip", "ka.useragent", "ka.verb", "ka.target.resource", "ka.target.namespace", "cluster")
	case EntityObject:
		return append(found, "ka.user.name", "kw.source.ip", "ka.useragent", "ka.verb", "ka.target.subresource", "cluster")
	case EntityNamespace:
		return append(found, "ka.user.name", "kw.source.ip", "ka.useragent", "ka.verb", "ka.target.resource", "cluster")
	}
	return append(found, "kw.source.ip", "ka.useragent", "ka.verb", "ka.target.resource", "ka.target.namespace", "kw.impersonated.user", "cluster")
}

// telling are the fields of which a new value is worth a look.
func (k EntityKind) telling() []string {
	return slices.DeleteFunc(k.fields(), func(f string) bool {
		return f == "priority" || f == "ka.useragent" && k != EntityUser && k != EntityServiceAccount
	})
}

// facets counts the values of the fields, and the detections.
func (a *assessor) facets(ctx context.Context) error {
	found, sum, err := a.s.Facets(ctx, a.p, a.request(), a.e.Kind.fields(), MaxFacetValues)
	a.note(sum)
	if err != nil {
		return err
	}
	if !sum.Partial {
		if err := a.newValues(ctx, found); err != nil {
			return err
		}
	}
	a.claimed(found)
	for i := range found {
		if f := &found[i]; len(f.Values) > entityValues {
			f.Values, f.More = f.Values[:entityValues:entityValues], true
		}
	}
	a.e.Facets = found
	r := a.request()
	r.Detections = true
	a.e.Detections, sum, err = a.s.Count(ctx, a.p, r)
	a.note(sum)
	return err
}

// mostNew bounds the values of a field among which new ones are looked for.
const mostNew = 100

// newValues finds the values that came up in the last day; where less than four days are
// looked at, in the last quarter of them. Those are the ones that occur as often in that
// part of the time as in all of it.
func (a *assessor) newValues(ctx context.Context, all []Facet) error {
	end := a.to
	if end.IsZero() {
		end = a.s.cfg.Now()
	}
	recent := min(day, end.Sub(a.e.First)/4)
	since := end.Add(-recent)
	if recent <= 0 || !a.e.First.Before(since) || a.e.Last.Before(since) {
		return nil
	}
	r := a.request()
	r.From, r.To = since, end
	now, sum, err := a.s.Facets(ctx, a.p, r, a.e.Kind.telling(), mostNew)
	a.note(sum)
	if err != nil || sum.Partial {
		return err
	}
	a.e.NewSince = since
	for _, f := range now {
		i := slices.IndexFunc(all, func(whole Facet) bool { return whole.Field == f.Field })
		if i < 0 || all[i].More { // what is not among those counted is not known
			continue
		}
		counts := make(map[string]uint64, len(all[i].Values))
		for _, v := range all[i].Values {
			counts[v.Value] = v.Events
		}
		for _, v := range f.Values {
			if counts[v.Value] == v.Events {
				a.e.New = append(a.e.New, NewValue{Field: f.Field, Value: v.Value, Events: v.Events})
			}
		}
	}
	return nil
}

// changed holds for requests that changed something or ran something in a pod, reviews
// and what controllers write every few seconds aside.
const changed = "(ka.verb in (create, update, patch, delete, deletecollection) or kw.response.code = 101) and kw.response.code < 400" +
	" and not ka.target.resource in (leases, events, tokenreviews, subjectaccessreviews, selfsubjectaccessreviews, localsubjectaccessreviews, selfsubjectrulesreviews, selfsubjectreviews)"

// hits finds the newest events, detections and changes.
func (a *assessor) hits(ctx context.Context) error {
	sample, err := a.newest(ctx, a.request(), entitySample)
	if err != nil {
		return err
	}
	a.origins(sample)
	a.e.Sampled, a.e.Recent = len(sample), sample[:min(len(sample), entityHits)]
	r := a.request()
	r.Detections = true
	if a.e.Detected, err = a.newest(ctx, r, entityHits); err != nil {
		return err
	}
	a.e.Changes, err = a.newest(ctx, a.request(changed), entityHits)
	return err
}

// newest gives the newest events that a request asks for, of each request of a client the
// last stage.
func (a *assessor) newest(ctx context.Context, r Request, limit int) (hits []*Hit, err error) {
	stages := newRequests()
	sum, err := a.s.Search(ctx, a.p, r, Page{Limit: 2 * limit}, func(hit *Hit) error {
		if i, known := stages.place(hit, len(hits)); known {
			hits[i] = later(hits[i], hit)
		} else {
			hits = append(hits, hit)
		}
		return nil
	})
	a.note(sum)
	return hits[:min(len(hits), limit)], err
}

// origins counts where the tokens come from that a user showed.
func (a *assessor) origins(sample []*Hit) {
	if a.e.Kind != EntityUser && a.e.Kind != EntityServiceAccount {
		return
	}
	type place struct{ pod, node string }
	at := map[place]int{}
	for _, hit := range sample {
		who := &hit.Answer.Who
		if who.Pod == "" && who.Node == "" || who.ServiceAccount == nil {
			continue
		}
		i, known := at[place{who.Pod, who.Node}]
		if !known {
			i = len(a.e.Origins)
			at[place{who.Pod, who.Node}] = i
			a.e.Origins = append(a.e.Origins, Origin{Pod: who.Pod, Node: who.Node})
		}
		o := &a.e.Origins[i]
		o.Events++
		if when := hit.Event.Filed(); o.Last.Before(when) {
			o.Last = when
		}
	}
	slices.SortStableFunc(a.e.Origins, func(x, y Origin) int { return y.Events - x.Events })
}
