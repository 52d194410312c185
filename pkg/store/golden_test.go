package store

import (
	"archive/tar"
	"compress/gzip"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files anew")

const golden = "testdata/golden-v1.tar.gz"

// goldenRows are the rows in the golden folder: all kinds that there are.
func goldenRows() []Row {
	rows := append(eventRows(0, 30, time.Date(2026, 3, 1, 23, 50, 0, 123, time.UTC), time.Minute), longRows()...)
	for i := range rows[30:] {
		rows[30+i].Time = time.Date(2026, 3, 2, 1, 0, 0, i, time.UTC)
	}
	for i, v := range oddities {
		rows = append(rows, Row{ID: fmt.Sprintf("odd-%d", i), Time: time.Date(2026, 3, 3, 0, 0, i, 0, time.UTC), Columns: []Column{{"odd", v}}, Raw: []byte(v)})
	}
	for i := range rows {
		rows[i].Columns = slices.DeleteFunc(rows[i].Columns, func(c Column) bool { return c.Value == "" })
	}
	return rows
}

// A folder of an earlier version opens, and has what was written. When the format
// changes, a golden folder is added, and none taken away.
func TestGoldenFolderOpens(t *testing.T) {
	if *update {
		makeGolden(t)
	}
	dir := t.TempDir()
	unpack(t, golden, dir)
	s, err := Open(Config{Dir: dir, FreeFloor: 1, Retention: maxRetention, Now: time.Now})
	require.NoError(t, err)
	defer func() { assert.NoError(t, s.Close()) }()
	path, reason := s.MovedAside()
	require.Empty(t, path, reason)
	rows := goldenRows()
	got := all(t, s, Query{}, Scan{})
	require.Len(t, got, len(rows))
	slices.Reverse(got)
	for i := range rows {
		sameRow(t, rows[i], got[i])
	}
	for f, want := range map[Filter]uint64{
		Exists{"odd"}: uint64(len(oddities) - 1), Prefix{"ka.uri", "/api/v1/namespaces/ns-1/"}: 1, Range{"ka.response.code", 400, 499}: 18,
		Raw{Text: "field-13 field-13"}: 1, Beside{}: 3, Cut{"wide"}: 2, Contains{"odd", "1.5"}: 3,
	} {
		n, err := s.Count(t.Context(), Query{Filter: f})
		require.NoError(t, err)
		assert.Equal(t, want, n, "%#v", f)
	}
	w, err := s.Write(t.Context(), rows)
	require.NoError(t, err)
	assert.Zero(t, w.Rows)
}

func makeGolden(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(Config{Dir: dir, FreeFloor: 1, Retention: maxRetention, Now: time.Now})
	require.NoError(t, err)
	_, err = s.Write(t.Context(), goldenRows())
	require.NoError(t, err)
	require.NoError(t, s.Sync(t.Context()))
	require.NoError(t, s.Close())
	out, err := os.Create(golden)
	require.NoError(t, err)
	z := gzip.NewWriter(out)
	w := tar.NewWriter(z)
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		name := strings.TrimPrefix(strings.TrimPrefix(path, dir), "/")
		if err != nil || name == "" || name == "LOCK" {
			return err
		}
		if d.IsDir() {
			return w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: 0o700})
		}
		content, err := os.ReadFile(path)
		if err == nil {
			err = w.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(content))})
		}
		if err == nil {
			_, err = w.Write(content)
		}
		return err
	}))
	require.NoError(t, w.Close())
	require.NoError(t, z.Close())
	require.NoError(t, out.Close())
}

func unpack(t *testing.T, path, dir string) {
	f, err := os.Open(path)
	require.NoError(t, err)
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	r := tar.NewReader(z)
	for {
		h, err := r.Next()
		if err == io.EOF {
			return
		}
		require.NoError(t, err)
		to := filepath.Join(dir, filepath.FromSlash(h.Name))
		if h.Typeflag == tar.TypeDir {
			require.NoError(t, os.MkdirAll(to, 0o700))
			continue
		}
		content, err := io.ReadAll(r)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(to, content, 0o600))
	}
}
