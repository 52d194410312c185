package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"

	"github.com/kubewitness/kubewitness/pkg/replay"
)

// isTerminal tells whether a stream is a terminal that understands colours.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb"
}

// useColor obeys the NO_COLOR convention.
func useColor(stream any) bool {
	return isTerminal(stream) && os.Getenv("NO_COLOR") == ""
}

// progressLine draws one line over and over.
type progressLine struct {
	w     io.Writer
	shown bool
}

func (p *progressLine) draw(g replay.Progress) {
	p.shown = true
	rate := float64(g.Events) / max(g.Elapsed.Seconds(), 1e-3)
	line := fmt.Sprintf("%s  %d events  %.0f/s  %d alerts", size(g.Bytes), g.Events, rate, g.Alerts)
	if g.Total > 0 {
		done := min(g.Bytes, g.Total) // a log can grow while it is read
		line = fmt.Sprintf("%3d%%  %s", 100*done/g.Total, line)
		if done > 0 {
			line += fmt.Sprintf("  %s left", left(g.Elapsed, done, g.Total))
		}
	}
	fmt.Fprintf(p.w, "\r\x1b[K%s", line)
}

// clear takes the line away, before anything else is written.
func (p *progressLine) clear() {
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.shown = false
	}
}

// left is the time that the rest takes at the speed so far.
func left(elapsed time.Duration, done, total int64) time.Duration {
	rest := float64(total-done) / float64(done)
	return time.Duration(float64(elapsed) * rest).Round(time.Second)
}

func size(n int64) string {
	const unit = 1000
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	div, exp := int64(unit), 0
	for m := n / unit; m >= unit; m /= unit {
		div *= unit
		exp++
	}
	return fmt.Sprintf("%.1f %cB", float64(n)/float64(div), "kMGTPE"[exp])
}
