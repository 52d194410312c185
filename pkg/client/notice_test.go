package client

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// read gives all notices of a stream as name, id and data, and how it ended.
func read(text string) (got [][3]string, retry time.Duration, err error) {
	s := newNotices(strings.NewReader(text))
	for {
		n, err := s.next()
		if err != nil {
			return got, s.retry, err
		}
		got = append(got, [3]string{n.name, s.id, string(n.data)})
	}
}

func TestNotices(t *testing.T) {
	for name, tt := range map[string]struct {
		text string
		want [][3]string
		err  error
	}{
		"one":                  {"event: event\nid: 7\ndata: {}\n\n", [][3]string{{"event", "7", "{}"}}, io.EOF},
		"no space":             {"event:event\nid:7\ndata:{}\n\n", [][3]string{{"event", "7", "{}"}}, io.EOF},
		"only one space":       {"data:  x\n\n", [][3]string{{"", "", " x"}}, io.EOF},
		"several lines":        {"data: a\ndata\ndata: b\n\n", [][3]string{{"", "", "a\n\nb"}}, io.EOF},
		"CRLF":                 {"event: e\r\ndata: a\r\n\r\n", [][3]string{{"e", "", "a"}}, io.EOF},
		"byte order mark":      {"\xef\xbb\xbfdata: a\n\n", [][3]string{{"", "", "a"}}, io.EOF},
		"comments":             {": hello\n\ndata: a\n:\n\n", [][3]string{{"", "", "a"}}, io.EOF},
		"unknown fields":       {"dat: x\ndata: a\nx\n\n", [][3]string{{"", "", "a"}}, io.EOF},
		"without data":         {"event: e\nid: 5\n\ndata: a\n\n", [][3]string{{"", "5", "a"}}, io.EOF},
		"an id stays":          {"id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n", [][3]string{{"", "1", "a"}, {"", "1", "b"}, {"", "", "c"}}, io.EOF},
		"an id with NUL":       {"id: 1\ndata: a\n\nid: 2\x00\ndata: b\n\n", [][3]string{{"", "1", "a"}, {"", "1", "b"}}, io.EOF},
		"not whole":            {"data: a\n\nid: 9\ndata: b\n", [][3]string{{"", "", "a"}}, io.EOF},
		"cut within a line":    {"data: a\n\ndata: b", [][3]string{{"", "", "a"}}, io.ErrUnexpectedEOF},
		"a colon in the value": {"data: a: b\n\n", [][3]string{{"", "", "a: b"}}, io.EOF},
	} {
		t.Run(name, func(t *testing.T) {
			got, _, err := read(tt.text)
			assert.Equal(t, tt.want, got)
			assert.Equal(t, tt.err, err)
		})
	}
}

// TestUnfinishedNoticeHasNoID: after a connection is lost the stream goes on behind the
// last notice that came whole.
func TestUnfinishedNoticeHasNoID(t *testing.T) {
	s := newNotices(strings.NewReader("id: 1\ndata: a\n\nid: 2\ndata: b\n"))
	_, err := s.next()
	require.NoError(t, err)
	_, err = s.next()
	require.Error(t, err)
	assert.Equal(t, "1", s.id)
}

func TestRetry(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"retry: 1500\n\n": 1500 * time.Millisecond, "retry: soon\n\n": 0, "retry: -1\n\n": 0, "retry: 99999999999999999999\n\n": 0, "retry\n\n": 0,
	} {
		_, retry, _ := read(text)
		assert.Equal(t, want, retry, text)
	}
}

func TestLongLine(t *testing.T) {
	l := newLines(strings.NewReader(strings.Repeat("x", 200_000) + "\n" + strings.Repeat("y", 300_000) + "\n"))
	l.max = 250_000
	line, err := l.next()
	require.NoError(t, err)
	assert.Len(t, line, 200_000)
	_, err = l.next()
	assert.ErrorIs(t, err, errLongLine)
}

// FuzzNotices: whatever comes, it is read to its end, and no data appears that was not
// sent.
func FuzzNotices(f *testing.F) {
	f.Add([]byte("event: e\nid: 1\ndata: a\ndata: b\nretry: 3\n\n:c\n"))
	f.Add([]byte("\xef\xbb\xbfdata\r\n\r\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s := newNotices(bytes.NewReader(text))
		total := 0
		for {
			n, err := s.next()
			if err != nil {
				return
			}
			if total += len(n.data) + len(n.name); total > len(text) {
				t.Fatalf("%d bytes came of %d", total, len(text))
			}
		}
	})
}
