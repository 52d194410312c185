package elastic

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/ecs"
	"github.com/kubewitness/kubewitness/pkg/elasticsearch"
	"github.com/kubewitness/kubewitness/pkg/indices"
	"github.com/kubewitness/kubewitness/test/rig"
)

// setupOf is a set-up of a namespace as the command makes it.
func setupOf(c indices.Client, namespace string) *indices.Setup {
	return &indices.Setup{Client: c, Options: indices.Options{Namespace: namespace, Replicas: indices.AutoReplicas}, Now: time.Now}
}

// deeds are what became of each object, by the object.
func deeds(steps []indices.Step) map[string]indices.Deed {
	m := map[string]indices.Deed{}
	for _, s := range steps {
		m[s.What] = s.Deed
	}
	return m
}

// do sends a request that must succeed.
func do(t *testing.T, c *elasticsearch.Client, method, path, body string, out any) {
	t.Helper()
	require.NoError(t, c.Do(t.Context(), method, path, []byte(body), out), "%s %s", method, path)
}

// behind are the indices behind a data stream, in their order.
func behind(t *testing.T, c *elasticsearch.Client, stream string) []string {
	t.Helper()
	var found struct {
		Streams []struct {
			Backing []string `json:"backing_indices"`
		} `json:"data_streams"`
	}
	do(t, c, http.MethodGet, "/_resolve/index/"+stream, "", &found)
	require.Len(t, found.Streams, 1, "%s is a data stream", stream)
	return found.Streams[0].Backing
}

// texts are findings as the command prints them.
func texts(found []indices.Finding) (all []string) {
	for _, f := range found {
		if f.Problem {
			all = append(all, f.Text)
		} else {
			all = append(all, "note: "+f.Text)
		}
	}
	return all
}

const securityOff = "note: security is off: whoever reaches the cluster can read and delete all that is in it"

// TestSetup puts everything up, twice, and changes it. The server has no ILM.
func TestSetup(t *testing.T) {
	t.Parallel()
	c := open(t, server(t), nil)
	const ns = "setup_twice"
	s := setupOf(c, ns)
	streams := []string{ecs.Stream(ecs.AuditLogs, ns), ecs.Stream(ecs.Detections, ns)}
	var missing []string
	for _, stream := range streams {
		missing = append(missing, "the data stream "+stream+" is not there; run kubewitness elastic setup")
	}
	for _, kind := range []string{"events", "detections"} {
		missing = append(missing, "the index template kubewitness-"+kind+"-"+ns+" is not there; run kubewitness elastic setup")
	}
	assert.Equal(t, append(missing, securityOff), texts(s.Check(t.Context())), "before")

	assert.EqualError(t, s.Missing(t.Context(), streams[0]), "neither the data stream "+streams[0]+" nor its index template kubewitness-events-"+ns+" is there; run kubewitness elastic setup")

	want := map[string]indices.Deed{"ILM policy": indices.Left}
	for _, what := range []string{
		"component template kubewitness-" + ns + "@settings",
		"component template kubewitness-events-" + ns + "@mappings", "component template kubewitness-detections-" + ns + "@mappings",
		"index template kubewitness-events-" + ns, "index template kubewitness-detections-" + ns,
		"data stream " + streams[0], "data stream " + streams[1],
	} {
		want[what] = indices.Created
	}
	steps, err := s.Run(t.Context())
	require.NoError(t, err)
	assert.Equal(t, want, deeds(steps))
	assert.Equal(t, []string{securityOff}, texts(s.Check(t.Context())))
	assert.NoError(t, s.Missing(t.Context(), streams[0]))
	assert.NoError(t, s.Missing(t.Context(), "logs-of-somebody-else"))

	for what := range want {
		want[what] = indices.Unchanged
	}
	want["ILM policy"] = indices.Left
	steps, err = s.Run(t.Context())
	require.NoError(t, err)
	assert.Equal(t, want, deeds(steps), "again")

	for _, stream := range streams {
		var count struct{ Count int }
		do(t, c, http.MethodGet, "/"+stream+"/_count", "", &count)
		assert.Zero(t, count.Count, "%s is empty", stream)
		index := behind(t, c, stream)[0]
		var settings map[string]struct{ Settings map[string]any }
		do(t, c, http.MethodGet, "/"+index+"/_settings?flat_settings=true", "", &settings)
		assert.Equal(t, "best_compression", settings[index].Settings["index.codec"])
		assert.Equal(t, "5s", settings[index].Settings["index.refresh_interval"])
		assert.Equal(t, "0", settings[index].Settings["index.number_of_replicas"], "one node")
	}

	s.Options.Refresh, s.Options.Replicas = 10*time.Second, 0
	steps, err = s.Run(t.Context())
	require.NoError(t, err)
	want["component template kubewitness-"+ns+"@settings"] = indices.Updated
	assert.Equal(t, want, deeds(steps), "other settings")
}

