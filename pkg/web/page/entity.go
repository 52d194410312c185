package page

import (
	"net/http"
	"net/url"
	"time"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
	"github.com/kubewitness/kubewitness/pkg/search"
)

// entityPage sums up a user, service account, address, object or namespace.
type entityPage struct {
	frame
	Kind    string
	Value   string
	Cluster string
	Times   []choice
	During  string
	Entity  *search.Entity
	Search  string // address of the search for its events
	History string // address of an object's history
	Chart   *chart
	Notes   []string
	Rail    []rail
	Lists   []hitList
	New     []tally
	Actors  []tally // who acted as this user
}

// hitList is some of the events, by what they are.
type hitList struct {
	Title string
	Rows  []listed
}

// kinds are how the kinds of entities are called.
var kinds = map[search.EntityKind]string{
	search.EntityUser: "User", search.EntityServiceAccount: "Service account", search.EntityAddress: "Address",
	search.EntityObject: "Object", search.EntityNamespace: "Namespace",
}

// fieldTitles are how the fields of an entity are called.
var fieldTitles = map[string]string{
	"rule": "Rule", "priority": "Priority", "ka.user.name": "User", "kw.source.ip": "Address", "ka.useragent": "User agent", "ka.verb": "Verb",
	"ka.target.resource": "Resource", "ka.target.subresource": "Subresource", "ka.target.namespace": "Namespace", "kw.impersonated.user": "Acted as", "cluster": "Cluster",
}

// entityLink is the address of an entity; "" for a value that links cannot ask for.
func entityLink(kind search.EntityKind, cluster, value string) string {
	if !askable(value) || len(cluster) > linkBytes {
		return ""
	}
	v := url.Values{"value": {value}}
	if cluster != "" {
		v.Set("cluster", cluster)
	}
	return "/entity/" + string(kind) + "?" + v.Encode()
}

func (p *pages) entity(w http.ResponseWriter, r *http.Request) {
	kind := search.EntityKind(r.PathValue("kind"))
	if kinds[kind] == "" {
		p.nowhere(w, r)
		return
	}
	q, err := parseQuery(r.URL.Query())
	if err != nil {
		p.failed(w, r, search.BadRequest{Err: err})
		return
	}
	e, q, err := p.assess(r, kind, q)
	if err != nil {
		p.failed(w, r, err)
		return
	}
	p.render(w, r, http.StatusOK, "entity.html", p.entityPage(r, q, e))
}

// assess sums an entity up: over a month, or, where nothing is in that and no time was
// asked for, over all time.
func (p *pages) assess(r *http.Request, kind search.EntityKind, q query) (*search.Entity, query, error) {
	chosen := q.Since != ""
	if !chosen {
		q.Since = "30d"
	}
	v := r.URL.Query()
	ask := func() (*search.Entity, error) {
		req := q.request(p.Now())
		return p.Search.Entity(r.Context(), p.Principal(r), kind, v.Get("cluster"), v.Get("value"), req.From, req.To)
	}
	e, err := ask()
	if err == nil && e.Events == 0 && !chosen {
		q.Since = allTime
		e, err = ask()
	}
	return e, q, err
}

// events is the search for an entity's events.
func events(e *search.Entity, q query) query {
	found := query{Since: q.Since, From: q.From, To: q.To, Show: "events", Clusters: filled([]string{e.Cluster})}
	return found.with(func(q *query) {
		switch e.Kind {
		case search.EntityAddress:
			q.Condition = (&condition.Check{
				Left: &condition.Field{Name: "kw.source.ips"}, Op: condition.Intersects, List: true, Values: []condition.Literal{{Text: e.Value}},
			}).String()
		case search.EntityNamespace:
			q.Condition = equals("ka.target.namespace", e.Value)
		case search.EntityObject:
			if o, err := search.ParseObject(e.Cluster, e.Value); err == nil {
				and(equals("ka.target.resource", o.Resource))(q)
				and(equals("kw.object.name", o.Name))(q)
				if o.Namespace != "" {
					and(equals("ka.target.namespace", o.Namespace))(q)
				}
			}
		default:
			q.Condition = equals("ka.user.name", e.Value)
		}
	})
}

