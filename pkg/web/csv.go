package web

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/kubewitness/kubewitness/pkg/api"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/search"
)

// eventColumns are the columns of events as a table.
var eventColumns = []string{
	"time", "cluster", "user", "action", "verb", "resource", "namespace", "name", "outcome", "code",
	"source_ip", "user_agent", "sentence", "rules", "priority", "id",
}

// eventCells gives the cells of an event.
func eventCells(h *search.Hit) []string {
	a, e := &h.Answer, h.Event
	resource := a.What.Resource
	if a.What.APIGroup != "" {
		resource += "." + a.What.APIGroup
	}
	if a.What.Subresource != "" {
		resource += "/" + a.What.Subresource
	}
	code := ""
	if a.What.Code != 0 {
		code = strconv.Itoa(a.What.Code)
	}
	var names []string
	urgent := rules.Debug + 1
	for _, d := range e.Detections {
		names = append(names, d.Rule.Name)
		urgent = min(urgent, d.Rule.Priority)
	}
	priority := ""
	if len(names) > 0 {
		priority = urgent.String()
	}
	return []string{
		e.Filed().UTC().Format(time.RFC3339Nano), e.Event.Cluster, a.Who.Name, string(a.What.Action), a.What.Verb, resource,
		a.Where.Namespace, a.What.Name, string(a.What.Outcome), code, a.Who.SourceIP, a.Who.UserAgent, a.Sentence(),
		strings.Join(names, "; "), priority, h.ID,
	}
}

// table is a CSV answer. It is held until it is whole: a table that breaks off looks
// like one that does not.
type table struct {
	buf bytes.Buffer
	csv *csv.Writer
}

func newTable(columns ...string) *table {
	t := &table{}
	t.csv = csv.NewWriter(&t.buf)
	t.csv.UseCRLF = true
	_ = t.csv.Write(columns) // into memory
	return t
}

func (t *table) row(cells ...string) {
	for i, cell := range cells {
		cells[i] = harmless(cell)
	}
	_ = t.csv.Write(cells) // into memory
}

// harmless gives a cell that no spreadsheet takes for a formula, by an apostrophe before
// what it would, and that tells a terminal nothing, by escapes for control characters. Texts
// are those of clients, after all.
func harmless(cell string) string {
	cell = strings.ToValidUTF8(cell, string(utf8.RuneError))
	if strings.ContainsFunc(cell, controls) {
		var b strings.Builder
		for _, r := range cell {
			if controls(r) {
				fmt.Fprintf(&b, `\u%04x`, r)
			} else {
				b.WriteRune(r)
			}
		}
		cell = b.String()
	}
	if cell != "" && strings.ContainsRune("=+-@\t\r\n", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}

// controls reports whether a character is for terminals; those that break lines and columns
// are quoted in a table, and stay.
func controls(r rune) bool {
	return unicode.IsControl(r) && r != '\t' && r != '\n' && r != '\r'
}

// answer sends the table, and in a header what the search came to.
func (t *table) answer(c *call, sum api.Summary) error {
	t.csv.Flush()
	text, err := json.Marshal(sum)
	if err != nil {
		return err
	}
	c.whole(c.w)
	c.w.Header().Set(headerSummary, ascii(text))
	c.w.Header().Set("Content-Type", typeCSV+"; charset=utf-8; header=present")
	c.w.Header().Set("Content-Disposition", `attachment; filename="kubewitness.csv"`)
	_, _ = c.w.Write(t.buf.Bytes()) // the reader may be gone
	return nil
}

func (c *call) eventTable(ctx context.Context, req search.Request, page search.Page) error {
	t := newTable(eventColumns...)
	sum, err := c.cfg.Search.Search(ctx, c.who.principal, req, page, func(h *search.Hit) error {
		t.row(eventCells(h)...)
		return nil
	})
	if err != nil {
		return err
	}
	return t.answer(c, summaryOf(sum))
}

// headerSummary has the api.Summary of a table, as JSON.
const headerSummary = "Kubewitness-Summary"

// ascii writes the other characters of JSON as escapes, so that a header can hold it.
func ascii(text []byte) string {
	var b strings.Builder
	for _, r := range string(text) {
		if r < utf8.RuneSelf {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}
