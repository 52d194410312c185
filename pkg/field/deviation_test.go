package field_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A deviation is a case where the default differs from Falco on purpose. Its
// topic is the name of a subtest, which docs/falco-compatibility.md cites.
type deviation struct {
	topic  string
	field  string
	event  string
	want   []string
	strict []string // Falco's answer
}

const (
	listed     = `{"auditID":"a","sourceIPs":["192.0.2.1","10.0.0.2"],"requestObject":{"rules":[{"sourceIPs":["odd"]}]}}`
	caps       = `{"spec":{"LIST":[{"securityContext":{"capabilities":{"add":["NET_ADMIN","SYS_TIME"]}}},{},{"securityContext":{"capabilities":{"add":["ALL"]}}}]}}`
	userIDs    = `{"spec":{"securityContext":{"KEY":1000},"LIST":[{"securityContext":{"KEY":7}},{},{"securityContext":{"KEY":null}}]}}`
	rootIDs    = `{"spec":{"LIST":[{},{"securityContext":{"KEY":7}}]}}`
	wrongIDs   = `{"spec":{"KEY":5,"LIST":[{"KEY":6},{}]}}`
	ports      = `{"spec":{"ports":[{"port": 80},{"port":443,"nodePort":30443}]}}`
	registries = `{"spec":{"LIST":[{"image":"reg:5000/x/y:1@sha256:aa"},{"image":"localhost:5000/z"}]}}`
	secretVol  = `{"volumes":[{"name":"a","secret":{}},{"name":"b","hostPath":{"path":"/etc/x"}}]}`
	twice      = `{"auditID":"a","user":{"username":"alice","groups":["x"]},"user":{"username":"mallory","groups":["y"],"username":"eve"}}`
)

