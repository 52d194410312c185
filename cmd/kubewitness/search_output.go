package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/kubewitness/kubewitness/pkg/api"
	"github.com/kubewitness/kubewitness/pkg/client"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
)

// statusLine draws one line over and over, from any goroutine. A nil one draws nothing.
type statusLine struct {
	mu    sync.Mutex
	w     io.Writer
	shown bool
}

func (l *statusLine) show(text string) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shown = true
	fmt.Fprintf(l.w, "\r\x1b[K%s", text)
}

// clear takes the line away, before anything else is written.
func (l *statusLine) clear() {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.shown {
		fmt.Fprint(l.w, "\r\x1b[K")
		l.shown = false
	}
}

// totals adds up the pages of a search.
type totals struct {
	pages, hits int
	hidden      uint64
	next        bool   // there is more
	partial     string // why; "": it is not
	matching    uint64 // events that there are; 0: not counted
	missingOnly bool   // tell what is missing and nothing else
}

func newTotals(missingOnly bool) *totals { return &totals{missingOnly: missingOnly} }

func (t *totals) add(s api.Summary) {
	t.pages++
	t.hits += s.Hits
	t.hidden += s.Hidden
	t.next, t.partial = s.Next != "", ""
	if s.Partial {
		t.partial = s.Why
	}
}

// tell says what a search came to.
func (t *totals) tell(w io.Writer, limit int) {
	cut := t.next && limit > 0 && t.hits >= limit
	switch {
	case cut && t.matching > uint64(t.hits):
		fmt.Fprintf(w, "%d of %s; --limit 0 gives all\n", t.hits, plural(t.matching, "event"))
	case cut && !t.missingOnly:
		fmt.Fprintf(w, "%s, and there are more; --limit 0 gives all\n", plural(uint64(t.hits), "event"))
	case cut:
		fmt.Fprintf(w, "kubewitness: there are more than %s; --limit 0 gives all\n", plural(uint64(t.hits), "event"))
	case !t.missingOnly:
		fmt.Fprintln(w, plural(uint64(t.hits), "event"))
	}
	tellMissing(w, t.hidden, t.partial, !cut)
}

// tellMissing says what is missing from an answer.
func tellMissing(w io.Writer, hidden uint64, why string, partial bool) {
	if partial && why != "" {
		fmt.Fprintln(w, "kubewitness: this is not all:", printable(why))
	}
	if hidden > 0 {
		fmt.Fprintf(w, "kubewitness: %s left out: what the condition asks for was a secret, and is not stored\n", plural(hidden, "event"))
	}
}

