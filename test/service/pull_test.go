package service

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/test/cloudlogging"
)

// pulled is how many entries are in the log that is pulled.
const pulled = 100_000

// TestKillPull kills the service at any moment while it pulls a long log, and starts it again, and holds that every entry is
// in the store once: 8 times in make integration, 50 times in make crash.
func TestKillPull(t *testing.T) {
	long(t)
	kills := 8
	if os.Getenv("KUBEWITNESS_CRASH") == "1" {
		kills = 50
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 4))
	log := cloudlogging.New(t)
	every := 100 * time.Millisecond
	begin := time.Now().Add(-pulled*every - time.Minute)
	log.Add(cloudlogging.Entries(0, pulled, begin, every)...)
	dir := t.TempDir()
	p := plan{binary: binary(t, ""), dir: dir, env: []string{"CLOUD_LOGGING_EMULATOR_HOST=" + log.Addr()}, config: fmt.Sprintf(`
data: %s
webhook: {listen: "127.0.0.1:0", insecure: true}
http: {listen: "127.0.0.1:0"}
log: {format: json}
spool: {free_floor: 1MiB}
outputs: {stdout: {enabled: false}}
cloudlogging: {resources: [%s], since: 24h, poll: 1s, requests_per_minute: 100000}
`, filepath.Join(dir, "data"), cloudlogging.Project)}

	read := func() int { return max(0, int(log.Reached().Sub(begin)/every)) }
	for done := range kills {
		s := launch(t, p)
		// Each life takes about its share of what is left, and ends at any moment of it, its start included. Somewhat before the end there
		// is nothing more to wait for.
		until := min(read()+rng.IntN(2*(pulled-read())/(kills-done)+1), pulled-10)
		for read() < until && !s.await(time.Duration(rng.IntN(10))*time.Millisecond) {
		}
		s.kill()
		require.True(t, s.killed(), "it ended by itself: %s", s.log())
	}
	s := start(t, p)
	require.NotEmpty(t, s.http, "%s", s.log())
	for last := -1; read() > last; { // as long as it goes on
		last = read()
		for limit := time.After(patience); read() == last && readings(t, s) == 0; {
			select {
			case <-limit:
				require.Fail(t, "it does not go on", s.log())
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
	eventually(t, "all is read", func() bool { return readings(t, s) > 0 })
	s.drained(t)
	s.terminate(t)

	may := make(map[string]bool, pulled)
	for n := range pulled {
		may[fmt.Sprintf("a-%d", n)] = true
	}
	got := auditIDs(t, filepath.Join(dir, "data"))
	requireOnce(t, "entry", got, may)
	entries := 0
	for _, r := range log.Requests() {
		entries += r.Entries
	}
	t.Logf("%d kills, %d requests, %d entries read for %d", kills, len(log.Requests()), entries, len(got))
}

// readings tells how often a process has read the log up to what was new then.
func readings(t testing.TB, s *process) int64 {
	code, text, err := s.get(t.Context(), "/status")
	if err != nil || code != http.StatusOK {
		return 0
	}
	var status struct{ CloudLogging []struct{ Readings int64 } }
	require.NoError(t, json.Unmarshal([]byte(text), &status), text)
	require.Len(t, status.CloudLogging, 1)
	return status.CloudLogging[0].Readings
}

// auditIDs tells how often each event is in the embedded store of a data folder that no process uses.
func auditIDs(t testing.TB, data string) map[string]int {
	t.Helper()
	cmd := exec.Command(binary(t, ""), "search", "", "--data", data, "--from", "2000-01-01T00:00:00Z", "--limit", "1000000", "--output", "json")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	got := map[string]int{}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var line struct{ Event struct{ AuditID string } }
		require.NoError(t, json.Unmarshal(lines.Bytes(), &line), "%.200s", lines.Text())
		got[line.Event.AuditID]++
	}
	require.NoError(t, lines.Err())
	require.NoError(t, cmd.Wait())
	return got
}
