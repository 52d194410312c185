package house

import (
	"fmt"
	"slices"
	"strings"
)

// module is the path of this module.
const module = "github.com/kubewitness/kubewitness"

// room is a package, or a folder of packages, and what of ours its code may
// import. "x/..." stands for x and all below it.
type room struct {
	dir string
	may []string
}

// rooms is the dependency direction, from the ground up; the first row that fits
// a package counts. Tests are free: the compiler keeps them from making circles.
//
// The lists are closed. A new package gets a row here; a longer list is a decision
// about the architecture and needs the reason in the commit.
var rooms = []room{
	{"pkg/audit", nil},
	{"pkg/diff", []string{"pkg/audit"}},
	{"pkg/falco/operator", nil},
	{"pkg/falco/condition", []string{"pkg/falco/operator"}},
	{"pkg/falco/format", []string{"pkg/falco/condition"}},
	{"pkg/falco/rules", []string{"pkg/falco/condition", "pkg/falco/format"}},
	{"pkg/field", []string{"pkg/audit", "pkg/falco/condition"}},
	{"pkg/match", []string{"pkg/audit", "pkg/falco/...", "pkg/field"}},
	// State across events, for whoever judges them.
	{"pkg/correlate", []string{"pkg/audit", "pkg/falco/...", "pkg/field", "pkg/match"}},
	{"pkg/ruleset", []string{"pkg/correlate", "pkg/falco/...", "pkg/field", "pkg/match", "rules"}},
	{"pkg/ruledoc", []string{"pkg/falco/rules", "pkg/ruletest"}},
	{"pkg/backtest", []string{"pkg/audit", "pkg/falco/condition", "pkg/falco/rules", "pkg/field", "pkg/match"}},
	{"pkg/ruletest", []string{"pkg/audit", "pkg/correlate", "pkg/falco/rules", "pkg/field", "pkg/ingest/gcp", "pkg/match", "pkg/ruleset", "pkg/typo", "pkg/yamlnode"}},
	{"pkg/alert", []string{"pkg/audit", "pkg/falco/...", "pkg/field", "pkg/match"}},
	// Outputs are printed again from the redacted event, which needs what the matcher is made of.
	{"pkg/redact", []string{"pkg/audit", "pkg/falco/condition", "pkg/falco/rules", "pkg/field", "pkg/match"}},
	{"pkg/policy", []string{"pkg/audit", "pkg/falco/...", "pkg/field", "pkg/match"}},
	{"pkg/replay", []string{"pkg/alert", "pkg/audit", "pkg/correlate", "pkg/falco/...", "pkg/field", "pkg/match"}},

	// Sources know events and the durable log, never rules; sinks know events and
	// detections, never the log they are fed from. A record's content is known to
	// both sides: the judge writes it, sinks read it.
	{"pkg/failpoint", nil},
	{"pkg/durable", nil},
	{"pkg/typo", nil},
	{"pkg/yamlnode", []string{"pkg/typo"}},
	{"pkg/spool", []string{"pkg/failpoint"}},
	{"pkg/watch", nil},
	{"pkg/listen", []string{"pkg/watch"}},
	{"pkg/record", []string{"pkg/audit", "pkg/falco/rules", "pkg/match"}},
	// Which events and reviews are of one request, for whoever takes them in.
	{"pkg/join", []string{"pkg/audit", "pkg/record"}},
	{"pkg/judge", []string{"pkg/audit", "pkg/correlate", "pkg/falco/rules", "pkg/field", "pkg/match", "pkg/record", "pkg/redact", "pkg/ruleset"}},
	// What an entry of a cloud's log means, whatever brings it.
	{"pkg/ingest/gcp", []string{"pkg/audit"}},
	{"pkg/ingest/cloudlogging/query", nil}, // what is asked, as text: the configuration checks it, too
	{"pkg/ingest/cloudlogging", []string{"pkg/audit", "pkg/durable", "pkg/failpoint", "pkg/ingest", "pkg/ingest/cloudlogging/query", "pkg/ingest/gcp", "pkg/spool"}},
	{"pkg/ingest/pubsub", []string{"pkg/audit", "pkg/failpoint", "pkg/ingest", "pkg/ingest/gcp"}},
	// Who sends, for all endpoints that clusters send to.
	{"pkg/ingest/gate", nil},
	{"pkg/ingest/file", []string{"pkg/audit", "pkg/durable", "pkg/ingest", "pkg/spool"}},
	{"pkg/ingest/admission", []string{"pkg/audit", "pkg/ingest", "pkg/ingest/gate", "pkg/record", "pkg/scope"}},
	{"pkg/ingest/...", []string{"pkg/audit", "pkg/failpoint", "pkg/ingest", "pkg/ingest/gate", "pkg/join", "pkg/record", "pkg/spool"}},
	// The store knows rows; how an event becomes one is row's, which sink and search share.
	{"pkg/store", []string{"pkg/durable", "pkg/failpoint", "pkg/store/hush"}},
	{"pkg/store/hush", nil},
	{"pkg/row", []string{"pkg/audit", "pkg/falco/...", "pkg/field", "pkg/match", "pkg/record", "pkg/store"}},
	// Elasticsearch: who talks to it, what documents look like, what has to be there before them.
	{"pkg/elasticsearch", nil},
	{"pkg/ecs", []string{"pkg/audit", "pkg/falco/...", "pkg/field", "pkg/match", "pkg/record", "pkg/row", "pkg/store"}},
	{"pkg/indices", []string{"pkg/ecs", "pkg/elasticsearch"}},
	{"pkg/kibana", []string{"pkg/ecs", "pkg/elasticsearch"}},
	{"pkg/search/elastic", []string{"pkg/ecs", "pkg/elasticsearch", "pkg/row", "pkg/store"}},
	{"pkg/sink/...", []string{"pkg/alert", "pkg/audit", "pkg/durable", "pkg/ecs", "pkg/elasticsearch", "pkg/falco/rules", "pkg/failpoint", "pkg/match", "pkg/record", "pkg/row", "pkg/sink", "pkg/store"}},
	{"pkg/scope", []string{"pkg/audit", "pkg/falco/operator", "pkg/yamlnode"}},
	// What detections at admission lead to; of rules it knows names and tags.
	{"pkg/enforce", []string{"pkg/audit", "pkg/scope", "pkg/yamlnode"}},
	// How objects are changed before they are stored; conditions are in the rules' terms.
	{"pkg/mutate", []string{"pkg/audit", "pkg/falco/...", "pkg/field", "pkg/match", "pkg/ruleset", "pkg/scope", "pkg/yamlnode"}},
	// Installing: certificates, the API server's client, and what is put into a cluster with both.
	{"pkg/authority", nil},
	{"pkg/kube", nil},
	{"pkg/namespace", []string{"pkg/kube"}},
	{"pkg/install", []string{"pkg/authority", "pkg/failpoint", "pkg/ingest/admission", "pkg/kube"}},
	{"pkg/config", []string{"pkg/falco/rules", "pkg/ingest/cloudlogging/query", "pkg/typo"}},
	{"pkg/backfill", []string{"pkg/audit", "pkg/judge", "pkg/record", "pkg/sink", "pkg/sink/embedded"}},
	{"pkg/search", []string{"pkg/audit", "pkg/correlate", "pkg/diff", "pkg/falco/...", "pkg/field", "pkg/match", "pkg/record", "pkg/row", "pkg/ruleset", "pkg/store", "pkg/typo"}},
	// Who talks HTTP knows the shapes of the API and what answers; nobody there knows the store.
	{"pkg/api", []string{"pkg/audit"}},
	{"pkg/client", []string{"pkg/api"}},
	{"pkg/web/...", []string{"pkg/alert", "pkg/api", "pkg/audit", "pkg/diff", "pkg/falco/...", "pkg/field", "pkg/match", "pkg/record", "pkg/ruleset", "pkg/search", "pkg/typo", "pkg/web"}},

	{"rules", nil}, // our rules files, embedded; data, no logic
	{"pkg/server", []string{"pkg/...", "rules"}},
	{"cmd/...", []string{"examples/...", "pkg/...", "rules"}},
	{"examples/...", []string{"pkg/...", "rules"}},
	{"test/...", []string{"..."}},
}