func plural(n uint64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// withoutHeader leaves out the names of the columns, if they are written already.
func withoutHeader(table []byte, written bool) []byte {
	if _, rows, ok := bytes.Cut(table, []byte("\n")); ok && written {
		return rows
	}
	return table
}

// The SGR codes of answers.
const (
	sgrBold   = "1"
	sgrDim    = "2"
	sgrRed    = "31"
	sgrYellow = "33"
	sgrCyan   = "36"
)

func paint(text, code string, color bool) string {
	if !color || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// appendAnswer appends the line of an event: when, how urgent, what happened, where, and
// the rules that fired.
//
//	2026-11-21 19:17:56.428Z  Warning        jane ran "sh" in pod shop/web-0  [prod/shop]  Exec into pod
func appendAnswer(dst []byte, e *api.Event, color bool) []byte {
	priority, code := "-", sgrDim
	var names []string
	urgent := rules.Debug + 1
	for _, d := range e.Detections {
		names = append(names, printable(d.Rule))
		if p, err := rules.ParsePriority(d.Priority); err == nil && p < urgent {
			urgent, priority, code = p, p.String(), sgrOf(p)
		}
	}
	pad := strings.Repeat(" ", max(0, len("Informational")-len(priority)))
	dst = append(dst, paint(e.Time.UTC().Format("2006-01-02 15:04:05.000Z"), sgrDim, color)...)
	dst = append(dst, "  "+paint(priority, code, color)+pad+"  "+printable(e.Sentence)...)
	if where := strings.Trim(e.Cluster+"/"+e.Answer.Where.Namespace, "/"); where != "" {
		dst = append(dst, "  "+paint("["+printable(where)+"]", sgrDim, color)...)
	}
	if len(names) > 0 {
		dst = append(dst, "  "+paint(strings.Join(names, ", "), sgrBold, color)...)
	}
	return dst
}

func sgrOf(p rules.Priority) string {
	switch {
	case p <= rules.Error:
		return sgrRed
	case p == rules.Warning:
		return sgrYellow
	case p == rules.Notice:
		return sgrCyan
	}
	return sgrDim
}

// histogram writes how many events there are over time, on a line of standard error.
func (c *searchCommand) histogram(ctx context.Context, a *archive, q client.Query, t *totals) error {
	if t.hits == 0 {
		return nil
	}
	q.After, q.Limit = "", 0
	if err := bound(ctx, a, &q); err != nil {
		return err
	}
	h, err := a.Histogram(ctx, q, 0)
	if err != nil {
		return err
	}
	c.line.clear()
	t.matching = h.Total
	if line := bars(h, mostBars); line != "" {
		fmt.Fprintln(c.err, line)
	}
	return nil
}

// bound gives a search without bounds those of what is stored, so that the steps of a
// histogram suit it.
func bound(ctx context.Context, a *archive, q *client.Query) error {
	if q.Since != "" || !q.From.IsZero() {
		return nil
	}
	s, err := a.Status(ctx)
	if err != nil {
		return err
	}
	if s.Store.Oldest.IsZero() {
		return nil
	}
	if q.To.IsZero() && !s.Store.Newest.IsZero() {
		q.To = s.Store.Newest.Add(time.Second)
	}
	if s.Store.Oldest.Before(q.To) {
		q.From = s.Store.Oldest
	}
	return nil
}

// mostBars is how wide a histogram is.
const mostBars = 60

// bars draws a histogram as one line: bars of eight heights, from when to when, and how
// long a bar is. Where anything is, there is a bar.
func bars(h *api.Histogram, most int) string {
	if len(h.Buckets) == 0 || h.StepSeconds <= 0 {
		return ""
	}
	first, last := h.Buckets[0].Start.Unix(), h.Buckets[len(h.Buckets)-1].Start.Unix()
	step := h.StepSeconds
	for (last-first)/step >= int64(most) {
		step += h.StepSeconds
	}
	counts := make([]uint64, (last-first)/step+1)
	for _, b := range h.Buckets {
		counts[(b.Start.Unix()-first)/step] += b.Events
	}
	highest := slices.Max(counts)
	var line strings.Builder
	for _, n := range counts {
		line.WriteRune(barOf(n, highest))
	}
	return fmt.Sprintf("%s  %s to %s, a bar is %s", line.String(), stamp(h.Buckets[0].Start),
		stamp(time.Unix(first+int64(len(counts))*step, 0)), barLength(step))
}

func barOf(n, highest uint64) rune {
	const heights = "▁▂▃▄▅▆▇█"
	if n == 0 {
		return ' '
	}
	return []rune(heights)[int(float64(n-1)/float64(highest)*8)]
}

func barLength(seconds int64) string {
	for _, unit := range []struct {
		name   string
		length int64
	}{{"d", 24 * 60 * 60}, {"h", 60 * 60}, {"m", 60}} {
		if seconds%unit.length == 0 {
			return fmt.Sprintf("%d%s", seconds/unit.length, unit.name)
		}
	}
	return fmt.Sprintf("%ds", seconds)
}

// count gives how often the values of fields occur.
func (c *searchCommand) count(ctx context.Context, a *archive, q client.Query) (found bool, err error) {
	limit := c.limit
	if limit == 0 || limit > mostValues {
		limit = mostValues
	}
	if c.output == "csv" {
		table, sum, err := a.FacetTable(ctx, q, c.facets, limit)
		if err != nil {
			return false, err
		}
		tellMissing(c.err, sum.Hidden, sum.Why, sum.Partial)
		return len(withoutHeader(table, true)) > 0, c.write(table)
	}
	f, err := a.Facets(ctx, q, c.facets, limit)
	if err != nil {
		return false, err
	}
	c.line.clear()
	found = slices.ContainsFunc(f.Facets, func(f api.Facet) bool { return len(f.Values) > 0 })
	if c.output == "json" {
		err = writeJSON(c.out, f)
	} else {
		err = writeFacets(c.out, f.Facets)
	}
	tellMissing(c.err, f.Hidden, f.Why, f.Partial)
	return found, err
}

// mostValues is how many values of a field the API gives at most.
const mostValues = 1000

// writeFacets writes a table for each field.
func writeFacets(w io.Writer, facets []api.Facet) error {
	tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for i, f := range facets {
		if i > 0 {
			fmt.Fprintln(tw)
		}
		fmt.Fprintf(tw, "EVENTS\t%s\n", printable(f.Field))
		for _, v := range f.Values {
			value := printable(v.Value)
			if value == "" {
				value = `""`
			}
			fmt.Fprintf(tw, "%d\t%s\n", v.Events, value)
		}
		if f.More {
			fmt.Fprintf(tw, "...\tthere are other values\n")
		}
	}
	return tw.Flush()
}
