// Package screenshot draws the picture in the README from what the command
// really prints, so that the picture can not grow old.
package screenshot

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"html"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/alert"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/replay"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
	"github.com/kubewitness/kubewitness/test/corpora"
)

var update = flag.Bool("update", false, "draw the picture anew")

// TestPictureInREADME: the picture shows what `make run` prints.
func TestPictureInREADME(t *testing.T) {
	root := corpora.Root(t)
	path := filepath.Join(root, "docs", "images", "run.svg")
	got := draw("make run", answers(t, filepath.Join(root, "examples", "sample", "audit.jsonl")))
	if *update {
		require.NoError(t, os.WriteFile(path, got, 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got), "make run prints something else than the README shows; go test ./test/screenshot -update")
}

// answers replays a log with our own rules as on a terminal with colours.
func answers(t *testing.T, log string) string {
	set, err := ruleset.Load(ruleset.Options{MinPriority: rules.Notice})
	require.NoError(t, err)
	m, err := set.Matcher(false, nil)
	require.NoError(t, err)
	var out bytes.Buffer
	_, err = replay.Run(context.Background(), replay.Options{
		Source: replay.Source{Inputs: []string{log}, Cluster: "demo"}, Matcher: m, Workers: 1, Out: &out,
		Now: func() time.Time { return time.Time{} },
		Line: func(dst []byte, a *alert.Alert) []byte {
			return alert.AppendAnswer(dst, a, alert.Options{Color: true})
		},
	})
	require.NoError(t, err)
	return out.String()
}

// The picture is a window of so many columns; longer lines end in an ellipsis.
const (
	columns    = 170
	charWidth  = 7.2
	lineHeight = 18
	margin     = 16
)

var (
	sgr    = regexp.MustCompile("\x1b\\[([0-9]+)m")
	styles = map[string]string{
		"1": `font-weight="bold"`, "2": `fill="#8b949e"`, "31": `fill="#ff7b72"`, "33": `fill="#e3b341"`, "36": `fill="#76e3ea"`,
	}
)

func draw(command, output string) []byte {
	lines := append([]string{"$ " + command}, strings.Split(strings.TrimRight(output, "\n"), "\n")...)
	width := 2*margin + int(columns*charWidth)
	height := 2*margin + lineHeight*len(lines)
	var b bytes.Buffer
	fmt.Fprintf(&b, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\">\n", width, height, width, height)
	fmt.Fprintf(&b, "<rect width=\"100%%\" height=\"100%%\" rx=\"8\" fill=\"#0d1117\"/>\n")
	fmt.Fprintf(&b, "<g font-family=\"ui-monospace, SFMono-Regular, Menlo, Consolas, monospace\" font-size=\"12\" fill=\"#e6edf3\" xml:space=\"preserve\">\n")
	for i, line := range lines {
		fmt.Fprintf(&b, "<text x=\"%d\" y=\"%d\">%s</text>\n", margin, margin+lineHeight*(i+1)-5, spans(line))
	}
	b.WriteString("</g>\n</svg>\n")
	return b.Bytes()
}

// spans turns a line with terminal colours into SVG text.
func spans(line string) string {
	var b strings.Builder
	left, style := columns, ""
	for line != "" {
		text := line
		next := ""
		loc := sgr.FindStringSubmatchIndex(line)
		if loc != nil {
			text, next = line[:loc[0]], line[loc[2]:loc[3]]
			line = line[loc[1]:]
		} else {
			line = ""
		}
		text, left = cut(text, left)
		if text != "" {
			fmt.Fprintf(&b, "<tspan %s>%s</tspan>", style, html.EscapeString(text))
		}
		style = styles[next]
	}
	return strings.ReplaceAll(b.String(), "<tspan >", "<tspan>")
}

func cut(s string, left int) (string, int) {
	n := utf8.RuneCountInString(s)
	if n <= left {
		return s, left - n
	}
	if left == 0 {
		return "", 0
	}
	return string([]rune(s)[:left-1]) + "…", 0
}
