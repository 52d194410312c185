package house

import (
	"fmt"
	"slices"
	"strings"
)

// library is code of others and the one room that knows it. Everyone else speaks
// to that room, so that a change of the library is a change of one package.
type library struct {
	path string   // import path of the module, or of a package of the standard library that is kept apart
	home []string // patterns of folders, or files; none: tests only
	why  string   // what the others use instead
}

var homes = []library{
	{"github.com/go-json-experiment/json", []string{"pkg/audit", "test/bench/limit_test.go"}, "read events through audit.Value; write JSON with encoding/json"},
	{"github.com/klauspost/compress", []string{"pkg/spool"}, "the durable log compresses what it stores; elsewhere the standard library will do"},
	{"github.com/VictoriaMetrics", []string{"pkg/store"}, "rows are kept and found by store.Store"},
	{"github.com/nats-io", []string{"pkg/spool"}, "the durable log is spool.Log"},
	{"github.com/elastic", []string{"pkg/elasticsearch"}, "requests are elasticsearch.Client's"},
	{"cloud.google.com/go/logging", []string{"pkg/ingest/cloudlogging", "test/cloudlogging"}, "entries of Cloud Logging come from cloudlogging"},
	{"cloud.google.com/go/pubsub", []string{"pkg/ingest/pubsub", "test/pubsub"}, "messages of Pub/Sub come from pubsub"},
	{"google.golang.org", []string{"pkg/ingest/cloudlogging", "pkg/ingest/pubsub", "test/cloudlogging", "test/pubsub"}, "Google's APIs are spoken to by the sources"},
	{"go.yaml.in/yaml/v3", []string{"pkg/falco/rules", "pkg/yamlnode"}, "rules files are read by falco/rules, all else by yamlnode"},
	{"github.com/fsnotify/fsnotify", []string{"pkg/watch"}, "files that change are told by watch"},
	{"github.com/prometheus/client_golang", []string{"pkg/server"}, "a package counts in its own struct; the server exports the counts"},
	{"github.com/spf13/cobra", []string{"cmd/kubewitness"}, "a package takes options as a struct; flags are the command's"},
	{"github.com/spf13/viper", []string{"pkg/config"}, "the configuration is config.Config"},
	{"golang.org/x/time", []string{"pkg/ingest"}, "rates are kept where bodies are taken in"},
	{"github.com/spf13/pflag", []string{"cmd/kubewitness"}, "a package takes options as a struct; flags are the command's"},
	{"golang.org/x/term", []string{"cmd/kubewitness"}, "the command asks whether it writes to a terminal and passes the answer in"},
	{"github.com/stretchr/testify", nil, ""},
	{"github.com/getkin/kin-openapi", nil, ""},
	{"github.com/rogpeppe/go-internal", nil, ""},
	{"gopkg.in/evanphx/json-patch.v4", nil, ""}, // the one that API servers apply patches of webhooks with
	// Tests hold our reading of events against the API server's own types. In the binary it is for policies alone (decision 0009).
	{"k8s.io/apimachinery", []string{"pkg/policy", "pkg/kube"}, "audit policies are policy.Policy"},
	{"k8s.io/apiserver", []string{"pkg/policy"}, "audit policies are policy.Policy"},
	{"k8s.io/client-go", []string{"pkg/kube"}, "API servers are asked by kube.Client"},
	{"unsafe", []string{"pkg/audit/value.go"}, "convert, and pay for the copy"},
	{"C", []string{"cmd/falco-plugin"}, "everything else builds with CGO_ENABLED=0"},
}

// inTests are libraries of one room that tests may use everywhere.
var inTests = []string{"k8s.io/apimachinery", "k8s.io/apiserver"}

// libraries holds that each third-party library lives in one place, and that none
// comes in unnoticed. A module of its own below ours has its own libraries.
func libraries(t *Tree) (vs []Violation) {
	for _, f := range t.goFiles() {
		if t.foreignModule(f.Dir()) {
			continue
		}
		for _, imp := range f.Go.Imports {
			path := strings.Trim(imp.Path.Value, `"`)
			lib, listed := libraryOf(path)
			msg := ""
			switch {
			case !listed && foreign(path):
				msg = fmt.Sprintf("%s is a library that the house does not know; do without it, or say in test/house/libraries.go which one package it lives in", path)
			case listed && len(lib.home) == 0 && !f.IsTest():
				msg = fmt.Sprintf("%s is for tests only; import it in _test.go files", lib.path)
			case f.IsTest() && slices.Contains(inTests, lib.path):
			case listed && len(lib.home) > 0 && !lib.livesIn(f):
				msg = fmt.Sprintf("%s lives in %s only: %s", lib.path, strings.Join(lib.home, ", "), lib.why)
			}
			if msg != "" {
				vs = append(vs, Violation{f.Path, t.line(imp.Pos()), msg})
			}
		}
	}
	return vs
}

func (l library) livesIn(f *File) bool {
	return slices.ContainsFunc(l.home, func(p string) bool { return fits(p, f.Dir()) || p == f.Path })
}

func libraryOf(path string) (library, bool) {
	i := slices.IndexFunc(homes, func(l library) bool {
		return path == l.path || strings.HasPrefix(path, l.path+"/")
	})
	if i < 0 {
		return library{}, false
	}
	return homes[i], true
}

// foreign reports whether an import path is neither ours nor the standard
// library's, whose first element has no dot.
func foreign(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return strings.Contains(first, ".") && path != module && !strings.HasPrefix(path, module+"/")
}
