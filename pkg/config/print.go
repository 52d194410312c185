package config

import (
	"bytes"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"strconv"
	"strings"
)

// WriteYAML writes the whole configuration as a file that can be loaded, with the
// source of each value as a comment. URLs are masked by [MaskURL].
func (l *Loaded) WriteYAML(w io.Writer) error {
	p := printer{origin: l.Origin, mask: true}
	_, err := w.Write(p.tree(&l.Config))
	return err
}

// printer writes YAML.
type printer struct {
	bytes.Buffer
	origin func(key string) (Origin, string) // nil: no comments
	mask   bool
}

func (p *printer) tree(c *Config) []byte {
	p.section(root, reflect.ValueOf(c).Elem(), "", p.comment)
	return p.Bytes()
}

// section writes the settings of a struct, each on its line after an indent.
func (p *printer) section(sec *setting, v reflect.Value, indent string, comment func(*setting) string) {
	for i, s := range sec.below {
		f := v.Field(i)
		fmt.Fprintf(p, "%s%s:", indent, s.name)
		switch {
		case s.kind == section:
			p.WriteByte('\n')
			p.section(s, f, indent+"  ", comment)
		case s.scalar():
			fmt.Fprintf(p, " %s%s\n", p.scalar(s, f.Interface()), comment(s))
		case f.Len() == 0:
			fmt.Fprintf(p, " []%s\n", comment(s))
		default:
			fmt.Fprintf(p, "%s\n", comment(s))
			p.list(s, f, indent+"  ")
		}
	}
}

func (p *printer) list(s *setting, v reflect.Value, indent string) {
	for i := range v.Len() {
		if s.kind == texts {
			fmt.Fprintf(p, "%s- %s\n", indent, quote(p.masked(s, v.Index(i).String())))
			continue
		}
		var entry printer
		entry.mask = p.mask
		entry.section(s, v.Index(i), indent+"  ", func(*setting) string { return "" })
		fmt.Fprintf(p, "%s- %s", indent, strings.TrimPrefix(entry.String(), indent+"  "))
	}
}

func (p *printer) scalar(s *setting, v any) string {
	t := p.masked(s, format(v))
	if s.kind == text {
		return quote(t)
	}
	return t
}

// masked takes the secrets out of a URL.
func (p *printer) masked(s *setting, t string) string {
	if s.url && p.mask {
		return MaskURL(t)
	}
	return t
}

// comment says where a value is from.
func (p *printer) comment(s *setting) string {
	if p.origin == nil {
		return ""
	}
	o, where := p.origin(s.key)
	if where == "" {
		return "  # " + o.String()
	}
	return fmt.Sprintf("  # %v %s", o, printableText(where))
}

// plain is text that no reader of YAML takes for anything else, but for the words
// in otherwise.
var plain = regexp.MustCompile(`^[A-Za-z/][A-Za-z0-9_./-]*$`)

var otherwise = regexp.MustCompile(`(?i)^(true|false|yes|no|on|off|y|n|null)$`)

// quote writes a text as a YAML scalar. What strconv escapes, YAML reads alike.
func quote(s string) string {
	if plain.MatchString(s) && !otherwise.MatchString(s) {
		return s
	}
	return strconv.Quote(s)
}
