package spool

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The test binary plays these roles in a process of its own when the variable names
// one; the folder of the log is in the other.
const (
	roleVariable = "SPOOL_TEST_ROLE"
	dirVariable  = "SPOOL_TEST_DIR"

	roleWriter   = "writer"   // appends until it dies, and prints what was acknowledged
	roleOneByOne = "one"      // appends one after the other, and prints what was acknowledged
	roleNoSync   = "no-sync"  // the same without fsync
	rolePoisoned = "poisoned" // appends until the log is poisoned, and says how it went
)

func play(role string) int {
	cfg := Config{
		Dir: os.Getenv(dirVariable), Consumers: []string{"a", "b"}, Now: time.Now, MaxBytes: 1 << 30, FreeFloor: 1 << 20,
		recheck: 20 * time.Millisecond, AppendTimeout: 5 * time.Second, noSync: role == roleNoSync,
	}
	l, err := Open(context.Background(), cfg)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	switch role {
	case rolePoisoned:
		return playPoisoned(l)
	case roleOneByOne, roleNoSync:
		return playOneByOne(l)
	}
	playWriter(l)
	return 0
}

// playWriter appends for ever: small events, batches, and now and then a record in
// chunks. A consumer settles what it gets.
func playWriter(l *Log) {
	go func() {
		_ = l.Consume(context.Background(), "b", func(context.Context, Delivery) error { return nil })
	}()
	var out sync.Mutex
	pid := os.Getpid()
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := 0; ; i++ {
				r := event(fmt.Sprintf("%d-%d-%d", pid, w, i))
				switch i % 10 {
				case 3:
					r.Extra = incompressible(100 << 10)
				case 7:
					r.Extra = incompressible(5 << 19) // three chunks
				}
				if err := l.Append(context.Background(), r); err != nil {
					fmt.Fprintln(os.Stderr, err)
					return
				}
				out.Lock()
				fmt.Printf("%s\n", r.Events[0].Raw)
				out.Unlock()
			}
		})
	}
	wg.Wait()
}

func playOneByOne(l *Log) int {
	for i := range 20 {
		if err := l.Append(context.Background(), event(fmt.Sprintf("one-%d", i))); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		fmt.Printf("one-%d\n", i)
	}
	return 0
}

// playPoisoned appends until an answer is Poisoned and prints the answers.
func playPoisoned(l *Log) int {
	for i := 0; ; i++ {
		err := l.Append(context.Background(), event(fmt.Sprintf("p-%d", i)))
		switch {
		case err == nil:
			fmt.Printf("p-%d\n", i)
		case errors.As(err, new(Unknown)):
			fmt.Println("unknown")
		case errors.As(err, new(Poisoned)):
			fmt.Println("poisoned")
			<-l.Poisoned()
			// Once more: a second fsync would succeed, and mean nothing.
			if !errors.As(l.Append(context.Background(), event("again")), new(Poisoned)) {
				return 1
			}
			return 0
		default:
			fmt.Println(err)
			return 1
		}
	}
}

// child starts this binary in a role, under a command if one is given.
func child(t testing.TB, role, dir string, under ...string) (*exec.Cmd, io.Reader) {
	t.Helper()
	args := append(under, os.Args[0])
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), roleVariable+"="+role, dirVariable+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd, out
}

// TestKill kills a process that appends, time and again, and finds everything that
// it was told is stored. A few times in the ordinary tests, more in make
// integration, 200 times in make crash.
func TestKill(t *testing.T) {
	rounds := 5
	switch {
	case os.Getenv("KUBEWITNESS_CRASH") == "1":
		rounds = 200
	case os.Getenv("KUBEWITNESS_INTEGRATION") == "1":
		rounds = 10
	}
	cfg := testConfig(t, "a", "b")
	acked := map[string]bool{}
	for round := range rounds {
		cmd, out := child(t, roleWriter, cfg.Dir)
		lines := bufio.NewScanner(out)
		// The kill comes at a different point of the work each time.
		for n := 3 + round*7%40; n > 0 && lines.Scan(); n-- {
			acked[lines.Text()] = true
		}
		require.NoError(t, cmd.Process.Kill())
		for lines.Scan() { // acknowledged, and printed, before the end
			acked[lines.Text()] = true
		}
		_ = cmd.Wait()
		if round%5 == 4 {
			requireStored(t, cfg, acked)
		}
	}
}

// requireStored opens the log and reads what consumer a, that nobody has read so
// far, gets, from the beginning.
func requireStored(t *testing.T, cfg Config, acked map[string]bool) {
	t.Helper()
	l := open(t, cfg)
	defer closed(t, l)
	v, err := l.View().Verify(t.Context())
	require.NoError(t, err)
	require.Empty(t, v.Unreadable)
	got := drained(t, l, "a")
	missing := len(acked)
	for _, id := range got {
		if acked[id] {
			delete(acked, id)
			missing--
		}
	}
	require.Zero(t, missing, "acknowledged and lost: %v", acked)
	order := map[string]int{}
	for _, id := range got {
		i := strings.LastIndexByte(id, '-')
		n, err := strconv.Atoi(id[i+1:])
		require.NoError(t, err)
		require.Equal(t, order[id[:i]], n, "of %s", id[:i])
		order[id[:i]]++
	}
	t.Logf("%d records read, %d chunks of torn ones discarded", len(got), status(t, l).Counters.TornChunks)
}
