package store

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What a child is told: the folder, and from which row on it writes.
const (
	childDir   = "KUBEWITNESS_STORE_CHILD_DIR"
	childFirst = "KUBEWITNESS_STORE_CHILD_FIRST"
)

// crashRow is the row of a number: some have bodies beside, some lie days back.
func crashRow(i int) Row {
	r := Row{ID: "row-" + strconv.Itoa(i), Cluster: "c", Time: noon.AddDate(0, 0, -(i/100)%3).Add(time.Duration(i)), Raw: fmt.Appendf(nil, "raw %d", i)}
	if i%97 == 0 {
		r.Raw = []byte(strings.Repeat("long ", DefaultMaxRow/4))
	}
	r.Columns = []Column{{"n", strconv.Itoa(i)}}
	return r
}

// TestCrashChild writes rows until it is killed, and tells after each barrier how many
// there are on disk.
func TestCrashChild(t *testing.T) {
	if os.Getenv(childDir) == "" {
		t.Skip("it is run by TestKilledProcessLosesNothing")
	}
	s := open(t, os.Getenv(childDir))
	first, err := strconv.Atoi(os.Getenv(childFirst))
	require.NoError(t, err)
	for i := first; ; i += 60 {
		var rows []Row
		for j := i - min(i, 30); j < i+60; j++ { // some of them again, as a log replays
			rows = append(rows, crashRow(j))
		}
		_, err := s.Write(t.Context(), rows)
		require.NoError(t, err)
		if i/60%3 == 2 {
			require.NoError(t, s.Sync(t.Context()))
			fmt.Println("synced", i+60)
		}
	}
}

func TestKilledProcessLosesNothing(t *testing.T) {
	dir, synced := t.TempDir(), 0
	rng := rand.New(rand.NewPCG(11, 12))
	for range 12 {
		synced = killed(t, dir, synced, 1+rng.IntN(4), rng)
		s := open(t, dir)
		path, reason := s.MovedAside()
		require.Empty(t, path, reason)
		seen := map[string]int{}
		for _, r := range all(t, s, Query{}, Scan{}) {
			seen[r.ID]++
			n, err := strconv.Atoi(r.Value("n"))
			require.NoError(t, err)
			assert.Equal(t, string(crashRow(n).Raw), string(r.Raw))
		}
		for i := range synced {
			require.Equal(t, 1, seen[crashRow(i).ID], "row %d of %d", i, synced)
		}
		for id, n := range seen {
			require.Equal(t, 1, n, id)
		}
		require.NoError(t, s.Close())
	}
}

// killed runs a child until it has told of some barriers and a moment more, kills it,
// and returns up to where it told that rows are on disk.
func killed(t *testing.T, dir string, first, barriers int, rng *rand.Rand) int {
	cmd := exec.Command(os.Args[0], "-test.run=^TestCrashChild$")
	cmd.Env = append(os.Environ(), childDir+"="+dir, childFirst+"="+strconv.Itoa(first))
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	synced, lines := first, bufio.NewScanner(out)
	for lines.Scan() {
		if text, is := strings.CutPrefix(lines.Text(), "synced "); is {
			if synced, err = strconv.Atoi(text); err != nil {
				break // torn by the kill
			}
			if barriers--; barriers == 0 {
				time.AfterFunc(time.Duration(rng.IntN(30_000))*time.Microsecond, func() { _ = cmd.Process.Kill() })
			}
		}
	}
	require.LessOrEqual(t, barriers, 0, "the child ended by itself: %s", lines.Text())
	assert.ErrorContains(t, cmd.Wait(), "killed")
	return synced
}