// TestSetupUpgrades finds streams of an older mapping, and has new documents go into an
// index of the new one.
func TestSetupUpgrades(t *testing.T) {
	t.Parallel()
	c := open(t, server(t), nil)
	const ns = "setup_upgrade"
	s := setupOf(c, ns)
	_, err := s.Run(t.Context())
	require.NoError(t, err)
	stream := ecs.Stream(ecs.AuditLogs, ns)
	old := behind(t, c, stream)

	mark := func(version int) {
		do(t, c, http.MethodPut, "/"+stream+"/_mapping?write_index_only=true", fmt.Sprintf(`{"_meta":{"kubewitness":{"version":%d,"mapping":"x"}}}`, version), nil)
		template := fmt.Sprintf(`{"index_patterns":[%q],"data_stream":{},"priority":300,"_meta":{"kubewitness":{"version":%d}}}`, stream, version)
		do(t, c, http.MethodPut, "/_index_template/kubewitness-events-"+ns, template, nil)
	}
	mark(0)
	assert.Equal(t, []string{
		"the data stream " + stream + " was made of a template that is not kubewitness', so that fields are missing or of other types; run kubewitness elastic setup",
		"the index template kubewitness-events-" + ns + " is of version 0 and this program writes 1; run kubewitness elastic setup",
		securityOff,
	}, texts(s.Check(t.Context())))
	steps, err := s.Run(t.Context())
	require.NoError(t, err)
	assert.Equal(t, indices.RolledOver, deeds(steps)["data stream "+stream])
	assert.Equal(t, indices.Updated, deeds(steps)["index template kubewitness-events-"+ns])
	assert.Equal(t, indices.Unchanged, deeds(steps)["data stream "+ecs.Stream(ecs.Detections, ns)])
	rolled := behind(t, c, stream)
	assert.Equal(t, old, rolled[:len(rolled)-1])
	assert.Equal(t, []string{securityOff}, texts(s.Check(t.Context())))

	mark(1)
	assert.Equal(t, []string{"the data stream " + stream + " has another mapping than the one this program writes; run kubewitness elastic setup", securityOff},
		texts(s.Check(t.Context())), "a build between releases")
	steps, err = s.Run(t.Context())
	require.NoError(t, err)
	assert.Contains(t, steps, indices.Step{What: "data stream " + stream, Deed: indices.RolledOver, Why: rolled[len(rolled)-1] + " was made of another mapping"})
	rolled = behind(t, c, stream)

	mark(99)
	steps, err = s.Run(t.Context())
	require.NoError(t, err)
	assert.Equal(t, indices.Left, deeds(steps)["data stream "+stream], "of a newer program")
	assert.Equal(t, indices.Left, deeds(steps)["index template kubewitness-events-"+ns])
	assert.Equal(t, rolled, behind(t, c, stream))
	assert.Contains(t, texts(s.Check(t.Context())), "note: the data stream "+stream+" has version 99 of the mapping and this program writes 1; upgrade it")
}

// TestCheckOfStreams is what Check says of streams that take no documents.
func TestCheckOfStreams(t *testing.T) {
	t.Parallel()
	c := open(t, server(t), nil)
	const ns = "check_streams"
	s := setupOf(c, ns)
	stream, other := ecs.Stream(ecs.AuditLogs, ns), ecs.Stream(ecs.Detections, ns)

	do(t, c, http.MethodPut, "/"+stream, "", nil)
	says := stream + " is an index, not a data stream; documents were sent there before the templates were put up: reindex them elsewhere, delete it, and run kubewitness elastic setup"
	assert.Contains(t, texts(s.Check(t.Context())), says)
	_, err := s.Run(t.Context())
	assert.EqualError(t, err, "data stream "+stream+": "+says)
	do(t, c, http.MethodDelete, "/"+stream, "", nil)
	_, err = s.Run(t.Context())
	require.NoError(t, err)

	do(t, c, http.MethodPut, "/"+stream+"/_settings", `{"index.blocks.read_only_allow_delete":true}`, nil)
	do(t, c, http.MethodPut, "/"+other+"/_settings", `{"index.blocks.write":true}`, nil)
	assert.Equal(t, []string{
		stream + " takes no documents: the disk of a node is above the flood-stage watermark; make room there, the block ends by itself",
		other + " takes no documents: somebody has set index.blocks.write on " + behind(t, c, other)[0] + "; take it away, or roll the data stream over",
		securityOff,
	}, texts(s.Check(t.Context())))
	do(t, c, http.MethodPut, "/"+stream+","+other+"/_settings", `{"index.blocks.read_only_allow_delete":null,"index.blocks.write":null}`, nil)

	ahead := setupOf(c, ns)
	ahead.Now = func() time.Time { return time.Now().Add(-time.Hour) }
	found := ahead.Check(t.Context())
	require.Len(t, found, 2)
	assert.Regexp(t, `^the clock of node "[^"]+" is 1h0m0s ahead of the clock here; `, found[1].Text)
}

