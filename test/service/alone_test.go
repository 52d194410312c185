package service

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
	ours "github.com/kubewitness/kubewitness/rules"
)

// alone puts our rules into a folder, those about several events switched off. The
// senders know what each event alone makes the service tell; what several together do,
// and that a kill changes nothing of it, is [TestKilledCorrelation]'s.
func alone(t testing.TB, dir string) string {
	t.Helper()
	dir = filepath.Join(dir, "rules")
	require.NoError(t, os.MkdirAll(dir, 0o700))
	set, err := ruleset.Load(ruleset.Options{MinPriority: rules.Debug})
	require.NoError(t, err)
	var off strings.Builder
	for _, r := range set.Rules.Rules {
		if r.Stateful() {
			fmt.Fprintf(&off, "- rule: %q\n  enabled: false\n  override: {enabled: replace}\n", r.Name)
		}
	}
	require.NotEmpty(t, off.String())
	for _, f := range ours.Files() {
		require.NoError(t, os.WriteFile(filepath.Join(dir, f.Name), f.Content, 0o600))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "zz-alone.yaml"), []byte(off.String()), 0o600))
	return dir
}
