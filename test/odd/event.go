// Package odd has events that are easily got wrong, and questions about them: for tests
// that hold two ways to answer against each other.
//
// Recorded events are among them, so that questions of ordinary form find something. How
// they are asked and what is right is the tests' business.
package odd

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/test/bench"
	"github.com/kubewitness/kubewitness/test/rulegen"
)

// Values are texts that are easily mistaken for others.
var Values = []string{
	"", "a", "A", "ab", "abc", "a,b", ",", `","`, `"`, `\`, `\"`, `a\`, "]", "[", `["a"]`, "a/b", "/a/b", "//a//", "a*", "*", "?", "[a-c]", "0", "1", "10", "010", "201", "5", "true", "null",
	"10.0.0.1", "10.0.0.10", "::1", "::ffff:10.0.0.1", "::FFFF:a00:1", "fe80::1%eth0", "FE80:0::1", "2001:db8::1", "é", "éa", "a\nb", "a\x00b", "\x00", "\u212a", "k", "K", "İ", "ſ",
	"system:masters", "\ufffd", "\u2028", "<b>", "_msg:x | delete", "a' or 'b", `a") or ("b`, "x\ty", "ka.user.name", strings.Repeat("long ", 5000),
	"password=hunter2hunter2", "Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
}

// Events are recorded events, changed ones, and some that have each odd value in several
// places. They are the same each time.
func Events() (all []*audit.Event, err error) {
	for _, corpus := range bench.Corpora {
		data, err := bench.Events(corpus)
		if err != nil {
			return nil, err
		}
		events, err := read(data)
		if err != nil {
			return nil, err
		}
		step := max(1, len(events)/150)
		for i := 0; i < len(events); i += step {
			all = append(all, events[i])
		}
	}
	r := rulegen.NewRandom(5, all)
	recorded := len(all)
	for i := range 250 {
		var batch audit.Batch
		batch.Decode(r.Mutate(all[i*7%recorded]), audit.Position{Input: "made", Line: 1}, audit.Limits{})
		for _, e := range batch.Events {
			all = append(all, e.Clone())
		}
	}
	data, err := made()
	if err != nil {
		return nil, err
	}
	events, err := read(data)
	return append(all, events...), err
}

func read(data []byte) (all []*audit.Event, err error) {
	for r := audit.NewReader(bytes.NewReader(data), "events", audit.Limits{}); ; {
		e, err := r.Next()
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
}

// made have each odd value in several places, some of them with bodies that hold secrets.
func made() ([]byte, error) {
	var out bytes.Buffer
	for i, v := range Values {
		w := Values[(i*7+3)%len(Values)]
		e := map[string]any{
			"kind": "Event", "apiVersion": "audit.k8s.io/v1", "auditID": fmt.Sprint("odd-", i), "stage": "ResponseComplete", "stageTimestamp": "2026-11-21T19:17:56Z",
			"verb": []string{"create", "get", "patch"}[i%3], "requestURI": "/api/v1/pods?command=" + fmt.Sprint(i), "userAgent": v,
			"user":      map[string]any{"username": v, "groups": []string{w, v, "a"}[:i%4%3+1], "extra": map[string]any{"x": []string{v}}},
			"sourceIPs": []string{w, v}[i%2:], "responseStatus": map[string]any{"code": 100 * (i % 6), "message": v},
			"objectRef":   map[string]any{"resource": []string{"pods", "secrets", "roles"}[i%3], "namespace": []string{"default", "team-a", "team-b", v}[i%4], "name": w, "apiVersion": "v1"},
			"annotations": map[string]any{"authorization.k8s.io/decision": v, "k": w},
			"requestObject": map[string]any{"kind": []string{"Pod", "Secret", "Role"}[i%3], "metadata": map[string]any{"name": w}, "data": map[string]any{"password": v, "other": w},
				"spec":  map[string]any{"containers": []any{map[string]any{"name": v, "image": w, "args": []string{"--token", v}, "env": []any{map[string]any{"name": "DB_PASSWORD", "value": v}}, "securityContext": map[string]any{"runAsUser": i}}}, "hostNetwork": i%2 == 0},
				"rules": []any{map[string]any{"verbs": []string{v, w}, "apiGroups": []string{""}}}},
		}
		if i%5 == 4 {
			delete(e, "auditID")
		}
		b, err := json.Marshal(e)
		if err != nil {
			return nil, err
		}
		out.Write(append(b, '\n'))
	}
	return out.Bytes(), nil
}
