package install

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/ingest/admission"
	"github.com/kubewitness/kubewitness/pkg/kube"
)

var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// store keeps objects by path, as an API server does: with versions that must agree, selectors,
// and dry runs. The tests with a real API server are in test/apiserver.
type store struct {
	mu      sync.Mutex
	objects map[string]map[string]any
	version int
	minor   string
	groups  []string
	clock   func() time.Time // of the API server
	allowed func(verb, resource string) bool
	review  func(probe string) []string // the warnings of a dry run
	changes func(probe string) []string // the same, of the mutating webhook
	failing string                      // why a dry run fails
	writes  int                         // so far
	cut     int                         // the write that is done, and answered by nobody; 0: none
	narrow  bool                        // webhooks for all resources are refused
	gone    bool                        // nobody answers at all
	wrote   func()                      // called after each write, if set
}

// world is a store with an installer, at a time that the test decides.
type world struct {
	*Installer
	*store
	now  time.Time
	told []string
}

func newWorld(t *testing.T, o Options) *world {
	t.Helper()
	w := &world{now: noon, store: &store{objects: map[string]map[string]any{}, minor: "35", allowed: func(string, string) bool { return true }}}
	w.clock = func() time.Time { return w.now }
	w.review = func(nonce string) []string {
		return []string{"other", admission.Probe{Nonce: nonce, Sender: "path-secret", Stored: true, Time: w.now, Cluster: "prod"}.String()}
	}
	w.changes = func(nonce string) []string {
		return []string{admission.Probe{Nonce: nonce, Sender: "path-secret", Changes: true, Time: w.now, Cluster: "prod"}.String()}
	}
	s := httptest.NewServer(w.store)
	t.Cleanup(s.Close)
	at, err := url.Parse(s.URL)
	require.NoError(t, err)
	w.Installer = &Installer{Options: o, Client: kube.New(s.Client(), at), Now: func() time.Time { return w.now }, Wait: time.Minute, Every: time.Millisecond}
	w.Tell = func(format string, args ...any) { w.told = append(w.told, fmt.Sprintf(format, args...)) }
	w.ready(true)
	return w
}

// ready puts an endpoint behind the Service.
func (w *world) ready(is bool) {
	w.put("/apis/discovery.k8s.io/v1/namespaces/kubewitness/endpointslices/one", map[string]any{
		"metadata":  map[string]any{"name": "one", "labels": map[string]any{"kubernetes.io/service-name": ServiceName}},
		"endpoints": []any{map[string]any{"addresses": []any{"192.0.2.1"}, "conditions": map[string]any{"ready": is}}},
	})
}

// put stores an object as it is.
func (s *store) put(at string, object map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.version++
	metadata(object)["resourceVersion"] = fmt.Sprint(s.version)
	s.objects[at] = object
}

// read gives an object, decoded; false where there is none.
func (s *store) read(at string, into any) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	object, has := s.objects[at]
	b, _ := json.Marshal(object)
	_ = json.Unmarshal(b, into)
	return has
}

// listed are the last parts of all paths that begin so.
func (s *store) listed(prefix string) (names []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for at := range s.objects {
		if strings.HasPrefix(at, prefix) {
			names = append(names, path.Base(at))
		}
	}
	slices.Sort(names)
	return names
}

const (
	secretsAt    = "/api/v1/namespaces/kubewitness/secrets/"
	servicesAt   = "/api/v1/namespaces/kubewitness/services/"
	validatingAt = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/"
	mutatingAt   = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/"
	cronJobsAt   = "/apis/batch/v1/namespaces/kubewitness/cronjobs/"
)

func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Date", s.clock().UTC().Format(http.TimeFormat))
	status, answer := s.answer(w, r)
	if r.Method != http.MethodGet && status < 300 && !strings.Contains(r.URL.Path, "accessreviews") && r.URL.Query().Get("dryRun") == "" {
		if s.wrote != nil {
			s.wrote()
		}
		if s.writes++; s.writes == s.cut {
			panic(http.ErrAbortHandler)
		}
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer)
}

