package kibana

import (
	"net/url"
	"strings"
	"time"
)

// Discover is the URL that shows what a KQL query finds between two times. base is the
// URL of Kibana, with the path of the space if it is not the default one.
func Discover(base string, v View, query string, from, to time.Time) string {
	global := members("time", members("from", moment(from), "to", moment(to)))
	app := members("index", string(v), "query", members("language", "kuery", "query", query))
	return strings.TrimRight(base, "/") + "/app/discover#/?_g=" + global.parameter() + "&_a=" + app.parameter()
}

// Page is the URL of a dashboard.
func (d Dashboard) Page(base string) string {
	return strings.TrimRight(base, "/") + "/app/dashboards#/view/" + url.PathEscape(d.ID)
}

// around is how far beside an event a link to it looks: times in a link have
// milliseconds.
const around = time.Minute

// Event is the URL that shows one event, by its identity and its time.
func Event(base, id string, at time.Time) string {
	return Discover(base, Events, "kubewitness.id: "+Quote(id), at.Add(-around), at.Add(around))
}

var kqlQuotes = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// Quote is a text as KQL finds it literally: no wildcard, no operator in it is one.
func Quote(s string) string { return `"` + kqlQuotes.Replace(s) + `"` }

func moment(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
