package scale

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// Question is asked of the API, over and over with other values.
type Question struct {
	Name  string
	Path  string // below /api/v1
	Query []url.Values
}

// Answered is how long the answers to a question took.
type Answered struct {
	Question
	Took  []time.Duration // in order
	Bytes int64           // of all answers
}

// Share is the time within which a share of the answers came; 1: all.
func (a *Answered) Share(share float64) time.Duration {
	return a.Took[min(int(share*float64(len(a.Took))), len(a.Took)-1)]
}

// Ask asks a question rounds times with each of its queries.
func Ask(addr string, q Question, rounds int) (*Answered, error) {
	out := &Answered{Question: q}
	for range rounds {
		for _, v := range q.Query {
			begin := time.Now()
			n, err := get(addr, q.Path, v)
			if err != nil {
				return nil, fmt.Errorf("scale: %s: %w", q.Name, err)
			}
			out.Took = append(out.Took, time.Since(begin))
			out.Bytes += n
		}
	}
	slices.Sort(out.Took)
	return out, nil
}

func get(addr, path string, v url.Values) (int64, error) {
	resp, err := http.Get("http://" + addr + "/api/v1" + path + "?" + v.Encode())
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %d %.300s", path, v.Encode(), resp.StatusCode, b)
	}
	return int64(len(b)), err
}

// each makes a query of each value of one parameter.
func each(name string, values ...string) (all []url.Values) {
	for _, v := range values {
		all = append(all, url.Values{name: {v}})
	}
	return all
}

// questions are what people ask. All are about all of the time that there is.
func questions(ids []string) []Question {
	events := func(name string, conditions ...string) Question {
		return Question{Name: name, Path: "/events", Query: each("q", conditions...)}
	}
	facets := url.Values{"field": {"ka.user.name", "ka.verb", "ka.target.resource", "ka.target.namespace", "ka.response.code", "ka.useragent", "kw.source.ip", "rule"}}
	q := []Question{
		events("page, newest", ""),
		events("page, by verb, resource, namespace, code",
			"ka.verb=delete", "ka.target.resource=secrets", "ka.target.namespace=kube-system", "kw.response.code=403", "ka.target.subresource=exec"),
		events("page, by user, agent, address",
			"ka.user.name=system:admin", `ka.useragent startswith "kubectl"`, `ka.useragent contains "curl"`, "kw.source.ip=127.0.0.1", "kw.user.kind=anonymous"),
		events("page, by what is in bodies",
			`kw.pod.containers.image intersects ("docker.io/library/nginx:1.27")`, "kw.pod.containers.privileged intersects (true)", "ka.req.pod.volumes.hostpath intersects (/)", `ka.req.pod.containers.image intersects ("busybox")`),
		events("page, two or three of them", "ka.verb=create and ka.target.resource=pods and not ka.user.name startswith system:",
			"ka.verb in (get, list) and ka.target.resource=secrets and kw.response.code>=400"),
		events("page, of what never was", "ka.user.name=nobody-at-all", "ka.target.name=no-such-object", "ka.target.namespace=nowhere and ka.verb=delete"),
		{Name: "page, detections", Path: "/events", Query: each("detections", "true")},
		{Name: "facets over 8 fields", Path: "/facets", Query: []url.Values{facets}},
		{Name: "histogram", Path: "/histogram", Query: []url.Values{{}, {"q": {"ka.verb=delete"}}, {"detections": {"true"}}}},
		{Name: "text, in many", Path: "/events", Query: each("text", "kube-scheduler", "serviceaccount")},
		{Name: "text, in none", Path: "/events", Query: each("text", "no such text anywhere")},
	}
	for _, id := range ids {
		q = append(q, Question{Name: "by id", Path: "/events/" + id, Query: []url.Values{{}}})
	}
	return q
}
