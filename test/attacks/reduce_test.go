package attacks

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"flag"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/test/corpora"
)

var update = flag.Bool("update", false, "cut testdata anew from the whole recordings, which are reference data")

// event is one line of a recording.
type event = map[string]any

// TestReduce cuts the recordings of testdata from the whole ones, with -update.
func TestReduce(t *testing.T) {
	if !*update {
		t.Skip("with -update only")
	}
	labels := readAll(t, corpora.Shared(t, "corpora", "attacks-a-labels.jsonl"))
	writeAll(t, "testdata/labels.jsonl.gz", labels)
	writeAll(t, "testdata/attacks.jsonl.gz", reduce(t, corpora.Shared(t, "corpora", "attacks-a.jsonl.gz"), func(event) bool { return true }))
	writeAll(t, "testdata/normal.jsonl.gz", reduce(t, corpora.Shared(t, "corpora", "normal.jsonl.gz"), telling))
}

// reduce keeps of a recording the events that keep tells, and of these what a
// rule can read: no managed fields, no answers to reads, no tokens.
func reduce(t *testing.T, path string, keep func(event) bool) []byte {
	t.Helper()
	var out bytes.Buffer
	for dec := json.NewDecoder(bytes.NewReader(readAll(t, path))); ; {
		dec.UseNumber()
		e := event{}
		err := dec.Decode(&e)
		if err == io.EOF {
			return out.Bytes()
		}
		require.NoError(t, err)
		if !keep(e) {
			continue
		}
		if slices.Contains([]string{"get", "list", "watch"}, e["verb"].(string)) {
			delete(e, "responseObject")
		}
		if e["stage"] == "RequestReceived" {
			delete(e, "requestObject")
		}
		line, err := json.Marshal(cut(e))
		require.NoError(t, err)
		out.Write(append(line, '\n'))
	}
}

// cut removes what no rule reads and what secret scanners take for a token.
func cut(v any) any {
	switch v := v.(type) {
	case map[string]any:
		delete(v, "managedFields")
		for k := range v {
			v[k] = cut(v[k])
		}
	case []any:
		for i := range v {
			v[i] = cut(v[i])
		}
	case string:
		if strings.HasPrefix(v, "eyJ") && len(v) > 100 {
			return v[:10] + "..."
		}
	}
	return v
}

// telling leaves out what Kubernetes' own parts did with success all day long,
// two thirds of an ordinary recording. TestWholeRecordings counts them too.
func telling(e event) bool {
	user, _ := e["user"].(map[string]any)["username"].(string)
	ref, _ := e["objectRef"].(map[string]any)
	status, _ := e["responseStatus"].(map[string]any)
	own := slices.ContainsFunc([]string{"system:serviceaccount:kube-system:", "system:node:", "system:kube-", "system:apiserver"},
		func(prefix string) bool { return strings.HasPrefix(user, prefix) })
	if !own {
		return true
	}
	code, _ := status["code"].(json.Number)
	return e["stage"] == "ResponseComplete" && (code >= "400" || e["verb"] == "create") && ref["resource"] != "events"
}

// readAll reads a file, unpacked.
func readAll(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	if !bytes.HasPrefix(content, []byte{0x1f, 0x8b}) {
		return content
	}
	r, err := gzip.NewReader(bytes.NewReader(content))
	require.NoError(t, err)
	content, err = io.ReadAll(r)
	require.NoError(t, err)
	return content
}

func writeAll(t *testing.T, path string, content []byte) {
	t.Helper()
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	require.NoError(t, err)
	_, err = w.Write(content)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	require.NoError(t, os.WriteFile(path, packed.Bytes(), 0o644))
}
