package cloudlogging

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/logging/apiv2/loggingpb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	server "github.com/kubewitness/kubewitness/test/cloudlogging"
)

// newFamily is a rig whose client may ask what is in folders.
func newFamily(t *testing.T) *rig {
	r := newRig(t, nil)
	client, err := Dial(t.Context(), Access{Endpoint: r.Addr(), EndpointHTTP: r.RightsAddr()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	r.cfg.Client, r.cfg.Resource, r.cfg.List, r.cfg.Since = client, "folders/1", 5*time.Millisecond, time.Hour
	return r
}

// follow runs a follower until the test ends.
func follow(t *testing.T, cfg Config, claims *Claims) *Follower {
	t.Helper()
	f, err := NewFollower(cfg, claims)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		f.Run(ctx)
	}()
	t.Cleanup(sync.OnceFunc(func() {
		cancel()
		<-done
	}))
	return f
}

// entryOf is an entry in the log of another project.
func entryOf(project string, n int) *loggingpb.LogEntry {
	e := server.Entry(server.Made{N: n, At: time.Now(), Received: time.Now()})
	e.LogName = project + "/logs/cloudaudit.googleapis.com%2Factivity"
	return e
}

func resourcesOf(all []Status) (names []string) {
	for _, s := range all {
		names = append(names, s.Resource)
	}
	return names
}

func TestProjects(t *testing.T) {
	r := newFamily(t)
	r.Place("organizations/9", "folders/1", "projects/top", "!projects/going", "projects/sys-123", "!folders/3", "projects/b")
	r.Place("folders/1", "projects/a", "folders/2", "projects/c", "projects/d")
	r.Place("folders/2", "projects/deep", "projects/a")
	r.Place("folders/3", "projects/gone")
	got, err := r.cfg.Client.Projects(t.Context(), "organizations/9")
	require.NoError(t, err)
	assert.Equal(t, []string{"projects/a", "projects/b", "projects/c", "projects/d", "projects/deep", "projects/top"}, got)
	got, err = r.cfg.Client.Projects(t.Context(), "folders/77")
	require.NoError(t, err)
	assert.Empty(t, got)
	r.FailLists(http.StatusForbidden)
	_, err = r.cfg.Client.Projects(t.Context(), "folders/1")
	require.ErrorContains(t, err, "folders/1")
	require.ErrorContains(t, err, "403")
	require.ErrorContains(t, err, "roles/browser")
	for resource, has := range map[string]bool{
		"projects/a": false, "folders/1": true, "organizations/9": true, "billingAccounts/X": false, "folders/1/locations/global/buckets/b/views/v": false,
	} {
		assert.Equal(t, has, HasProjects(resource), resource)
	}
}

// TestFolder: the projects in it are followed as they come and go.
func TestFolder(t *testing.T) {
	r := newFamily(t)
	r.Place("folders/1", "projects/a", "folders/2")
	r.Place("folders/2", "projects/b")
	r.Add(entryOf("projects/a", 0), entryOf("projects/b", 1), entryOf("projects/other", 2))
	f := follow(t, r.cfg, new(Claims))
	r.taker.await(t, 2)
	assert.Equal(t, []string{"folders/1", "projects/a", "projects/b"}, resourcesOf(f.Status()))

	r.Add(entryOf("projects/c", 3)) // before anybody knows of the project
	r.Place("folders/2", "projects/b", "projects/c")
	r.taker.await(t, 3)
	r.Add(entryOf("projects/c", 4), entryOf("projects/a", 5))
	r.taker.await(t, 5)

	r.Place("folders/2", "projects/c")
	require.Eventually(t, func() bool { return len(f.Status()) == 3 }, patience, time.Millisecond, "the project is gone")
	assert.Equal(t, []string{"folders/1", "projects/a", "projects/c"}, resourcesOf(f.Status()))
	r.Place("folders/2", "projects/b", "projects/c")
	r.Add(entryOf("projects/b", 6))
	r.taker.await(t, 6)
}

// TestProjectNamedTwice: one that is named itself is followed once.
func TestProjectNamedTwice(t *testing.T) {
	r := newFamily(t)
	r.Place("folders/1", "projects/a", "projects/b")
	claims := new(Claims)
	named := r.cfg
	named.Resource = "projects/a"
	one := follow(t, named, claims)
	f := follow(t, r.cfg, claims)
	r.Add(entryOf("projects/a", 0), entryOf("projects/b", 1))
	r.taker.await(t, 2)
	assert.Equal(t, []string{"folders/1", "projects/b"}, resourcesOf(f.Status()))
	assert.Equal(t, []string{"projects/a"}, resourcesOf(one.Status()))
}

// TestProjectsNotFound: it is told, and those that are known go on.
func TestProjectsNotFound(t *testing.T) {
	r := newFamily(t)
	r.Place("folders/1", "projects/a")
	f := follow(t, r.cfg, new(Claims))
	r.Add(entryOf("projects/a", 0))
	r.taker.await(t, 1)
	r.FailLists(http.StatusForbidden)
	require.Eventually(t, func() bool { return f.Status()[0].LastError != "" }, patience, time.Millisecond)
	assert.Contains(t, f.Status()[0].LastError, "roles/browser")
	assert.False(t, f.Status()[0].ErrorFrom.IsZero())
	r.Add(entryOf("projects/a", 1))
	r.taker.await(t, 2)
	r.FailLists(0)
	require.Eventually(t, func() bool { return f.Status()[0].LastError == "" }, patience, time.Millisecond)
}
