package apiserver

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/test/corpora"
	"github.com/kubewitness/kubewitness/test/rig"
)

const (
	// patient is how long anything may take that a machine with other work does.
	patient   = 90 * time.Second
	pollEvery = 20 * time.Millisecond
	// apiServerName is the name in the API server's certificate, which the
	// configuration binds to the cluster.
	apiServerName = "kube-apiserver-prod"
	cluster       = "prod"
)

// everyEvent is a rule that tells of everything that is stored, whatever the others
// say of it.
const everyEvent = "Every Event"

const everyEventRule = `
- rule: ` + everyEvent + `
  desc: All that is stored comes out.
  condition: jevt.rawtime exists
  output: stored
  priority: DEBUG
  source: k8s_audit
`

// service is kubewitness with the files it works on. It may run several times, one
// after the other.
type service struct {
	t       *testing.T
	dir     string
	rules   []string   // the rules files in force
	output  string     // file with its detections
	told    string     // file with what it said on standard error
	webhook string     // address
	http    string     // address
	server  *authority // signed its certificate
	clients *authority // signs those of API servers

	cmd    *exec.Cmd
	done   chan struct{} // closed when the process has ended
	client http.Client
	ends   []int64 // length of the output at the end of each process
}

// newService writes the configuration; more is added to the section of the webhook, and
// behind it.
func newService(t *testing.T, more string) *service {
	t.Helper()
	s := &service{t: t, dir: t.TempDir(), server: newAuthority(t, "kubewitness-ca"), clients: newAuthority(t, "apiservers-ca"),
		client: http.Client{Timeout: 10 * time.Second}}
	s.output, s.told = filepath.Join(s.dir, "detections.jsonl"), filepath.Join(s.dir, "stderr.log")
	s.webhook, s.http = freeAddress(t), freeAddress(t)
	s.rules = []string{filepath.Join(corpora.Root(t), "rules"), s.write("every-event.yaml", everyEventRule)}
	cert := s.server.issue("kubewitness")
	s.write("config.yaml", fmt.Sprintf(`
data: %s
http: {listen: %q}
webhook:
  listen: %q
  tls: {cert_file: %s, key_file: %s, client_ca_file: %s}
  credentials:
    - {name: prod, certificate_name: %s, clusters: [prod]}
    - {name: lab, certificate_name: kube-apiserver-lab, clusters: [lab]}
  %s
clusters:
  - {name: prod, labels: [{name: environment, value: test}]}
  - {name: lab}
rules:
  paths: [%s, %s]
  append_fields: [ka.auditid, "jevt.value[/stage]", "jevt.value[/stageTimestamp]"]
outputs:
  stdout: {enabled: false}
  file: {path: %s}
`, filepath.Join(s.dir, "data"), s.http, s.webhook, cert.cert, cert.key, s.clients.file, apiServerName, more, s.rules[0], s.rules[1], s.output))
	t.Cleanup(func() {
		s.end(syscall.SIGKILL)
		if t.Failed() {
			t.Logf("kubewitness told:\n%s", s.messages())
		}
	})
	return s
}

func (s *service) write(name, text string) string {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	require.NoError(s.t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// freeAddress is one that nobody listens on, below the ports that connections get by
// themselves: a process that is started again must find it free again.
func freeAddress(t *testing.T) string {
	t.Helper()
	for range 100 {
		address := fmt.Sprintf("127.0.0.1:%d", 12000+rand.IntN(20000))
		if l, err := net.Listen("tcp", address); err == nil {
			require.NoError(t, l.Close())
			return address
		}
	}
	t.Fatal("no port is free")
	return ""
}

// start starts the service and returns when it takes events in.
func (s *service) start() {
	s.t.Helper()
	told, err := os.OpenFile(s.told, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(s.t, err)
	defer told.Close()
	cmd, done := exec.Command(binary(s.t), "serve", "--config", filepath.Join(s.dir, "config.yaml")), make(chan struct{})
	cmd.Stdout, cmd.Stderr = told, told
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "KUBEWITNESS_") }) // they are settings
	isolate(cmd)
	require.NoError(s.t, cmd.Start())
	s.cmd, s.done = cmd, done
	go func() {
		_ = cmd.Wait() // ProcessState has it
		close(done)
	}()
	s.until("kubewitness is ready", func() bool {
		res, err := s.client.Get("http://" + s.http + "/readyz")
		if err != nil {
			return false
		}
		res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
}

// end ends the process by a signal, unless it has ended, and returns its exit code,
// -1 when the signal was its end.
func (s *service) end(sig syscall.Signal) int {
	s.t.Helper()
	if s.cmd == nil {
		return 0
	}
	_ = s.cmd.Process.Signal(sig) // it may have ended by itself
	select {
	case <-s.done:
	case <-time.After(patient):
		_ = s.cmd.Process.Kill()
		<-s.done
		s.t.Errorf("kubewitness did not end on %s", sig)
	}
	code := s.cmd.ProcessState.ExitCode()
	s.cmd = nil
	s.client.CloseIdleConnections()
	s.ends = append(s.ends, size(s.output))
	return code
}

// until waits for something that other processes do. A service that ends is the end
// of waiting.
func (s *service) until(what string, holds func() bool) {
	s.t.Helper()
	await(s.t, what, s.done, holds)
}

// await waits for something that other processes do, unless ended says that one of
// them will not do it any more.
func await(t *testing.T, what string, ended <-chan struct{}, holds func() bool) {
	t.Helper()
	deadline := time.After(patient)
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-ended:
			t.Fatalf("%s: kubewitness has ended", what)
		case <-deadline:
			t.Fatalf("it never came: %s", what)
		}
	}
}

