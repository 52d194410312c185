package watch

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// bell stands in for the kernel's notices where a test decides when they come.
type bell struct{ news chan struct{} }

func newBell() *bell { return &bell{make(chan struct{}, 1)} }

func (b *bell) ring() {
	select {
	case b.news <- struct{}{}:
	default:
	}
}

func (b *bell) arm() *notices { return &notices{news: b.news, close: func() {}} }

// told is a change and when it was told.
type told struct {
	paths []string
	after time.Duration
}

// collect runs a watcher and returns what tells what it told so far.
func collect(t *testing.T, w *Watcher) func() []told {
	t.Helper()
	start, word := time.Now(), make(chan told, 100)
	go w.Run(t.Context(), func(paths []string) { word <- told{paths, time.Since(start)} })
	synctest.Wait()
	var got []told
	return func() []told {
		for len(word) > 0 {
			got = append(got, <-word)
		}
		return got
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
}

func TestChangesAreToldAfterTheQuietTime(t *testing.T) {
	a, b := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
	write(t, a, "1")
	write(t, b, "1")
	synctest.Test(t, func(t *testing.T) {
		w, kernel := New(Config{Paths: []string{b, a, "", a}, Quiet: time.Second, Poll: time.Hour}), newBell()
		w.arm = kernel.arm
		got := collect(t, w)
		for _, text := range []string{"2", "3", "4"} { // 600 ms apart: never quiet
			write(t, a, text)
			kernel.ring()
			advance(600 * time.Millisecond)
		}
		write(t, b, "2")
		kernel.ring()
		assert.Empty(t, got())
		advance(time.Second)
		want := []told{{paths: sorted(a, b), after: 2800 * time.Millisecond}}
		assert.Equal(t, want, got(), "both at once, a second after the last notice")
	})
}

func TestChangesWithoutEndAreToldNevertheless(t *testing.T) {
	a := filepath.Join(t.TempDir(), "a")
	synctest.Test(t, func(t *testing.T) {
		w, kernel := New(Config{Paths: []string{a}, Quiet: time.Second, Poll: time.Hour}), newBell()
		w.arm = kernel.arm
		got := collect(t, w)
		for range 30 {
			write(t, a, time.Now().String())
			kernel.ring()
			advance(700 * time.Millisecond)
		}
		require.Len(t, got(), 2)
		assert.Equal(t, patience*time.Second, got()[0].after)
	})
}

func TestWithoutNoticesFilesAreComparedSlowlyAndItIsSaidOnce(t *testing.T) {
	a := filepath.Join(t.TempDir(), "a")
	synctest.Test(t, func(t *testing.T) {
		exhausted := errors.New("too many open files")
		var said []error
		w := New(Config{Paths: []string{a}, Polled: func(cause error) { said = append(said, cause) }})
		w.arm = func() *notices { return &notices{refused: exhausted, close: func() {}} }
		got := collect(t, w)
		advance(DefaultPoll)
		assert.Empty(t, got())
		write(t, a, "1")
		advance(DefaultPoll)
		require.NoError(t, os.Remove(a))
		advance(DefaultPoll)
		assert.Equal(t, []told{{[]string{a}, 2 * DefaultPoll}, {[]string{a}, 3 * DefaultPoll}}, got())
		assert.Equal(t, []error{exhausted}, said)
	})
}

func TestWhatChangedBeforeRunIsTold(t *testing.T) {
	a := filepath.Join(t.TempDir(), "a")
	synctest.Test(t, func(t *testing.T) {
		w, kernel := New(Config{Paths: []string{a}}), newBell()
		w.arm = kernel.arm
		write(t, a, "1")
		got := collect(t, w)
		assert.Equal(t, []told{{[]string{a}, 0}}, got())
	})
}

// advance lets fake time pass and everything it sets off come to rest.
func advance(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func sorted(a, b string) []string {
	if a < b {
		return []string{a, b}
	}
	return []string{b, a}
}