// TestRights makes the role and the keys that setup --print writes, and holds that each
// is enough for what it is for, and that what is missing is told.
func TestRights(t *testing.T) {
	t.Parallel()
	server := secureServer(t)
	admin := open(t, server, nil)
	const ns = "rights"
	root := setupOf(admin, ns)
	files, err := root.Options.Files()
	require.NoError(t, err)

	role := strings.Replace(string(files["role-setup.json"]), `"manage"`, `"manage", "create_doc"`, 1) // this server makes data streams by bulk requests only
	do(t, admin, http.MethodPut, "/_security/role/kubewitness-setup", role, nil)
	do(t, admin, http.MethodPut, "/_security/user/installer", `{"password":"installer-password","roles":["kubewitness-setup"]}`, nil)
	do(t, admin, http.MethodPut, "/_security/user/nobody", `{"password":"nobodys-password","roles":[]}`, nil)
	as := func(user, password string) *indices.Setup {
		return setupOf(open(t, server, func(cfg *elasticsearch.Config) { cfg.Username, cfg.PasswordFile = user, file(t, password) }), ns)
	}
	_, err = as("nobody", "nobodys-password").Run(t.Context())
	assert.ErrorContains(t, err, "missing: manage_ilm on the cluster, manage_index_templates on the cluster, monitor on the cluster, manage on logs-kubernetes.audit_logs-rights")
	_, err = as("installer", "wrong-password").Run(t.Context())
	assert.ErrorContains(t, err, "the cluster does not know this user and password")
	steps, err := as("installer", "installer-password").Run(t.Context())
	require.NoError(t, err)
	assert.Equal(t, indices.Created, deeds(steps)["data stream "+ecs.Stream(ecs.Detections, ns)])

	with := func(body string) *indices.Setup {
		var made struct{ Encoded string }
		do(t, admin, http.MethodPost, "/_security/api_key", body, &made)
		key := file(t, made.Encoded)
		return setupOf(open(t, server, func(cfg *elasticsearch.Config) { cfg.Username, cfg.PasswordFile, cfg.APIKeyFile = "", "", key }), ns)
	}
	events, detections := ecs.Stream(ecs.AuditLogs, ns), ecs.Stream(ecs.Detections, ns)
	const noVersion = "note: the key may not ask for the version of the cluster (monitor), so that it is not known whether it is new enough"
	cannotRead := func(stream string) []string {
		return []string{
			"note: there is no right to read " + stream + ": around a rollover an event that is sent again may be indexed twice (the service counts these)",
			"note: there is no right to look at " + stream + " (view_index_metadata), so that it was not checked",
		}
	}
	cannotCreate := func(stream string) string {
		return "there is no right to create documents in " + stream + "; give the key the privilege create_doc on it, as kubewitness-sink of setup --print has it"
	}
	tests := []struct {
		name, body string
		want       []string
	}{
		{"sink", string(files["api-key-sink.json"]), nil},
		{"create", string(files["api-key-create.json"]), append([]string{noVersion}, append(cannotRead(events), cannotRead(detections)...)...)},
		{"search", string(files["api-key-search.json"]), []string{cannotCreate(events), cannotCreate(detections), noVersion}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := with(tt.body)
			assert.NoError(t, s.Missing(t.Context(), events), "it is there, or may not be looked for")
			assert.ElementsMatch(t, tt.want, texts(s.Check(t.Context())))
			items, err := s.Client.Bulk(t.Context(), events, []byte(`{"create":{"_id":"`+tt.name+`"}}`+"\n"+`{"@timestamp":"2026-01-01T00:00:00Z"}`+"\n"), 1)
			if tt.name == "search" {
				assert.Error(t, firstError(items, err))
				require.NoError(t, s.Client.Do(t.Context(), http.MethodGet, "/"+events+"/_search", nil, nil))
				return
			}
			require.NoError(t, err)
			assert.Equal(t, http.StatusCreated, items[0].Status, items[0].Reason)
			assert.Error(t, s.Client.Do(t.Context(), http.MethodDelete, "/"+items[0].Index+"/_doc/"+tt.name, nil, nil), "what is there stays")
		})
	}
}

