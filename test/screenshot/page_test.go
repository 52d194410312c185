package screenshot

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/test/corpora"
)

var pageURL = flag.String("page", "", "take a picture of the page at this address, as `make run` prints it, into docs/images/page.png")

// browsers are the names under which Chromium is installed.
var browsers = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}

// TestPictureOfThePage takes the picture of the first page from a running service:
//
//	make run    # prints the address
//	go test ./test/screenshot -run PictureOfThePage -page http://127.0.0.1:PORT/
func TestPictureOfThePage(t *testing.T) {
	if *pageURL == "" {
		t.Skip("no address; see -page")
	}
	path := filepath.Join(corpora.Root(t), "docs", "images", "page.png")
	args := []string{
		"--headless", "--disable-gpu", "--hide-scrollbars", "--window-size=1280,1000", "--blink-settings=preferredColorScheme=1",
		"--user-data-dir=" + t.TempDir(), "--screenshot=" + path,
	}
	if os.Geteuid() == 0 {
		args = append(args, "--no-sandbox") // Chromium has none for root
	}
	out, err := exec.CommandContext(t.Context(), browser(t), append(args, *pageURL)...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	info, err := os.Stat(path)
	require.NoError(t, err, "%s", out)
	require.Greater(t, info.Size(), int64(10_000), "the picture is empty")
}

func browser(t *testing.T) string {
	for _, name := range browsers {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatalf("none of %q is installed; it takes the picture", browsers)
	return ""
}
