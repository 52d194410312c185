package output_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/alert"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/sink/output"
)

// payload is what falcosidekick documents as its input.
type payload struct {
	Output       string         `json:"output"`
	Priority     string         `json:"priority"`
	Rule         string         `json:"rule"`
	Time         time.Time      `json:"time"`
	OutputFields map[string]any `json:"output_fields"`
	Source       string         `json:"source"`
	Tags         []string       `json:"tags"`
	Hostname     string         `json:"hostname"`
}

// receiver takes what falcosidekick takes and answers as it does: 200 without a
// body, or 400. It is stricter: no key that it does not know, nothing behind the
// object.
type receiver struct {
	mu     sync.Mutex
	bodies []string
	header []http.Header
}

func (s *receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil || r.Method != http.MethodPost || r.URL.Path != "/" || !acceptable(body) {
		http.Error(w, "Please send a valid request body", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bodies = append(s.bodies, string(body))
	s.header = append(s.header, r.Header)
}

func acceptable(body []byte) bool {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	d.UseNumber()
	var p payload
	if err := d.Decode(&p); err != nil {
		return false
	}
	if rest, _ := io.ReadAll(d.Buffered()); len(rest) > 0 {
		return false
	}
	// It takes these two for texts without looking, and breaks the connection if they are not.
	for _, key := range []string{"k8s.ns.name", "k8s.pod.name"} {
		if v := p.OutputFields[key]; v != nil {
			if _, ok := v.(string); !ok {
				return false
			}
		}
	}
	priorities := []string{"Emergency", "Alert", "Critical", "Error", "Warning", "Notice", "Informational", "Debug"}
	return slices.Contains(priorities, p.Priority) && p.Rule != "" && !p.Time.IsZero() && len(p.OutputFields) > 0
}

// post makes an HTTP output and closes it with the test.
func post(t testing.TB, url string, change ...func(*output.HTTPConfig)) *output.HTTP {
	t.Helper()
	cfg := output.HTTPConfig{URL: url, Now: func() time.Time { return start }}
	for _, f := range change {
		f(&cfg)
	}
	h, err := output.NewHTTP(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { _ = h.Close() })
	return h
}

// serve starts a server and stops it with the test.
func serve(t testing.TB, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// TestHTTPContract: what falcosidekick documents as its input is what it gets, and
// it is Falco's line to the byte.
func TestHTTPContract(t *testing.T) {
	s := &receiver{}
	server := serve(t, s.ServeHTTP)
	h := post(t, server.URL, func(c *output.HTTPConfig) {
		c.Options = alert.Options{Hostname: "falco-0"}
		c.UserAgent = "falcosecurity/falco"
	})
	events := delivery(t, 0, 30)
	require.NoError(t, h.Write(t.Context(), events))

	want := make(map[string]string) // body by id
	for _, e := range events {
		for _, d := range e.Detections {
			line := alert.AppendFalcoJSON(nil, &alert.Alert{Event: e.Event, Detection: d}, alert.Options{Hostname: "falco-0"})
			want[record.DetectionID(e.ID, d.Rule.Name)] = string(line)
		}
	}
	require.Len(t, s.bodies, len(want))
	for i, header := range s.header {
		assert.Equal(t, want[header.Get(output.IDHeader)], s.bodies[i])
		assert.Equal(t, "application/json", header.Get("Content-Type"))
		assert.Equal(t, "falcosecurity/falco", header.Get("User-Agent"))
		assert.NotContains(t, header, "Idempotency-Key")
		delete(want, header.Get(output.IDHeader))
	}
	assert.Empty(t, want)
	c := h.Counters()
	assert.EqualValues(t, len(s.bodies), c.Detections)
	assert.EqualValues(t, len(bytes.Join(toBytes(s.bodies), nil)), c.Bytes)
}

func toBytes(ss []string) (out [][]byte) {
	for _, s := range ss {
		out = append(out, []byte(s))
	}
	return out
}

// TestHTTPContractRefuses: the receiver of these tests tells good from bad.
func TestHTTPContractRefuses(t *testing.T) {
	good := string(alert.AppendFalcoJSON(nil, &alert.Alert{Event: delivery(t, 1, 1)[0].Event, Detection: delivery(t, 1, 1)[0].Detections[0]}, alert.Options{}))
	require.True(t, acceptable([]byte(good)))
	for _, bad := range []string{"", "{}", good + "{}", `{"more":1,` + good[1:], `{"priority":"high",` + good[1:len(good)-1] + `,"priority":"high"}`} {
		assert.False(t, acceptable([]byte(bad)), bad)
	}
}