func (s *store) answer(w http.ResponseWriter, r *http.Request) (int, any) {
	at := r.URL.Path
	body := map[string]any{}
	if r.Body != nil {
		_ = json.NewDecoder(r.Body).Decode(&body)
	}
	name, _ := metadata(body)["name"].(string)
	switch {
	case at == "/version":
		return 200, map[string]any{"gitVersion": "v1." + s.minor + ".0", "major": "1", "minor": s.minor}
	case at == "/apis":
		groups := []any{}
		for _, g := range s.groups {
			groups = append(groups, map[string]any{"name": g})
		}
		return 200, map[string]any{"groups": groups}
	case strings.Contains(at, certManager) && !slices.Contains(s.groups, certManager):
		return refused(404, "NotFound", "404 page not found")
	case strings.HasSuffix(at, "/selfsubjectaccessreviews"):
		spec, _ := body["spec"].(map[string]any)
		about, _ := spec["resourceAttributes"].(map[string]any)
		return 201, map[string]any{"status": map[string]any{"allowed": s.allowed(about["verb"].(string), about["resource"].(string))}}
	case r.URL.Query().Get("dryRun") == "All":
		labels, _ := metadata(body)["labels"].(map[string]any)
		nonce, _ := labels[admission.ProbeLabel].(string)
		hook, review := validatingAt, s.review
		if strings.HasSuffix(at, "/deployments") {
			hook, review = mutatingAt, s.changes
		}
		if _, has := s.objects[hook+Name]; has {
			for _, text := range review(nonce) {
				w.Header().Add("Warning", fmt.Sprintf("299 - %q", text))
			}
			if s.failing != "" {
				return refused(500, "InternalError", s.failing)
			}
			if hook == mutatingAt {
				return refused(422, "Invalid", "spec.template.spec.containers: Required value")
			}
		}
		return 201, body
	case s.narrow && r.Method != http.MethodGet && strings.HasPrefix(at, path.Dir(validatingAt)) && strings.Contains(fmt.Sprint(body["webhooks"]), "apiGroups:[*]"):
		return refused(403, "GKE Admission Webhook Controller", "the following (group,resource) pairs are not allowed in webhook rules: ('*','*')")
	case r.Method == http.MethodPost:
		at += "/" + name
		if _, has := s.objects[at]; has {
			return refused(409, "AlreadyExists", name+" already exists")
		}
		metadata(body)["uid"] = fmt.Sprint("uid-", s.version)
		return 201, s.keep(at, body)
	}
	object, has := s.objects[at]
	switch {
	case r.Method == http.MethodGet && !has && isList(at):
		if !s.allowed("list", path.Base(at)) {
			return refused(403, "Forbidden", "cannot list")
		}
		return 200, map[string]any{"items": s.selected(at, r.URL.Query().Get("labelSelector"))}
	case !s.allowed("get", path.Base(path.Dir(at))):
		return refused(403, "Forbidden", "cannot get")
	case !has:
		return refused(404, "NotFound", at+" not found")
	case r.Method == http.MethodPut:
		if v := metadata(body)["resourceVersion"]; v != nil && v != metadata(object)["resourceVersion"] {
			return refused(409, "Conflict", "the object has been modified")
		}
		return 200, s.keep(at, body)
	case r.Method == http.MethodDelete:
		delete(s.objects, at)
	}
	return 200, object
}

func isList(at string) bool {
	last := path.Base(at)
	return slices.Contains([]string{"secrets", "services", "endpointslices", "validatingwebhookconfigurations", "mutatingwebhookconfigurations", "issuers", "certificates"}, last)
}

func refused(status int, reason, message string) (int, any) {
	return status, map[string]any{"kind": "Status", "reason": reason, "message": message}
}

// keep stores what is another than before.
func (s *store) keep(at string, object map[string]any) map[string]any {
	before := s.objects[at]
	delete(metadata(object), "resourceVersion")
	if before != nil {
		version := metadata(before)["resourceVersion"]
		delete(metadata(before), "resourceVersion")
		a, _ := json.Marshal(before)
		b, _ := json.Marshal(object)
		if string(a) == string(b) {
			metadata(before)["resourceVersion"] = version
			return before
		}
	}
	s.version++
	metadata(object)["resourceVersion"] = fmt.Sprint(s.version)
	s.objects[at] = object
	return object
}

// selected are the objects right below a path that have all labels.
func (s *store) selected(at, selector string) []any {
	items := []any{}
	for p, object := range s.objects {
		labels, _ := metadata(object)["labels"].(map[string]any)
		fits := path.Dir(p) == at
		for want := range strings.SplitSeq(selector, ",") {
			k, v, _ := strings.Cut(want, "=")
			fits = fits && (want == "" || labels[k] == v)
		}
		if fits {
			items = append(items, object)
		}
	}
	return items
}
