package alert_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/alert"
	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
)

var update = flag.Bool("update", false, "write the lines of testdata/*.txtar anew")

// forms are the lines that each file of testdata holds, one part for each. The
// quoted ones hold bytes that a text file should not.
var forms = []struct {
	name   string
	line   func([]byte, *alert.Alert, alert.Options) []byte
	opt    alert.Options
	quoted bool
}{
	{"falco-json", alert.AppendFalcoJSON, alert.Options{}, false},
	{"falco-json.iso8601", alert.AppendFalcoJSON, alert.Options{ISO8601: true}, false},
	{"text", alert.AppendText, alert.Options{}, false},
	{"text.iso8601", alert.AppendText, alert.Options{ISO8601: true}, false},
	{"text.raw.quoted", alert.AppendText, alert.Options{Raw: true}, true},
	{"answer", alert.AppendAnswer, alert.Options{}, false},
	{"answer.color.quoted", alert.AppendAnswer, alert.Options{Color: true}, true},
}

// TestLines holds whole lines, byte for byte. A file of testdata has the rules,
// the events, the appended fields (one a line) and the cluster; the other parts
// are what comes of them.
func TestLines(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			require.NoError(t, err)
			parts := map[string]string{}
			for _, f := range archive.Files {
				parts[f.Name] = string(f.Data)
			}
			alerts := alertsOf(t, parts)
			require.NotEmpty(t, alerts)
			if *update {
				writeLines(t, path, archive, alerts)
				return
			}
			for _, form := range forms {
				assert.Equal(t, parts[form.name], lines(alerts, form.line, form.opt, form.quoted), form.name)
			}
		})
	}
}

// alertsOf judges the events of a file of testdata by its rules.
func alertsOf(t *testing.T, parts map[string]string) []*alert.Alert {
	t.Helper()
	set, err := ruleset.Compile([]rules.File{{Name: "rules.yaml", Content: []byte(parts["rules.yaml"])}}, ruleset.Options{MinPriority: rules.Debug})
	require.NoError(t, err, "%s", rules.JSON(set.Results))
	m, err := set.Matcher(false, strings.Fields(parts["append"]))
	require.NoError(t, err)
	var alerts []*alert.Alert
	c := field.Context{Hostname: "falco-0"}
	for _, e := range eventsOf(t, parts["events.jsonl"]) {
		e.Cluster = strings.TrimSpace(parts["cluster"])
		c.Event = e
		c.Num++
		res := m.Match(&c)
		require.Empty(t, res.Faults)
		for _, d := range res.Detections {
			alerts = append(alerts, &alert.Alert{Event: e, Detection: d})
		}
	}
	return alerts
}

func eventsOf(t testing.TB, text string) (events []*audit.Event) {
	t.Helper()
	r := audit.NewReader(strings.NewReader(text), "events.jsonl", audit.Limits{})
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			return events
		}
		require.NoError(t, err)
		events = append(events, e)
	}
}

func lines(alerts []*alert.Alert, line func([]byte, *alert.Alert, alert.Options) []byte, opt alert.Options, quoted bool) string {
	opt.Hostname = "falco-0"
	var b strings.Builder
	for _, a := range alerts {
		s := string(line(nil, a, opt))
		if quoted {
			s = strconv.Quote(s)
		}
		b.WriteString(s + "\n")
	}
	return b.String()
}

func writeLines(t *testing.T, path string, archive *txtar.Archive, alerts []*alert.Alert) {
	t.Helper()
	var given []txtar.File
	for _, f := range archive.Files {
		switch f.Name {
		case "rules.yaml", "events.jsonl", "append", "cluster":
			given = append(given, f)
		}
	}
	archive.Files = given
	for _, form := range forms {
		archive.Files = append(archive.Files, txtar.File{Name: form.name, Data: []byte(lines(alerts, form.line, form.opt, form.quoted))})
	}
	require.NoError(t, os.WriteFile(path, txtar.Format(archive), 0o644))
}

// TestLinesAppend: every writer leaves what is in the buffer already, so that a
// caller can reuse one buffer.
func TestLinesAppend(t *testing.T) {
	a := &alert.Alert{
		Event:     eventsOf(t, `{"kind":"Event","auditID":"1","stageTimestamp":"2026-11-21T19:17:56.428497Z"}`)[0],
		Detection: match.Detection{Rule: &rules.Rule{Name: "r", Priority: rules.Notice, Source: "k8s_audit"}, Output: "o"},
	}
	for _, form := range forms {
		alone := form.line(nil, a, form.opt)
		got := form.line([]byte("before\n"), a, form.opt)
		assert.Equal(t, "before\n"+string(alone), string(got), form.name)
		assert.False(t, bytes.Contains(alone, []byte("\n")), form.name)
	}
}

// TestPriorities: each line names the priority as Falco does, and the answer
// line keeps its columns.
func TestPriorities(t *testing.T) {
	e := eventsOf(t, `{"kind":"Event","auditID":"1","stageTimestamp":"2026-11-21T19:17:56.428497Z"}`)[0]
	for p, name := range []string{"Emergency", "Alert", "Critical", "Error", "Warning", "Notice", "Informational", "Debug"} {
		a := &alert.Alert{Event: e, Detection: match.Detection{Rule: &rules.Rule{Name: "rule", Priority: rules.Priority(p)}, Output: "o"}}
		assert.Equal(t, "19:17:56.428497000: "+name+" o", string(alert.AppendText(nil, a, alert.Options{})))
		assert.Contains(t, string(alert.AppendFalcoJSON(nil, a, alert.Options{})), fmt.Sprintf(`"priority":%q`, name))
		assert.Equal(t, len("2026-11-21 19:17:56.428Z  Informational  "), strings.Index(string(alert.AppendAnswer(nil, a, alert.Options{})), "rule  "), name)
	}
}
