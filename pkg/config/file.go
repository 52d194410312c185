package config

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/viper"
)

// maxFile is how many bytes a configuration file may have.
const maxFile = 1 << 20

// fileReader turns a YAML file into a layer. viper would do that too, but lower-case
// every key, keep one of two that then are the same, take numbers for texts, and
// drop the defaults of a section that stands there without content.
type fileReader struct {
	*layer
	name  string
	lines map[string]int
}

// readFile reads the text of a file.
func readFile(name string, data []byte) *layer {
	r := &fileReader{layer: newLayer(FromFile), name: name}
	switch {
	case len(data) > maxFile:
		r.refuse(name, "", "more than %v; that is no configuration", Size(maxFile))
	case !utf8.Valid(data):
		r.refuse(name, "", "is no UTF-8")
	default:
		r.read(data)
	}
	return r.layer
}

func (r *fileReader) read(data []byte) {
	tree := map[string]any{}
	// viper's own decoder, on the text: it keeps the case of keys, refuses those that
	// stand there twice, and an alias within itself.
	decoder, err := viper.NewCodecRegistry().Decoder("yaml")
	if err == nil {
		err = decoder.Decode(data, tree)
	}
	if err != nil {
		r.syntax(err)
		return
	}
	if line := secondDocument(string(data)); line > 0 {
		r.refuse(fmt.Sprintf("%s:%d", r.name, line), "", "another document begins; one file is one document, take the --- away")
	}
	r.lines = keyLines(string(data))
	r.section(root, tree, "", func(s *setting, key string, v any) { r.values[key] = v })
}

var (
	yamlLine  = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?(.*)$`)
	yamlValue = regexp.MustCompile(`(cannot unmarshal|invalid map key).*`)
)

// syntax tells what the decoder did not understand, without the texts that it
// quotes: the file may be anything, a secret too.
func (r *fileReader) syntax(err error) {
	for _, l := range strings.Split(err.Error(), "\n") {
		l = strings.TrimSpace(l)
		if l == "yaml: unmarshal errors:" || l == "" {
			continue
		}
		m := yamlLine.FindStringSubmatch(l)
		where, what := r.name, yamlValue.ReplaceAllString(m[2], "is no mapping of names to values; write keys, each with a colon and its value")
		if m[1] != "" {
			where += ":" + m[1]
		}
		r.refuse(where, "", "%s", printableText(what))
	}
}

// at returns the place of a key in the file, or of what it is in.
func (r *fileReader) at(key string) string {
	for k := key; k != ""; k = k[:max(strings.LastIndexAny(k, ".["), 0)] {
		if n := r.lines[k]; n > 0 {
			return fmt.Sprintf("%s:%d", r.name, n)
		}
	}
	return r.name
}

// section reads the settings of a section, or of an item of a list, and hands on
// those that are there. null is as good as not there.
func (r *fileReader) section(sec *setting, tree map[string]any, prefix string, set func(s *setting, key string, v any)) {
	for _, name := range r.names(tree, prefix) {
		key := under(prefix, name)
		i := slices.IndexFunc(sec.below, func(s *setting) bool { return s.name == name })
		if i < 0 {
			r.unknown(sec, prefix, name)
			continue
		}
		in := tree[name]
		if in == nil {
			continue
		}
		s := sec.below[i]
		r.where[key] = r.at(key)
		switch s.kind {
		case section:
			if below, ok := r.mapping(key, in); ok {
				r.section(s, below, key, set)
			}
		case items, texts:
			if v, ok := r.list(s, key, in); ok {
				set(s, key, v)
			}
		default:
			v, err := s.convert(in)
			if err != nil {
				r.refuse(r.at(key), key, "%v", err)
				continue
			}
			set(s, key, v)
		}
	}
}

func (r *fileReader) unknown(sec *setting, prefix, name string) {
	key := under(prefix, name)
	if len(name) > 64 {
		name = name[:64]
	}
	r.refuse(r.at(key), under(prefix, printableText(name)), "no such key; %s", advice(sec, key, name))
}

func (r *fileReader) mapping(key string, in any) (map[string]any, bool) {
	switch m := in.(type) {
	case map[string]any:
		return m, true
	case map[any]any: // some key is no text
		named := make(map[string]any, len(m))
		for k, v := range m {
			named[fmt.Sprint(k)] = v
		}
		return named, true
	}
	r.refuse(r.at(key), key, "is %s, not a section; write its keys below it, indented", form(in))
	return nil, false
}

// list reads a list: []string, or a slice of the setting's structs. An empty one is
// nil, as by default.
func (r *fileReader) list(s *setting, key string, in any) (any, bool) {
	entries, ok := in.([]any)
	if !ok {
		r.refuse(r.at(key), key, "is %s; write a list, each entry after a dash", form(in))
		return nil, false
	}
	before := len(r.problems)
	out := reflect.Zero(s.typ)
	for i, e := range entries {
		at := item(key, i)
		r.where[at] = r.at(at)
		v, ok := r.entry(s, at, e)
		if ok {
			out = reflect.Append(out, v)
		}
	}
	return out.Interface(), len(r.problems) == before
}

func (r *fileReader) entry(s *setting, key string, in any) (reflect.Value, bool) {
	if s.kind == texts {
		return r.textEntry(key, in)
	}
	tree, ok := r.mapping(key, in)
	if !ok {
		return reflect.Value{}, false
	}
	v := s.zero()
	r.section(s, tree, key, func(f *setting, _ string, value any) {
		v.Field(slices.Index(s.below, f)).Set(reflect.ValueOf(value))
	})
	return v, true
}

func (r *fileReader) textEntry(key string, in any) (reflect.Value, bool) {
	str, ok := in.(string)
	err := printable(str)
	if !ok {
		err = notText(in)
	}
	if err != nil {
		r.refuse(r.at(key), key, "%v", err)
	}
	return reflect.ValueOf(str), err == nil
}

// names returns the keys of a section in the order of the file.
func (r *fileReader) names(tree map[string]any, prefix string) []string {
	return slices.SortedFunc(maps.Keys(tree), func(a, b string) int {
		return cmp.Or(cmp.Compare(r.lines[under(prefix, a)], r.lines[under(prefix, b)]), strings.Compare(a, b))
	})
}

// printableText replaces what would spoil a line of a terminal.
func printableText(s string) string {
	return strings.Map(func(r rune) rune {
		if printable(string(r)) != nil {
			return '?'
		}
		return r
	}, s)
}