// fits reports whether a folder is meant by a pattern.
func fits(pattern, dir string) bool {
	under, wild := strings.CutSuffix(pattern, "...")
	if !wild {
		return pattern == dir
	}
	return dir+"/" == under || strings.HasPrefix(dir, under)
}

func roomOf(dir string) (room, bool) {
	i := slices.IndexFunc(rooms, func(r room) bool { return fits(r.dir, dir) })
	if i < 0 {
		return room{}, false
	}
	return rooms[i], true
}

// allows reports whether code in the room may import the package in dir.
func (r room) allows(dir string) bool {
	return slices.ContainsFunc(r.may, func(p string) bool { return fits(p, dir) })
}

// direction holds the dependency direction of the packages.
func direction(t *Tree) (vs []Violation) {
	for _, f := range t.goFiles() {
		if f.IsTest() {
			continue
		}
		dir := f.Dir()
		r, ok := roomOf(dir)
		if !ok {
			vs = append(vs, Violation{f.Path, t.line(f.Go.Name.Pos()), fmt.Sprintf(
				"package %s has no place in the house; give it a row in test/house/rooms.go that says what it may import", dir)})
			continue
		}
		for _, imp := range f.Go.Imports {
			path := strings.Trim(imp.Path.Value, `"`)
			switch to, ours := strings.CutPrefix(path, module+"/"); {
			case path == "testing" && !fits("test/...", dir) && !strings.HasSuffix(dir, "test"):
				vs = append(vs, Violation{f.Path, t.line(imp.Pos()),
					"product code imports testing; move the code into a _test.go file or a package whose name ends in test"})
			case ours && to != dir && !r.allows(to):
				vs = append(vs, Violation{f.Path, t.line(imp.Pos()), wrongWay(r, dir, to)})
			}
		}
	}
	return vs
}

func wrongWay(r room, from, to string) string {
	may := "nothing of ours"
	if len(r.may) > 0 {
		may = strings.Join(r.may, ", ")
	}
	return fmt.Sprintf("%s imports %s, but may import only: %s; move the code to the side that may know the other, "+
		"or pass it in through an interface that %s declares (the direction stands in test/house/rooms.go)", from, to, may, from)
}