func (p *pages) entityPage(r *http.Request, q query, e *search.Entity) *entityPage {
	all := events(e, q)
	page := &entityPage{
		frame: p.frame(r, kinds[e.Kind]+" "+onOneLine(e.Value)), Kind: kinds[e.Kind], Value: e.Value, Cluster: e.Cluster,
		Times: spansFor(r, q), During: q.TimeText(), Entity: e, Search: all.link(), Notes: summaryNotes(e.Summary), Chart: activityOf(e, all),
	}
	if o, err := search.ParseObject(e.Cluster, e.Value); e.Kind == search.EntityObject && err == nil {
		page.History = objectLink(o)
	}
	for _, f := range e.Facets {
		if len(f.Values) == 0 {
			continue
		}
		x := rail{Name: fieldTitles[f.Field], More: f.More || len(f.Values) > railValues}
		for _, v := range f.Values[:min(len(f.Values), railValues)] {
			x.Values = append(x.Values, pivot(all, f.Field, v, f.Values[0].Events))
		}
		page.Rail = append(page.Rail, x)
	}
	for _, n := range e.New {
		t := pivot(all, n.Field, search.FacetValue{Value: n.Value, Events: n.Events}, n.Events)
		t.Field = fieldTitles[n.Field]
		page.New = append(page.New, t)
	}
	for _, v := range e.ImpersonatedBy {
		page.Actors = append(page.Actors, pivot(all, "ka.user.name", v, v.Events))
	}
	page.Lists = listsOf(q, e)
	return page
}

func listsOf(q query, e *search.Entity) (lists []hitList) {
	for _, l := range []struct {
		title string
		hits  []*search.Hit
	}{{"Newest detections", e.Detected}, {"Newest changes", e.Changes}, {"Newest events", e.Recent}} {
		if len(l.hits) == 0 {
			continue
		}
		list := hitList{Title: l.title}
		for _, h := range l.hits {
			list.Rows = append(list.Rows, rowOf(q, h))
		}
		days(list.Rows)
		lists = append(lists, list)
	}
	return lists
}

// pivot is a value with a link to what is known of it, or to the events that have it.
func pivot(all query, field string, v search.FacetValue, most uint64) tally {
	t := tallyOf(all, field, v, most)
	t.Without = ""
	cluster := ""
	if len(all.Clusters) == 1 {
		cluster = all.Clusters[0]
	}
	switch field {
	case "ka.user.name", "kw.impersonated.user":
		t.Only = entityLink(search.EntityUser, cluster, v.Value)
	case "kw.source.ip":
		t.Only = entityLink(search.EntityAddress, "", v.Value)
	case "ka.target.namespace":
		t.Only = entityLink(search.EntityNamespace, cluster, v.Value)
	}
	return t
}

// fewBars are too few to be worth a drawing.
const fewBars = 3

// activityOf draws an entity's events over time.
func activityOf(e *search.Entity, all query) *chart {
	if e.Step < time.Second || len(e.Activity) == 0 || e.Activity[len(e.Activity)-1].Start.Sub(e.Activity[0].Start) < fewBars*e.Step {
		return nil
	}
	h := histogram{layer: layer{"low", "events"}, at: map[time.Time]uint64{}}
	c := &chart{Title: "Events over time, a bar for each " + stepText(e.Step), Step: stepText(e.Step), Layers: []layer{h.layer}}
	for _, b := range e.Activity {
		h.at[b.Start.UTC()] = b.Events
		c.Total += b.Events
	}
	c.From, c.To = e.Activity[0].Start.UTC(), e.Activity[len(e.Activity)-1].Start.Add(e.Step).UTC()
	c.draw(all, search.Request{}, e.Step, []histogram{h})
	return c
}
