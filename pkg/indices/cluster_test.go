package indices_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/elasticsearch"
	"github.com/kubewitness/kubewitness/pkg/indices"
)

// cluster stands for servers that tests cannot run: with ILM, without it but with data
// stream lifecycles, of old versions. It keeps what is put and gives it back as the
// server's documentation says. The rest is tested against a real one, in test/elastic.
type cluster struct {
	t         *testing.T
	version   string
	ilm       bool
	lifecycle bool
	missing   []string // privileges that nobody has

	mu   sync.Mutex
	have map[string]json.RawMessage // by path
	puts []string                   // paths, in their order
}

func (c *cluster) setup(namespace string) *indices.Setup {
	server := httptest.NewServer(c)
	c.t.Cleanup(server.Close)
	client, err := elasticsearch.Open(elasticsearch.Config{Nodes: []string{server.URL}, Now: time.Now})
	require.NoError(c.t, err)
	c.t.Cleanup(client.Close)
	c.have = map[string]json.RawMessage{}
	return &indices.Setup{Client: client, Options: indices.Options{Namespace: namespace, Replicas: indices.AutoReplicas}, Now: time.Now}
}

// taken are the paths of what was put since the last call.
func (c *cluster) taken() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	puts := c.puts
	c.puts = nil
	return puts
}

func (c *cluster) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("X-Elastic-Product", "Elasticsearch")
	w.Header().Set("Content-Type", "application/json")
	path := r.URL.Path
	switch first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/"); first {
	case "":
		fmt.Fprintf(w, `{"name":"n","cluster_uuid":"u","version":{"number":%q},"tagline":"You Know, for Search"}`, c.version)
	case "_security":
		c.rights(w, body)
	case "_ilm":
		c.policy(w, r, body)
	case "_component_template", "_index_template":
		c.template(w, r, first, body)
	case "_data_stream":
		c.stream(w, r)
	case "_resolve":
		c.resolve(w, strings.TrimPrefix(path, "/_resolve/index/"))
	default:
		c.index(w, r)
	}
}

func refuse(w http.ResponseWriter, status int, typ, reason string) {
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"error":{"type":%q,"reason":%q},"status":%d}`, typ, reason, status)
}

func noHandler(w http.ResponseWriter, r *http.Request) {
	w.WriteHeader(http.StatusBadRequest)
	fmt.Fprintf(w, `{"error":"no handler found for uri [%s] and method [%s]"}`, r.URL.Path, r.Method)
}

func (c *cluster) rights(w http.ResponseWriter, body []byte) {
	var asked struct {
		Cluster []string
		Index   []struct{ Names, Privileges []string }
	}
	require.NoError(c.t, json.Unmarshal(body, &asked))
	has := func(privileges []string) map[string]bool {
		m := map[string]bool{}
		for _, p := range privileges {
			m[p] = true
		}
		for _, p := range c.missing {
			if m[p] {
				m[p] = false
			}
		}
		return m
	}
	index := map[string]map[string]bool{}
	for _, i := range asked.Index {
		for _, name := range i.Names {
			index[name] = has(i.Privileges)
		}
	}
	require.NoError(c.t, json.NewEncoder(w).Encode(map[string]any{"cluster": has(asked.Cluster), "index": index}))
}

func (c *cluster) put(w http.ResponseWriter, path string, body []byte) {
	c.puts = append(c.puts, path)
	c.have[path] = body
	fmt.Fprint(w, `{"acknowledged":true}`)
}

func (c *cluster) policy(w http.ResponseWriter, r *http.Request, body []byte) {
	given, ok := c.have[r.URL.Path]
	switch {
	case !c.ilm:
		noHandler(w, r)
	case r.URL.Path == "/_ilm/status":
		fmt.Fprint(w, `{"operation_mode":"RUNNING"}`)
	case r.Method == http.MethodPut:
		c.put(w, r.URL.Path, body)
	case !ok:
		refuse(w, http.StatusNotFound, "resource_not_found_exception", "Lifecycle policy not found")
	default:
		name := strings.TrimPrefix(r.URL.Path, "/_ilm/policy/")
		policy := strings.TrimPrefix(strings.TrimSpace(string(given)), "{")
		fmt.Fprintf(w, `{%q:{"version":1,"modified_date":"2026-01-01T00:00:00.000Z","in_use_by":{},%s}`, name, policy)
	}
}

func (c *cluster) template(w http.ResponseWriter, r *http.Request, kind string, body []byte) {
	given, ok := c.have[r.URL.Path]
	switch {
	case r.Method == http.MethodPut:
		c.put(w, r.URL.Path, body)
	case !ok:
		refuse(w, http.StatusNotFound, "resource_not_found_exception", "not found")
	default:
		one := strings.TrimPrefix(kind, "_")
		name := strings.TrimPrefix(r.URL.Path, "/"+kind+"/")
		fmt.Fprintf(w, `{%q:[{"name":%q,%q:%s}]}`, one+"s", name, one, given)
	}
}

func (c *cluster) stream(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasSuffix(r.URL.Path, "/_lifecycle") && !c.lifecycle:
		noHandler(w, r)
	case strings.HasSuffix(r.URL.Path, "/_lifecycle"):
		refuse(w, http.StatusNotFound, "index_not_found_exception", "no such index")
	default:
		c.put(w, r.URL.Path, nil)
	}
}

func (c *cluster) resolve(w http.ResponseWriter, name string) {
	if _, ok := c.have["/_data_stream/"+name]; !ok {
		refuse(w, http.StatusNotFound, "index_not_found_exception", "no such index")
		return
	}
	fmt.Fprintf(w, `{"indices":[],"aliases":[],"data_streams":[{"name":%q,"backing_indices":[".ds-%s-000001"]}]}`, name, name)
}

// index gives the mapping of the component template.
func (c *cluster) index(w http.ResponseWriter, r *http.Request) {
	name := strings.Split(r.URL.Path, "/")[1]
	if !strings.HasSuffix(r.URL.Path, "/_mapping") {
		fmt.Fprint(w, `{}`)
		return
	}
	kind := "events"
	if strings.Contains(name, "detections") {
		kind = "detections"
	}
	if strings.Contains(name, "gcp") {
		kind = "gcp"
		if c.have["/_component_template/kubewitness-gcp-prod@mappings"] == nil {
			fmt.Fprintf(w, `{%q:{"mappings":{}}}`, name)
			return
		}
	}
	for path, body := range c.have {
		if strings.HasPrefix(path, "/_component_template/kubewitness-"+kind) {
			var of struct {
				Template struct{ Mappings json.RawMessage }
			}
			require.NoError(c.t, json.Unmarshal(body, &of))
			fmt.Fprintf(w, `{%q:{"mappings":%s}}`, name, of.Template.Mappings)
		}
	}
}
