package alert

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/kubewitness/kubewitness/pkg/falco/rules"
)

// AppendAnswer appends the answer line: when, how urgent, which rule, the
// sentence of who did what where, and the cluster and namespace.
//
//	2026-11-21 19:17:56.428Z  Warning  Exec into pod  jane ran "sh" in pod shop/web-0  [prod/shop]
//
// Behind it stands how late the event came, where it did: (late: happened 3h before).
func AppendAnswer(dst []byte, a *Alert, opt Options) []byte {
	r := a.Detection.Rule
	dst = paint(dst, opt, dim, a.Event.Time.UTC().Format("2006-01-02 15:04:05.000Z"))
	dst = append(dst, "  "...)
	priority := r.Priority.String()
	dst = paint(dst, opt, priorityColor(r.Priority), priority)
	dst = append(dst, strings.Repeat(" ", max(0, len("Informational")-len(priority))+2)...)
	dst = paint(dst, opt, bold, printable(r.Name))
	dst = append(dst, "  "...)
	answer := a.Event.Answer()
	dst = appendPrintable(dst, answer.String())
	if where := place(a.Event.Cluster, a.Event.Root().Path("objectRef", "namespace").Text()); where != "" {
		dst = append(dst, "  "...)
		dst = paint(dst, opt, dim, "["+printable(where)+"]")
	}
	if a.Late > 0 {
		dst = append(dst, "  "...)
		dst = paint(dst, opt, yellow, "(late: happened "+Span(a.Late)+" before)")
	}
	return dst
}

// Span is a duration of an hour and more in words, in minutes, or in days when it is long: 3h, 3h20m, 12d.
func Span(d time.Duration) string {
	if d >= 48*time.Hour {
		return strconv.FormatInt(int64(d/(24*time.Hour)), 10) + "d"
	}
	text := strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
	if d = d.Round(time.Minute); d%time.Hour == 0 && d > 0 {
		return strings.TrimSuffix(text, "0m")
	}
	return text
}

// place names cluster and namespace, what there is of them.
func place(cluster, namespace string) string {
	switch {
	case cluster == "":
		return namespace
	case namespace == "":
		return cluster
	}
	return cluster + "/" + namespace
}

// The SGR codes that the answer line uses.
const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	yellow = "33"
	cyan   = "36"
)

func priorityColor(p rules.Priority) string {
	switch {
	case p <= rules.Error:
		return red
	case p == rules.Warning:
		return yellow
	case p == rules.Notice:
		return cyan
	}
	return dim
}

func paint(dst []byte, opt Options, code, s string) []byte {
	if !opt.Color {
		return append(dst, s...)
	}
	dst = append(dst, "\x1b["+code+"m"...)
	dst = append(dst, s...)
	return append(dst, "\x1b[0m"...)
}

func printable(s string) string { return string(appendPrintable(nil, s)) }

// appendPrintable appends s with everything that could move a terminal's
// cursor, start a line or reorder text spelled as an escape.
func appendPrintable(dst []byte, s string) []byte {
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			dst = append(dst, '\\', 'x', hex[s[i]>>4], hex[s[i]&15])
		case unicode.IsPrint(r):
			dst = append(dst, s[i:i+size]...)
		default:
			q := strconv.QuoteRuneToASCII(r)
			dst = append(dst, q[1:len(q)-1]...)
		}
		i += size
	}
	return dst
}
