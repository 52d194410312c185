package match

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
	"github.com/kubewitness/kubewitness/pkg/falco/operator"
	"github.com/kubewitness/kubewitness/pkg/field"
)

func (b *builder) transform(t *condition.Transform) (func([]value) value, error) {
	switch t.Name {
	case "tolower":
		return each(func(s string) (string, bool) { return operator.ToLower(s), true }), nil
	case "toupper":
		return each(func(s string) (string, bool) { return operator.ToUpper(s), true }), nil
	case "basename":
		return each(func(s string) (string, bool) { return s[strings.LastIndexByte(s, '/')+1:], true }), nil
	case "b64":
		return each(decodeBase64), nil
	case "len":
		typ, err := condition.TypeOf(t.Args[0], b.cat)
		if typ.List {
			return lenOfList, err
		}
		return lenOfText, err
	case "join":
		return join, nil
	case "concat":
		return concat, nil
	case "getopt":
		return getopt(t.Arg, t.HasArg), nil
	}
	return nil, fmt.Errorf("no transformer %q", t.Name)
}

// each applies f to every element; where it fails for one, the whole value is
// absent.
func each(f func(string) (string, bool)) func([]value) value {
	return func(args []value) value {
		out := value{present: true, items: make([]field.Item, len(args[0].items))}
		for i, item := range args[0].items {
			s, ok := f(operator.CutNUL(item.Text))
			if !ok {
				return value{}
			}
			out.items[i] = field.Item{Text: s}
		}
		return out
	}
}

// decodeBase64 takes the standard alphabet, padded or not.
func decodeBase64(s string) (string, bool) {
	b, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(s, "="))
	return string(b), err == nil
}

func number(n int) value {
	return present(field.Item{Text: strconv.Itoa(n), Num: uint64(n)})
}

func lenOfText(args []value) value { return number(len(operator.CutNUL(args[0].items[0].Text))) }

func lenOfList(args []value) value { return number(len(args[0].items)) }

func join(args []value) value {
	sep := args[0].items[0].Text
	parts := make([]string, len(args[1].items))
	for i, item := range args[1].items {
		parts[i] = operator.CutNUL(item.Text)
	}
	return text(strings.Join(parts, sep))
}

func concat(args []value) value {
	var b strings.Builder
	for _, a := range args {
		b.WriteString(operator.CutNUL(a.items[0].Text))
	}
	return text(b.String())
}

// getopt reads a list as command-line arguments by an option string of POSIX
// getopt and gives the options found, each letter followed by its value where
// it takes one. The list is present even when nothing was found. With a letter
// in brackets it gives that option's value, the last one where it is repeated.
func getopt(letter string, hasLetter bool) func([]value) value {
	return func(args []value) value {
		var found []field.Item
		last := value{}
		scanOptions(args[0].items, args[1].items[0].Text, func(opt, val string, takes bool) {
			found = append(found, field.Item{Text: opt})
			if takes {
				found = append(found, field.Item{Text: val})
			}
			if opt == letter {
				last = text(val)
			}
		})
		if hasLetter {
			return last
		}
		return present(found...)
	}
}

// scanOptions calls f for each option. Arguments that are no options are
// passed over, "--" ends the scan, unknown letters are skipped.
func scanOptions(argv []field.Item, spec string, f func(opt, val string, takes bool)) {
	for i := 0; i < len(argv); i++ {
		arg := argv[i].Text
		if arg == "--" {
			return
		}
		if len(arg) < 2 || arg[0] != '-' {
			continue
		}
		for j := 1; j < len(arg); j++ {
			at := strings.IndexByte(spec, arg[j])
			if at < 0 || arg[j] == ':' {
				continue
			}
			if at+1 == len(spec) || spec[at+1] != ':' {
				f(arg[j:j+1], "", false)
				continue
			}
			val := arg[j+1:]
			if val == "" && i+1 < len(argv) {
				i++
				val = argv[i].Text
			}
			f(arg[j:j+1], val, true)
			break
		}
	}
}
