package client

import (
	"bytes"
	"io"
	"strconv"
	"strings"
	"time"
)

// notice is an event of a stream of server-sent events.
type notice struct {
	name string // "": "message"
	data []byte
}

// notices reads server-sent events, as HTML's standard has them.
type notices struct {
	from  *lines
	id    string        // of the last one that had one
	retry time.Duration // to wait before the connection is taken up again; 0: not told
	fresh bool          // nothing was read yet
}

func newNotices(r io.Reader) *notices { return &notices{from: newLines(r), fresh: true} }

// next gives the next notice that has data. The error says why the stream ended; what
// had not come whole is no notice.
func (s *notices) next() (notice, error) {
	var n notice
	id, some := s.id, false
	for {
		line, err := s.from.next()
		if err != nil {
			return notice{}, err
		}
		if s.fresh {
			line, s.fresh = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf")), false
		}
		if len(line) == 0 {
			s.id = id
			if some {
				n.data = bytes.TrimSuffix(n.data, []byte("\n"))
				return n, nil
			}
			n = notice{}
			continue
		}
		name, value, _ := strings.Cut(string(line), ":") // a comment has no name
		value = strings.TrimPrefix(value, " ")
		switch name {
		case "event":
			n.name = value
		case "data":
			n.data, some = append(append(n.data, value...), '\n'), true
		case "id":
			if !strings.Contains(value, "\x00") {
				id = value
			}
		case "retry":
			if ms, err := strconv.ParseUint(value, 10, 31); err == nil {
				s.retry = time.Duration(ms) * time.Millisecond
			}
		}
	}
}
