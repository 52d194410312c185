package page

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/search"
)

// lifeOf are the events of a config map: made, changed, read, deleted, and made anew where
// it is.
func lifeOf(t testing.TB, name, value string, again bool) (events []*audit.Event) {
	n, err := json.Marshal(name)
	require.NoError(t, err)
	v, err := json.Marshal(value)
	require.NoError(t, err)
	body := func(uid, data string) string {
		return fmt.Sprintf(`"responseObject":{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":%s,"namespace":"shop","uid":%q,"resourceVersion":"1"},"data":%s}`, n, uid, data)
	}
	step := func(at int, verb, user, more string) {
		events = append(events, made(t, at, fmt.Sprintf(`"verb":%q,"user":{"username":%q,"groups":["system:authenticated"]},"sourceIPs":["203.0.113.7"],"userAgent":"kubectl/v1.35.4",`+
			`"requestURI":"/api/v1/namespaces/shop/configmaps","objectRef":{"resource":"configmaps","namespace":"shop","name":%s,"apiVersion":"v1"},"responseStatus":{"code":200},%s`, verb, user, n, more)))
	}
	step(600, "create", "jane", body("u1", `{"mode":"blue","old":`+string(v)+`}`))
	step(500, "update", "mallory", body("u1", `{"mode":"green","new":`+string(v)+`}`))
	step(400, "get", "jane", `"level":"Metadata"`)
	step(300, "delete", "mallory", `"level":"Metadata"`)
	if again {
		step(200, "create", "jane", body("u2", `{"mode":"blue"}`))
	}
	return events
}

func TestHistoryOfAnObject(t *testing.T) {
	r := newRig(t, lifeOf(t, "settings", "x", false)...)
	path := "/object?cluster=demo&resource=configmaps&namespace=shop&name=settings"
	d := r.page(path)
	golden(t, "object", d)
	assert.Regexp(t, `Deleted 2026-11-21 19:15:00.000: mallory \(person\) deleted configmap shop/settings`, strings.Join(strings.Fields(d.Text), " "))
	assert.Contains(t, d.Text, "/data/mode")
	assert.Contains(t, d.Text, `"blue"`)
	assert.Contains(t, d.Text, `"green"`)
	assert.Contains(t, d.Text, "Show 1 request that only read it")
	assert.Contains(t, r.page(path+"&reads=true").Text, "Leave out requests that only read")
	assert.Contains(t, r.page(path+"1").Text, "No request changed this object over all time")
	for _, link := range d.Links {
		r.follow(link)
	}
}

func TestObjectThatCameBackIsNotGone(t *testing.T) {
	r := newRig(t, lifeOf(t, "settings", "x", true)...)
	d := r.page("/object?cluster=demo&resource=configmaps&namespace=shop&name=settings")
	assert.NotContains(t, d.Source, `class="gone"`)
	assert.Contains(t, d.Text, "deleted")
}

func TestSummaryOfAnEntity(t *testing.T) {
	r := newRig(t, sample(t)...)
	for name, path := range map[string]string{
		"user":      entityLink(search.EntityUser, "demo", "mallory@corp.example"),
		"namespace": entityLink(search.EntityNamespace, "demo", "shop-dev"),
	} {
		golden(t, name, r.page(path))
	}
	for path, want := range map[string]string{
		entityLink(search.EntityAddress, "", "203.0.113.66"):                                   "203.0.113.66",
		entityLink(search.EntityObject, "demo", "pods/shop-prod/sys-cache-target"):             "History",
		entityLink(search.EntityServiceAccount, "demo", "shop-dev/sys-cache-np"):               "system:serviceaccount:shop-dev:sys-cache-np",
		entityLink(search.EntityUser, "demo", "nobody"):                                        "No events over all time",
		entityLink(search.EntityUser, "demo", "mallory@corp.example") + "&since=7d":            "in the last 7 days",
		entityLink(search.EntityUser, "elsewhere", "mallory@corp.example"):                     "No events over all time",
		entityLink(search.EntityUser, "demo", "mallory@corp.example") + "&to=2026-11-21T19:18": "before 2026-11-21 19:18:00 UTC",
	} {
		assert.Contains(t, r.page(path).Text, want, path)
	}
}

func TestEventsOfAnEntityAreFound(t *testing.T) {
	notUnderRace(t)
	r := newRig(t, sample(t)...)
	for _, path := range []string{
		entityLink(search.EntityUser, "demo", "mallory@corp.example"), entityLink(search.EntityAddress, "", "203.0.113.66"),
		entityLink(search.EntityObject, "demo", "pods/shop-prod/sys-cache-target"),
	} {
		d := r.page(path)
		for _, link := range d.Links {
			if strings.Contains(link, "show=events") && !strings.Contains(link, "rule=") {
				assert.NotContains(t, r.page(link).Text, "No event is like this", link)
			}
		}
	}
}

func TestHostileObjectsAndEntitiesStayText(t *testing.T) {
	notUnderRace(t)
	for i, s := range hostile {
		if i%2 == 0 || strings.Contains(s, "\x00") {
			continue
		}
		r := newRig(t, lifeOf(t, s, s, false)...)
		v := url.Values{"cluster": {"demo"}, "resource": {"configmaps"}, "namespace": {"shop"}, "name": {s}}
		if askable(s) {
			assert.Contains(t, r.page("/object?"+v.Encode()).Text, "/data/mode", "%.40q", s)
		}
		for _, kind := range []search.EntityKind{search.EntityUser, search.EntityObject} {
			w := r.get("/entity/" + string(kind) + "?" + url.Values{"cluster": {s}, "value": {s}}.Encode())
			assert.Less(t, w.Code, 500)
			parseDocument(t, w.Body.String())
		}
	}
}

func TestBadObjectsAndEntitiesGetPages(t *testing.T) {
	r := newRig(t, sample(t)...)
	for path, status := range map[string]int{
		"/object":                      http.StatusBadRequest,
		"/object?cluster=demo":         http.StatusBadRequest,
		"/object?resource=pods&name=a": http.StatusBadRequest,
		"/object?cluster=demo&resource=pods&name=a%00b":    http.StatusBadRequest,
		"/object?cluster=demo&resource=pods&name=a&from=x": http.StatusBadRequest,
		"/object?cluster=demo&resource=pods&name=a&after=": http.StatusOK,
		"/entity/user":                      http.StatusBadRequest,
		"/entity/user?value=a&since=1":      http.StatusBadRequest,
		"/entity/address?value=a":           http.StatusBadRequest,
		"/entity/object?value=a":            http.StatusBadRequest,
		"/entity/serviceaccount?value=a":    http.StatusBadRequest,
		"/entity/planet?value=a":            http.StatusNotFound,
		"/entity/":                          http.StatusNotFound,
		"/entity/namespace/shop?value=shop": http.StatusNotFound,
	} {
		r.pageWith(path, status)
	}
}

func TestScopeOfObjectsAndEntities(t *testing.T) {
	r := newRig(t, lifeOf(t, "settings", "x", false)...)
	r.who = search.Principal{Name: "other", Scope: search.Scope{Clusters: []string{"demo"}, Namespaces: []string{"elsewhere"}}}
	for _, path := range []string{
		"/object?cluster=demo&resource=configmaps&namespace=shop&name=settings",
		entityLink(search.EntityUser, "demo", "mallory"), entityLink(search.EntityAddress, "", "203.0.113.7"), entityLink(search.EntityNamespace, "demo", "shop"),
	} {
		d := r.page(path)
		assert.NotContains(t, d.Source, "/event/")
		assert.NotContains(t, d.Text, "jane")
	}
}
