package web

import (
	"encoding/csv"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/api"
)

// TestNoCellIsAFormula: what a spreadsheet would run is text, whatever client chose it.
func TestNoCellIsAFormula(t *testing.T) {
	for cell, want := range map[string]string{
		"":                  "",
		"jane":              "jane",
		"a=b":               "a=b",
		"=HYPERLINK(\"x\")": "'=HYPERLINK(\"x\")",
		"+1":                "'+1",
		"-2+3":              "'-2+3",
		"@SUM(A1)":          "'@SUM(A1)",
		"\t=1":              "'\t=1",
		"\r=1":              "'\r=1",
		"\n=1":              "'\n=1",
		"'=1":               "'=1",
		"\xff=":             "\uFFFD=",
		"\x1b[31mred\x00":   `\u001b[31mred\u0000`,
		"\u009b2J\tä":       `\u009b2J` + "\tä",
	} {
		assert.Equal(t, want, harmless(cell))
	}
}

func TestTable(t *testing.T) {
	tb := newTable("a", "b")
	tb.row("x,\"y\"\r\nz", "=1")
	w := httptest.NewRecorder()
	require.NoError(t, tb.answer(&call{Handler: asking().Handler, w: w}, api.Summary{Hits: 1, Why: "längst 🙂"}))
	assert.Equal(t, "a,b\r\n\"x,\"\"y\"\"\r\nz\",'=1\r\n", w.Body.String())
	assert.Equal(t, `{"hits":1,"partial":false,"why":"l\u00e4ngst \ud83d\ude42","hidden":0,"scanned":0}`, w.Header().Get(headerSummary))
	rows, err := csv.NewReader(strings.NewReader(w.Body.String())).ReadAll()
	require.NoError(t, err)
	assert.Len(t, rows, 2)
}
