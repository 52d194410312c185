package web

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/api"
)

// description reads the OpenAPI description as strictly as can be: an answer may have no
// member that it does not tell of.
func description(t testing.TB) (*openapi3.T, routers.Router) {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(api.OpenAPI())
	require.NoError(t, err)
	for _, ref := range doc.Components.Schemas {
		closeSchema(ref)
	}
	router, err := legacy.NewRouter(doc)
	require.NoError(t, err)
	return doc, router
}

func closeSchema(ref *openapi3.SchemaRef) {
	if ref == nil || ref.Value == nil {
		return
	}
	s := ref.Value
	if len(s.Properties) > 0 && s.AdditionalProperties.Has == nil {
		no := false
		s.AdditionalProperties.Has = &no
		for _, p := range s.Properties {
			closeSchema(p)
		}
	}
	closeSchema(s.Items)
}

// TestDescriptionHasTheRoutes: each that there is, and no other.
func TestDescriptionHasTheRoutes(t *testing.T) {
	doc, _ := description(t)
	require.Equal(t, Prefix, doc.Servers[0].URL)
	var told, are []string
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			told = append(told, method+" "+path)
		}
	}
	for _, e := range endpoints {
		are = append(are, e.method+" "+e.path)
	}
	assert.ElementsMatch(t, are, told)
}

// asking is a request of the tests below.
type question struct {
	op      string // operationId
	path    string // with its query
	accept  string
	kind    string // Content-Type
	body    string
	bad     bool // not as the description has it
	status  int
	without bool // a token
}

// questions asks every operation, well and badly.
func questions(id string) []question {
	object := "cluster=prod&resource=secrets&namespace=shop&name=db"
	return []question{
		{op: "searchEvents", path: "/events", status: 200},
		{op: "searchEvents", path: "/events?limit=2&cluster=prod&since=30d&rule=Secret+read&detections=true&priority=debug&text=a&" + q("ka.verb exists"), status: 200},
		{op: "searchEvents", path: "/events?limit=2", accept: typeLines, status: 200},
		{op: "searchEvents", path: "/events", accept: typeCSV, status: 200},
		{op: "searchEvents", path: "/events?" + q("ka.verb="), status: 400},
		{op: "searchEvents", path: "/events?nothing=1", bad: true, status: 400},
		{op: "searchEvents", path: "/events?limit=0", bad: true, status: 400},
		{op: "searchEvents", path: "/events", accept: "image/png", bad: true, status: 406},
		{op: "searchEvents", path: "/events", without: true, status: 401},
		{op: "getEvent", path: "/events/" + id, status: 200},
		{op: "getEvent", path: "/events/" + strings.Repeat("0", 64), status: 404},
		{op: "getEvent", path: "/events/x", bad: true, status: 404},
		{op: "explainEvent", path: "/events/" + id + "/explain?rule=Secret+read", status: 200},
		{op: "explainEvent", path: "/events/" + id + "/explain?rule=nothing", status: 404},
		{op: "explainEvent", path: "/events/" + id + "/explain", bad: true, status: 400},
		{op: "facets", path: "/facets?field=ka.user.name&field=rule&limit=3", status: 200},
		{op: "facets", path: "/facets?field=tag", accept: typeCSV, status: 200},
		{op: "facets", path: "/facets?field=no.such", status: 400},
		{op: "histogram", path: "/histogram", status: 200},
		{op: "histogram", path: "/histogram?since=1d&step=1h", status: 200},
		{op: "histogram", path: "/histogram?step=1ms", status: 400},
		{op: "searchDetections", path: "/detections?limit=2", status: 200},
		{op: "searchDetections", path: "/detections?priority=x", status: 400},
		{op: "objectHistory", path: "/objects/history?" + object + "&reads=true&limit=5&since=30d", status: 200},
		{op: "objectHistory", path: "/objects/history?cluster=prod&resource=pods&namespace=bank&name=web-0", status: 200},
		{op: "objectHistory", path: "/objects/history?cluster=prod", bad: true, status: 400},
		{op: "entity", path: "/entities/user?value=jane", status: 200},
		{op: "entity", path: "/entities/namespace?value=shop&cluster=prod", status: 200},
		{op: "entity", path: "/entities/address?value=10.0.0.1", status: 200},
		{op: "entity", path: "/entities/planet?value=x", bad: true, status: 404},
		{op: "entity", path: "/entities/user", bad: true, status: 400},
		{op: "tail", path: "/tail?" + q("("), status: 400},
		{op: "listRules", path: "/rules", status: 200},
		{op: "listRules", path: "/rules?x=1", bad: true, status: 400},
		{op: "status", path: "/status", status: 200},
		{op: "openapi", path: "/openapi.json", status: 200},
		{op: "hunt", path: "/hunt?since=30d", kind: "application/yaml", body: huntRules, status: 200},
		{op: "hunt", path: "/hunt", kind: "text/yaml", body: "- rule: x", status: 400},
		{op: "hunt", path: "/hunt", kind: "text/plain", body: huntRules, bad: true, status: 415},
		{op: "importEvents", path: "/import?cluster=prod", kind: typeLines, body: shop[0].raw(), status: 200},
		{op: "importEvents", path: "/import?clutser=prod", kind: typeLines, body: shop[0].raw(), bad: true, status: 400},
		{op: "importEvents", path: "/import", kind: "text/plain", body: shop[0].raw(), bad: true, status: 415},
	}
}