var deviations = func() []deviation {
	all := []deviation{
		{"ka.sourceips", "ka.sourceips", listed, texts("192.0.2.1", "10.0.0.2"), texts("odd")},
		{"ka.sourceips", "ka.sourceips[1]", listed, texts("10.0.0.2"), nil},
		{"ka.sourceips", "ka.sourceips[0]", listed, texts("192.0.2.1"), texts("odd")},
		{"ka.sourceips", "ka.sourceips[2]", listed, nil, nil},
		{"ka.sourceips", "ka.sourceips", `{"auditID":"a","sourceIPs":["10.0.0.1"]}`, texts("10.0.0.1"), nil},
		{"ka.sourceips", "ka.sourceips", `{"auditID":"a","sourceIPs":"10.0.0.1"}`, nil, nil},

		{"ka.req.service.ports", "ka.req.service.ports", sent(ports), texts(`{"port":80}`, `{"port":443,"nodePort":30443}`), texts(`[{"port":80},{"port":443,"nodePort":30443}]`)},
		{"ka.req.service.ports", "ka.req.service.ports[1]", sent(ports), texts(`{"port":443,"nodePort":30443}`), texts(`[{"port":80},{"port":443,"nodePort":30443}]`)},
		{"ka.req.service.ports", "ka.req.service.ports[2]", sent(ports), nil, texts(`[{"port":80},{"port":443,"nodePort":30443}]`)},
		{"ka.req.service.ports", "ka.req.service.ports", sent(`{"spec":{"ports":[]}}`), nil, texts(`[]`)},

		{"ka.req.container.image.repository", "ka.req.container.image.repository", inSpec(`{"containers":[{"image":"reg:5000/x/y:1"}]}`), texts("reg:5000/x/y"), texts("reg")},

		{"ka.req.volume.hostpath", "ka.req.volume.hostpath[/etc*]", inSpec(secretVol), texts("true"), nil},
		{"ka.req.volume.hostpath", "ka.req.volume.hostpath[/]", inSpec(volumes), texts("true"), texts("false")},
		{"ka.req.volume.hostpath", "ka.req.volume.hostpath[/x]", inSpec(secretVol), texts("false"), nil},
		{"ka.req.volume.hostpath", "ka.req.volume.hostpath[/x]", inSpec(`{"volumes":[]}`), texts("false"), nil},
		{"ka.req.volume.hostpath", "ka.req.volume.hostpath[]", inSpec(volumes), texts("false"), nil}, // Falco crashes

		{"ka.uri.param", "ka.uri.param[command]", `{"auditID":"a","requestURI":"/exec?x=%zz&command=id"}`, texts("id"), nil},
		{"ka.uri.param", "ka.uri.param[command]", `{"auditID":"a","requestURI":"/exec?command=id&x;y=1"}`, texts("id"), nil},
		{"ka.uri.param", "ka.uri.param[x]", `{"auditID":"a","requestURI":"/exec?x=%zz&x=1"}`, texts("1"), nil},
		{"ka.uri.param", "ka.uri.param[x]", `{"auditID":"a","requestURI":"/a%zz?x=1"}`, texts("1"), nil},

		{"duplicate keys", "ka.user.name", twice, texts("eve"), texts("alice")},
		{"duplicate keys", "ka.user.groups", twice, texts("y"), texts("x")},
		{"duplicate keys", "jevt.value[/user/username]", twice, texts("eve"), texts("alice")},
	}
	for _, list := range []string{"containers", "initContainers", "ephemeralContainers"} {
		of := func(name, body string, want, strict []string) {
			topic, _, _ := strings.Cut(name, "[")
			for _, id := range []string{"user", "group"} {
				key := map[string]string{"user": "runAsUser", "group": "runAsGroup"}[id]
				body := strings.NewReplacer("LIST", list, "KEY", key).Replace(body)
				d := deviation{topic, "ka.req.pod." + list + "." + strings.ReplaceAll(name, "ID", id), sent(body), want, strict}
				d.topic = strings.ReplaceAll(topic, "ID", "user and group")
				all = append(all, d)
			}
		}
		of("add_capabilities", caps, texts("NET_ADMIN", "SYS_TIME", "ALL"), texts(`["NET_ADMIN","SYS_TIME"]`, `["ALL"]`))
		of("add_capabilities[0]", caps, texts("NET_ADMIN", "SYS_TIME"), texts(`["NET_ADMIN","SYS_TIME"]`))
		of("add_capabilities[1]", caps, nil, nil)
		of("image.repository", registries, texts("reg:5000/x/y", "localhost:5000/z"), texts("reg", "localhost"))
		of("image.repository[0]", registries, texts("reg:5000/x/y"), texts("reg"))
		of("eff_run_as_ID", userIDs, texts("7", "1000", "1000"), texts("0", "0", "0"))
		of("eff_run_as_ID[0]", userIDs, texts("7"), nil)
		of("eff_run_as_ID[1]", userIDs, texts("1000"), nil)
		of("eff_run_as_ID[3]", userIDs, nil, nil)
		of("eff_run_as_ID", rootIDs, texts("0", "7"), texts("0", "0"))
		of("eff_run_as_ID", wrongIDs, texts("0", "0"), texts("6", "5"))
		of("eff_run_as_ID[1]", wrongIDs, texts("0"), nil)
		of("eff_run_as_ID", `[{"op":"add"}]`, nil, texts("0"))
	}
	return all
}()

func TestDeviations(t *testing.T) {
	for _, d := range deviations {
		t.Run(d.topic, func(t *testing.T) {
			assert.Equal(t, d.want, extract(t, d.field, d.event, false), "%s, default, of %s", d.field, d.event)
			assert.Equal(t, d.strict, extract(t, d.field, d.event, true), "%s, strict, of %s", d.field, d.event)
		})
	}
}

// Every deviation has its line in the documentation, and every line its test.
func TestDeviationsAreDocumented(t *testing.T) {
	doc, err := os.ReadFile("../../docs/falco-compatibility.md")
	require.NoError(t, err)
	topics := map[string]bool{}
	for _, d := range deviations {
		topics[strings.ReplaceAll(d.topic, " ", "_")] = true
	}
	cited := map[string]bool{}
	for _, m := range regexp.MustCompile("`pkg/field: TestDeviations/([^`]+)`").FindAllStringSubmatch(string(doc), -1) {
		cited[m[1]] = true
	}
	assert.Equal(t, topics, cited)
}
