package web

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestAccept(t *testing.T) {
	offers := []string{typeJSON, typeLines, typeCSV}
	for _, tt := range []struct {
		headers []string
		want    string
	}{
		{nil, typeJSON},
		{[]string{"*/*"}, typeJSON},
		{[]string{"application/*"}, typeJSON},
		{[]string{"text/*"}, typeCSV},
		{[]string{"application/x-ndjson"}, typeLines},
		{[]string{"Application/X-NDJSON; q=0.9, application/json;q=0.8"}, typeLines},
		{[]string{"text/html, */*;q=0.1"}, typeJSON},
		{[]string{"application/json;q=0, */*"}, typeLines},
		{[]string{"text/csv", "application/json"}, typeJSON},
		{[]string{"text/csv;q=1", "application/json;q=0.5"}, typeCSV},
		{[]string{"text/html"}, ""},
		{[]string{"*/*;q=0"}, ""},
		{[]string{"garbage;;;,text/csv"}, typeCSV},
		{[]string{"text/csv;q=NaN"}, typeCSV},
		{[]string{""}, ""},
	} {
		assert.Equal(t, tt.want, accept(tt.headers, offers), "%q", tt.headers)
	}
}
