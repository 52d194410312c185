package elasticsearch

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestReadBulk(t *testing.T) {
	items, forbidden, err := readBulk([]byte(`{"errors":true,"items":[
		{"create":{"_index":".ds-logs-1","status":201}},
		{"create":{"_index":".ds-logs-1","status":409,"error":{"type":"version_conflict_engine_exception","reason":"there"}}},
		{"create":{"_index":"logs","status":400,"error":{"type":"document_parsing_exception","reason":"field","caused_by":{"reason":"value","caused_by":{"reason":"field"}}}}},
		{"index":{"status":429,"error":{"type":"es_rejected_execution_exception"}}},
		{"update":{"status":200}}, {"delete":{"status":404}}]}`), 6)
	require.NoError(t, err)
	assert.False(t, forbidden)
	assert.Equal(t, []BulkItem{
		{Status: 201, Index: ".ds-logs-1"},
		{Status: 409, Index: ".ds-logs-1", Type: "version_conflict_engine_exception", Reason: "there"},
		{Status: 400, Index: "logs", Type: "document_parsing_exception", Reason: "field: value"},
		{Status: 429, Type: "es_rejected_execution_exception"},
		{Status: 200}, {Status: 404},
	}, items)

	_, forbidden, err = readBulk([]byte(`{"errors":true,"items":[{"create":{"status":403}}]}`), 1)
	require.NoError(t, err)
	assert.True(t, forbidden)
	items, _, err = readBulk([]byte(`{"errors":true,"items":[{"create":{"status":400,"error":{"reason":"`+strings.Repeat("é", 5000)+`"}}}]}`), 1)
	require.NoError(t, err)
	assert.Len(t, items[0].Reason, mostReason+len("…"))
}

// TestReadCreated holds that the short way is taken for what a server writes, and for
// nothing that is not so.
func TestReadCreated(t *testing.T) {
	items, ok := readCreated([]byte(twoCreated+"\n"), 2)
	require.True(t, ok)
	assert.Equal(t, []BulkItem{{Status: 201, Index: "x-1"}, {Status: 201, Index: "x-1"}}, items)
	for _, other := range []string{
		"", "{}", createdBegin, twoCreated[:len(twoCreated)-1], twoCreated + "x",
		strings.Replace(twoCreated, "false", "true", 1), strings.Replace(twoCreated, "201", "200", 1),
		strings.Replace(twoCreated, "x-1", `\u0041`, 1), strings.Replace(twoCreated, "},", "} ,", 1), strings.Replace(twoCreated, "create", "index", 1),
	} {
		_, ok := readCreated([]byte(other), 2)
		assert.False(t, ok, other)
	}
	for _, n := range []int{1, 3} {
		_, ok := readCreated([]byte(twoCreated), n)
		assert.False(t, ok, n)
	}
}

// FuzzBulkAnswer holds that an answer is read as what it says of each document, or not
// at all, and that nothing a server sends takes more memory than a few times its size.
func FuzzBulkAnswer(f *testing.F) {
	f.Add([]byte(twoCreated), 2)
	f.Add([]byte(twoCreated), 3)
	f.Add([]byte(twoCreated[:90]), 2)
	f.Add([]byte(`{"errors":true,"items":[{"create":{"status":400,"error":{"type":"a","reason":"b","caused_by":{"reason":"c"}}}}]}`), 1)
	f.Add([]byte(`{"errors":false,"items":[null,{"create":null}]}`), 2)
	f.Add([]byte(`{"errors":false,"items":[{"create":{"status":1e2}},{"create":{"status":-1}}]}`), 2)
	f.Fuzz(func(t *testing.T, body []byte, n int) {
		n = 1 + int(uint(n)%16)
		items, _, err := readBulk(body, n)
		slow, _, slowErr := readOutcomes(body, n)
		if (err == nil) != (slowErr == nil) || !slices.Equal(items, slow) {
			t.Fatalf("%v, %v, but as JSON it is %v, %v", items, err, slow, slowErr)
		}
		if err != nil {
			if items != nil {
				t.Fatalf("items and an error: %v", err)
			}
			return
		}
		if len(items) != n {
			t.Fatalf("%d items for %d documents", len(items), n)
		}
		for _, it := range items {
			if it.Status < 200 || it.Status > 599 {
				t.Fatalf("status %d", it.Status)
			}
			if len(it.Reason) > mostReason+len("…") {
				t.Fatalf("a reason of %d bytes", len(it.Reason))
			}
		}
		for cut := range len(body) {
			if strings.TrimSpace(string(body[cut:])) == "" {
				break
			}
			if _, _, err := readBulk(body[:cut], n); err == nil {
				t.Fatalf("the first %d of %d bytes are an answer too", cut, len(body))
			}
		}
	})
}

// BenchmarkReadBulk reads answers to 5,000 creates: all done, and all refused.
func BenchmarkReadBulk(b *testing.B) {
	const n = 5000
	for _, c := range []struct{ name, errors, item string }{
		{"created", "false", `{"create":{"_index":".ds-logs-kubernetes.audit_logs-default-2026.11.21-000001","status":201}}`},
		{"conflict", "true", `{"create":{"_index":".ds-logs-kubernetes.audit_logs-default-2026.11.21-000001","status":409,"error":{"type":"version_conflict_engine_exception",` +
			`"reason":"[0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f]: version conflict, document already exists (current version [1])"}}}`},
	} {
		b.Run(c.name, func(b *testing.B) {
			body := []byte(fmt.Sprintf(`{"errors":%s,"items":[%s%s]}`, c.errors, strings.Repeat(c.item+",", n-1), c.item))
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := readBulk(body, n); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