func firstError(items []elasticsearch.BulkItem, err error) error {
	if err == nil && items[0].Status >= 400 {
		return fmt.Errorf("%d %s", items[0].Status, items[0].Reason)
	}
	return err
}

// TestCheckOfConnections is the sentence for each way in which a connection fails. None
// holds a secret.
func TestCheckOfConnections(t *testing.T) {
	t.Parallel()
	secured, plain := secureServer(t), server(t)
	stranger := rig.NewAuthority(t, t.TempDir(), "stranger")
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	other := func(url string) string {
		if rest, ok := strings.CutPrefix(url, "https://"); ok {
			return "http://" + rest
		}
		return "https://" + strings.TrimPrefix(url, "http://")
	}
	node := func(url string) func(*elasticsearch.Config) {
		return func(cfg *elasticsearch.Config) { cfg.Nodes = []string{url} }
	}
	anonymous := func(cfg *elasticsearch.Config) { cfg.Username, cfg.PasswordFile = "", "" }
	key := func(text string) func(*elasticsearch.Config) {
		return func(cfg *elasticsearch.Config) {
			cfg.Username, cfg.PasswordFile, cfg.APIKeyFile = "", "", file(t, text)
		}
	}
	tests := []struct {
		name string
		c    *elasticsearch.Client
		want string
	}{
		{"no such name", open(t, plain, node("http://no-such-host.invalid:9200")), `the name "no-such-host.invalid" cannot be resolved; check the host in nodes, and DNS`},
		{"nobody listens", open(t, plain, node("http://"+closed.Addr().String())), closed.Addr().String() + " refuses connections; check host and port, and that Elasticsearch runs there"},
		{"unknown authority", open(t, secured, func(cfg *elasticsearch.Config) { cfg.CAFile = stranger.File }), "the certificate of the node is signed by an authority that is not known here; set ca_file to the authority's certificate (http_ca.crt of the node)"},
		{"TLS to plain HTTP", open(t, plain, node(other(plain.URL))), "the port speaks plain HTTP, not TLS; write http:// in nodes, or turn TLS on there"},
		{"plain HTTP to TLS", open(t, secured, node(other(secured.URL))), "the connection ended before there was an answer; if the port speaks TLS, write https:// in nodes"},
		{"wrong password", open(t, secured, func(cfg *elasticsearch.Config) { cfg.PasswordFile = file(t, "wrong-password") }), "the cluster does not know this user and password, or this API key; check username and password_file, or api_key_file (the key in its encoded form)"},
		{"wrong key", open(t, secured, key("bm8tc3VjaC1rZXk6c2VjcmV0")), "the cluster does not know this user and password, or this API key; check username and password_file, or api_key_file (the key in its encoded form)"},
		{"nobody", open(t, secured, anonymous), "the cluster does not know this user and password, or this API key; check username and password_file, or api_key_file (the key in its encoded form)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, []string{tt.want}, texts(setupOf(tt.c, "connections").Check(t.Context())))
		})
	}
}

// TestFieldsOfSetup holds that words without a field are looked for where people
// expect it, in as many fields as the server takes.
func TestFieldsOfSetup(t *testing.T) {
	t.Parallel()
	c := open(t, server(t), nil)
	s := setupOf(c, "setup_fields")
	_, err := s.Run(t.Context())
	require.NoError(t, err)
	stream := ecs.Stream(ecs.AuditLogs, "setup_fields")
	doc := `{"@timestamp":"2026-01-01T00:00:00Z","user":{"name":"jane"},"kubewitness":{"sentence":"jane read secret prod/db"},"message":"jane read secret prod/db"}`
	items, err := c.Bulk(t.Context(), stream, []byte(`{"create":{"_id":"1"}}`+"\n"+doc+"\n"), 1)
	require.NoError(t, err)
	require.Equal(t, http.StatusCreated, items[0].Status, items[0].Reason)
	do(t, c, http.MethodPost, "/"+stream+"/_refresh", "", nil)
	for _, word := range []string{"jane", "secret"} {
		var found struct {
			Hits struct{ Total struct{ Value int } }
		}
		query, err := json.Marshal(map[string]any{"query": map[string]any{"kql": map[string]any{"query": word}}})
		require.NoError(t, err)
		do(t, c, http.MethodPost, "/"+stream+"/_search", string(query), &found)
		assert.Equal(t, 1, found.Hits.Total.Value, word)
	}
}