// TestAnswersAreAsDescribed: what comes back, good or bad, fits its schema, and what is
// asked well is described.
func TestAnswersAreAsDescribed(t *testing.T) {
	doc, router := description(t)
	w := newWorld(t, shop, twoTokens)
	var all api.EventList
	w.get("/events", &all, bearer(allToken)...)
	asked := map[string]bool{}
	for _, qu := range questions(all.Events[0].ID) {
		t.Run(qu.op+" "+qu.path+" "+qu.accept, func(t *testing.T) {
			var headers []string
			if !qu.without {
				headers = bearer(allToken)
			}
			if qu.accept != "" {
				headers = append(headers, "Accept", qu.accept)
			}
			if qu.kind != "" {
				headers = append(headers, "Content-Type", qu.kind)
			}
			method := "GET"
			if qu.body != "" {
				method = "POST"
			}
			a := w.ask(method, qu.path, qu.body, headers...)
			require.Equal(t, qu.status, a.StatusCode, "%s", a.body)
			asked[qu.op+" "+map[bool]string{true: "well", false: "badly"}[qu.status == 200]] = true
			input := described(t, router, method, qu, headers)
			assert.Equal(t, qu.op, input.Route.Operation.OperationID)
			if !qu.bad {
				assert.NoError(t, openapi3filter.ValidateRequest(t.Context(), input))
			}
			fits(t, doc, input, a)
		})
	}
	asked["tail well"] = true // TestTail
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			assert.True(t, asked[op.OperationID+" well"], "%s %s", method, path)
			if op.OperationID != "openapi" && op.OperationID != "status" { // nothing can be wrong with these
				assert.True(t, asked[op.OperationID+" badly"], "%s %s", method, path)
			}
		}
	}
}

func described(t *testing.T, router routers.Router, method string, qu question, headers []string) *openapi3filter.RequestValidationInput {
	t.Helper()
	req, err := http.NewRequest(method, Prefix+qu.path, strings.NewReader(qu.body))
	require.NoError(t, err)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	route, params, err := router.FindRoute(req)
	require.NoError(t, err)
	values, err := url.ParseQuery(req.URL.RawQuery)
	require.NoError(t, err)
	return &openapi3filter.RequestValidationInput{
		Request: req, PathParams: params, Route: route, QueryParams: values,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, ExcludeRequestBody: true},
	}
}

// fits holds an answer against the description.
func fits(t *testing.T, doc *openapi3.T, input *openapi3filter.RequestValidationInput, a answered) {
	t.Helper()
	media, _, _ := strings.Cut(a.Header.Get("Content-Type"), ";")
	lines := media == typeLines
	out := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: a.StatusCode, Header: a.Header, Body: io.NopCloser(bytes.NewReader(a.body)),
		Options: &openapi3filter.Options{IncludeResponseStatus: true, ExcludeResponseBody: lines || media == typeCSV, MultiError: true},
	}
	require.NoError(t, openapi3filter.ValidateResponse(t.Context(), out), "%s", a.body)
	content := input.Route.Operation.Responses.Status(a.StatusCode).Value.Content
	require.NotNil(t, content[media], "answers of type %s are not described", media)
	if !lines {
		return
	}
	name := map[string]string{"searchEvents": "Event", "hunt": "HuntHit"}[input.Route.Operation.OperationID]
	texts := strings.Split(strings.TrimSuffix(string(a.body), "\n"), "\n")
	for i, text := range texts {
		var v any
		require.NoError(t, json.Unmarshal([]byte(text), &v))
		if i == len(texts)-1 {
			name = "Last"
		}
		require.NoError(t, doc.Components.Schemas[name].Value.VisitJSON(v), text)
	}
}
