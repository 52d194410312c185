package attacks

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/test/reviews"
)

// What our rules promise where nothing but admission tells of the same requests.
const minFoundAtAdmission = 60

// reviewed writes a recording anew as the events that the service makes of the reviews of
// its requests; from gives the request of each.
func reviewed(t *testing.T, path string, from map[string]string) string {
	t.Helper()
	var out bytes.Buffer
	cluster := reviews.New()
	for in := audit.NewReader(bytes.NewReader(readAll(t, path)), path, audit.Limits{}); ; {
		e, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		made, err := cluster.Of(e)
		require.NoError(t, err)
		for _, r := range made {
			from[r.AuditID] = e.AuditID
			out.Write(append(r.Raw, '\n'))
		}
	}
	to := filepath.Join(t.TempDir(), "reviews.jsonl")
	require.NoError(t, os.WriteFile(to, out.Bytes(), 0o600))
	return to
}

// TestAdmission measures the rules on what admission alone would have told of the recordings:
// fewer scenarios, as most of the others are reads and refusals, and no more noise.
func TestAdmission(t *testing.T) {
	rows := readTable(t)
	from := map[string]string{}
	in := recordings{attacks: reviewed(t, inTree.attacks, from), normal: reviewed(t, inTree.normal, map[string]string{}), normalEvents: inTree.normalEvents}
	_, of := readLabels(t, inTree.labels)
	labels := bytes.NewBuffer(readAll(t, inTree.labels))
	for _, uid := range slices.Sorted(maps.Keys(from)) {
		for _, scenario := range of[from[uid]] {
			fmt.Fprintf(labels, "{\"auditID\":%q,\"scenario\":%q}\n", uid, scenario)
		}
	}
	in.labels = filepath.Join(t.TempDir(), "labels.jsonl")
	require.NoError(t, os.WriteFile(in.labels, labels.Bytes(), 0o600))

	r := measure(t, in)
	missed, all := r.missed(rows, r.order)
	t.Logf("by admission alone %d of %d\n%s", all-len(missed), all, r.print(rows, nil))
	assert.GreaterOrEqual(t, all-len(missed), minFoundAtAdmission, "missed: %v", missed)
	assert.LessOrEqual(t, r.noiseRate(), maxNoise)
	assert.LessOrEqual(t, sum(r.unlabelled), maxUnlabelled)
}
