package service

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// traced are the calls that can change files, or make the method of the power cut
// wrong; type disk knows all of them.
const traced = "trace=open,openat,openat2,creat,close,dup,dup2,dup3,fcntl,lseek," +
	"write,pwrite64,writev,pwritev,pwritev2,sendfile,splice,copy_file_range,io_uring_setup," +
	"truncate,ftruncate,fallocate,fsync,fdatasync,sync,syncfs,sync_file_range,mmap," +
	"rename,renameat,renameat2,unlink,unlinkat,rmdir,mkdir,mkdirat,link,linkat,symlink,symlinkat"

// call is a system call, or the beginning of one: ended is nil then.
type call struct {
	name  string
	args  []string // as strace writes them
	began time.Time
	ended *result
}

type result struct {
	at  time.Time
	ret int64 // below 0: it failed
}

// step is a call's beginning or end, in the order of things.
type step struct {
	call *call
	end  bool
}

var (
	lineForm = regexp.MustCompile(`(?s)^(\d+) +(\d+)\.(\d{6}) (.*)$`)
	endForm  = regexp.MustCompile(`\) += (-?\d+|\?)[^=]*?(?:<(\d+)\.(\d{6})>)?$`)
)

// readTrace reads what strace -f -ttt -T wrote.
func readTrace(path string) ([]step, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r := traceReader{open: map[string]*call{}}
	lines := bufio.NewReaderSize(f, 1<<20)
	for {
		line, err := lines.ReadString('\n')
		if err == io.EOF {
			return r.steps, nil // a line without end was cut by the kill
		}
		if err == nil {
			err = r.line(strings.TrimSuffix(line, "\n"))
		}
		if err != nil {
			return nil, fmt.Errorf("%w in the line %.200q", err, line)
		}
	}
}

type traceReader struct {
	steps []step
	open  map[string]*call // begun and not ended, by thread
}

func (r *traceReader) line(line string) error {
	m := lineForm.FindStringSubmatch(line)
	if m == nil {
		return errors.New("no thread and time")
	}
	thread, at, rest := m[1], stamp(m[2], m[3]), m[4]
	switch begun, unfinished := strings.CutSuffix(rest, " <unfinished ...>"); {
	case strings.HasPrefix(rest, "---"), strings.HasPrefix(rest, "+++"):
		return nil // a signal, the end of a thread
	case strings.HasPrefix(rest, "<... "):
		c := r.open[thread]
		if c == nil {
			return errors.New("an end without a beginning")
		}
		delete(r.open, thread)
		c.ended = parseEnd(rest, at, true)
		r.steps = append(r.steps, step{c, true})
	case unfinished:
		c, err := parseCall(strings.TrimSuffix(begun, ","))
		if err != nil {
			return err
		}
		c.began = at
		r.open[thread] = c
		r.steps = append(r.steps, step{c, false})
	default:
		where := endForm.FindStringIndex(rest)
		if where == nil {
			return errors.New("a call without an end")
		}
		c, err := parseCall(rest[:where[0]])
		if err != nil {
			return err
		}
		c.began, c.ended = at, parseEnd(rest, at, false)
		r.steps = append(r.steps, step{c, false}, step{c, true})
	}
	return nil
}

func stamp(seconds, micros string) time.Time {
	s, _ := strconv.ParseInt(seconds, 10, 64) // both are digits
	us, _ := strconv.ParseInt(micros, 10, 64)
	return time.Unix(s, us*1000)
}

// parseEnd reads " = 3 <0.000012>". A call that was resumed ended when the line was
// written.
func parseEnd(text string, at time.Time, resumed bool) *result {
	m := endForm.FindStringSubmatch(text)
	if m == nil || m[1] == "?" {
		return &result{at, -1}
	}
	ret, _ := strconv.ParseInt(m[1], 0, 64)
	if !resumed && m[2] != "" {
		took := stamp(m[2], m[3])
		at = at.Add(time.Duration(took.UnixMicro()) * time.Microsecond)
	}
	return &result{at, ret}
}