// metrics asks the service for its metrics; none come while it is too busy.
func (s *service) metrics() rig.Metrics {
	res, err := s.client.Get("http://" + s.http + "/metrics")
	if err != nil {
		return ""
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		return ""
	}
	return rig.Metrics(b)
}

// given is how many events a source gave, those that were stored before included.
func given(m rig.Metrics, source string) float64 {
	label := []string{`cluster="` + cluster + `"`, `source="` + source + `"`}
	return m.Sum("kubewitness_ingest_events_total", label...) + m.Sum("kubewitness_ingest_known_events_total", label...)
}

// stored is how many events the process has stored.
func stored(m rig.Metrics) float64 {
	return m.Sum("kubewitness_ingest_events_total", `cluster="`+cluster+`"`)
}

// goesOn waits until the webhook has given so many events more.
func (s *service) goesOn(events float64) {
	s.t.Helper()
	before := given(s.metrics(), "webhook")
	s.until(fmt.Sprintf("%g events more than %g", events, before), func() bool { return given(s.metrics(), "webhook") >= before+events })
}

// settled waits until the output has all that is stored.
func (s *service) settled() {
	s.t.Helper()
	s.until("the output has all that is stored", func() bool {
		m := s.metrics()
		return m.Sum("kubewitness_spool_up") == 1 && m.Sum("kubewitness_sink_lag_messages", `sink="file"`) == 0
	})
}

func (s *service) messages() string {
	b, err := os.ReadFile(s.told)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// unhurt holds that no process of the service had anything to complain about.
func (s *service) unhurt() {
	s.t.Helper()
	told := s.messages()
	assert.NotContains(s.t, told, "level=ERROR")
	assert.NotContains(s.t, told, "DATA RACE")
	assert.NotContains(s.t, told, "panic")
	for _, secret := range rig.SecretTexts() {
		assert.NotContains(s.t, told, secret)
		b, err := os.ReadFile(s.output)
		require.NoError(s.t, err)
		assert.False(s.t, bytes.Contains(b, []byte(secret)), "a secret came out")
	}
}

// kubeconfig is the file of deploy/apiserver with the places of this test.
func (s *service) kubeconfig(name, path string, proof pair) string {
	s.t.Helper()
	b, err := os.ReadFile(filepath.Join(corpora.Root(s.t), "deploy", "apiserver", "webhook-kubeconfig.yaml"))
	require.NoError(s.t, err)
	text := string(b)
	for from, to := range map[string]string{
		"https://127.0.0.1:9443/audit/prod":         "https://" + s.webhook + path,
		"/etc/kubernetes/kubewitness/ca.crt":        s.server.file,
		"/etc/kubernetes/kubewitness/apiserver.crt": proof.cert,
		"/etc/kubernetes/kubewitness/apiserver.key": proof.key,
	} {
		require.Contains(s.t, text, from)
		text = strings.ReplaceAll(text, from, to)
	}
	return s.write(name+".kubeconfig", text)
}

// rightful is the kubeconfig of the cluster's own API server.
func (s *service) rightful() string {
	s.t.Helper()
	return s.kubeconfig("rightful", "/audit/"+cluster, s.clients.issue(apiServerName))
}
