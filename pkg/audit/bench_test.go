package audit

import (
	"bytes"
	"io"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"
)

// The figure to watch is Reader against BareScan/tokens and BareScan/values: what jsontext itself takes, with its
// duplicate check on, for the same bytes.

func BenchmarkReader(b *testing.B) {
	data, lines := sample(b)
	b.SetBytes(int64(len(data) / lines))
	b.ReportAllocs()
	for n := 0; n < b.N; {
		r := NewReader(bytes.NewReader(data), "sample", Limits{})
		for n < b.N {
			if _, err := r.Next(); err == io.EOF {
				break
			} else if err != nil {
				b.Fatal(err)
			}
			n++
		}
	}
}

func BenchmarkBareScan(b *testing.B) {
	data, lines := sample(b)
	scan := func(name string, options []jsontext.Options, next func(*jsontext.Decoder) error) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data) / lines))
			var buf bytes.Buffer
			d := jsontext.NewDecoder(&buf)
			for n := 0; n < b.N; n += lines {
				buf = *bytes.NewBuffer(data)
				d.Reset(&buf, options...)
				var err error
				for err == nil {
					err = next(d)
				}
				require.Equal(b, io.EOF, err)
			}
		})
	}
	token := func(d *jsontext.Decoder) error { _, err := d.ReadToken(); return err }
	value := func(d *jsontext.Decoder) error { _, err := d.ReadValue(); return err }
	scan("tokens", strict, token)
	scan("values", strict, value)
	scan("tokens-no-duplicate-check", duplicates, token)
	scan("values-no-duplicate-check", duplicates, value)
}

func BenchmarkParseValue(b *testing.B) {
	data, _ := sample(b)
	lines := bytes.Split(bytes.TrimSpace(data), newline)
	b.SetBytes(int64(len(data) / len(lines)))
	b.ReportAllocs()
	for n := 0; n < b.N; n++ {
		if _, err := ParseValue(lines[n%len(lines)]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRoot(b *testing.B) {
	data, _ := sample(b)
	lines := bytes.Split(bytes.TrimSpace(data), newline)
	b.SetBytes(int64(len(data) / len(lines)))
	b.ReportAllocs()
	for n := 0; n < b.N; n++ {
		e := Event{tree: tree{raw: lines[n%len(lines)]}}
		e.Root()
	}
}

func BenchmarkIdentity(b *testing.B) {
	data, _ := sample(b)
	e, err := NewReader(bytes.NewReader(data), "sample", Limits{}).Next()
	require.NoError(b, err)
	for n := 0; n < b.N; n++ {
		e.Identity()
	}
}