// parseCall reads a name and its arguments; the last bracket is not there.
func parseCall(text string) (*call, error) {
	name, args, ok := strings.Cut(text, "(")
	if !ok {
		return nil, fmt.Errorf("no call: %.200q", text)
	}
	c := &call{name: name}
	depth, quoted, from := 0, false, 0
	for i := 0; i < len(args); i++ {
		switch ch := args[i]; {
		case quoted && ch == '\\':
			i++
		case ch == '"':
			quoted = !quoted
		case quoted:
		case ch == '[' || ch == '{' || ch == '(':
			depth++
		case ch == ']' || ch == '}' || ch == ')':
			depth--
		case ch == ',' && depth == 0:
			c.args = append(c.args, strings.TrimSpace(args[from:i]))
			from = i + 1
		}
	}
	if rest := strings.TrimSpace(args[from:]); rest != "" {
		c.args = append(c.args, rest)
	}
	return c, nil
}

// arg is an argument, "" when there are fewer.
func (c *call) arg(i int) string {
	if i < len(c.args) {
		return c.args[i]
	}
	return ""
}

func (c *call) number(i int) (int64, error) {
	n, err := strconv.ParseInt(c.arg(i), 0, 64)
	if err != nil {
		return 0, fmt.Errorf("%s: argument %d is %.100q", c.name, i, c.arg(i))
	}
	return n, nil
}

// text is an argument that is a string, without strace's quotes and escapes.
func (c *call) text(i int) ([]byte, error) {
	s := c.arg(i)
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return nil, fmt.Errorf("%s: argument %d is no whole string: %.100q", c.name, i, s)
	}
	s = s[1 : len(s)-1]
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b = append(b, s[i])
			continue
		}
		i++
		if at := strings.IndexByte("tnvfr", s[i]); at >= 0 {
			b = append(b, "\t\n\v\f\r"[at])
			continue
		}
		if s[i] < '0' || s[i] > '7' {
			b = append(b, s[i])
			continue
		}
		var n byte
		end := min(i+3, len(s))
		for ; i < end && s[i] >= '0' && s[i] <= '7'; i++ {
			n = n<<3 | (s[i] - '0')
		}
		i--
		b = append(b, n)
	}
	return b, nil
}

// TestTrace reads lines as strace writes them.
func TestTrace(t *testing.T) {
	path := t.TempDir() + "/trace"
	require.NoError(t, os.WriteFile(path, []byte(`11 1795309564.000001 openat(AT_FDCWD, "/a/b, (c", O_RDWR|O_CREAT|O_CLOEXEC, 0600) = 9 <0.000004>
11 1795309564.000010 pwrite64(9, "\0\1a\n\"\\\10279", 8, 30 <unfinished ...>
12 1795309564.000020 renameat(AT_FDCWD, "/a/x", AT_FDCWD, "/a/y") = -1 ENOENT (No such file or directory) <0.000001>
11 1795309564.000030 <... pwrite64 resumed>) = 8 <0.000020>
12 1795309564.000040 --- SIGURG {si_signo=SIGURG} ---
12 1795309564.000050 fsync(9 <unfinished ...>
`), 0o600))
	steps, err := readTrace(path)
	require.NoError(t, err)
	require.Len(t, steps, 7)
	at := func(us int64) time.Time { return time.Unix(1795309564, us*1000) }
	open := steps[1].call
	assert.Equal(t, []string{"AT_FDCWD", `"/a/b, (c"`, "O_RDWR|O_CREAT|O_CLOEXEC", "0600"}, open.args)
	assert.Equal(t, &result{at(5), 9}, open.ended)
	write := steps[2].call
	assert.Same(t, write, steps[5].call)
	assert.Equal(t, &result{at(30), 8}, write.ended)
	data, err := write.text(1)
	require.NoError(t, err)
	assert.Equal(t, "\x00\x01a\n\"\\B79", string(data))
	assert.Equal(t, int64(-1), steps[4].call.ended.ret)
	assert.Nil(t, steps[6].call.ended)
}
