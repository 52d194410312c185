package config

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/kubewitness/kubewitness/pkg/falco/rules"
)

// kind is what a setting holds.
type kind int

const (
	section  kind = iota // settings below it
	text                 // string
	onOff                // bool
	whole                // int
	number               // float64
	size                 // Size
	span                 // time.Duration
	priority             // rules.Priority
	texts                // []string
	items                // a slice of structs
)

// envPrefix begins the names of variables.
const envPrefix = "KUBEWITNESS_"

// setting is a field of the tree, as its type and its tags describe it.
type setting struct {
	name  string // webhook
	key   string // webhook.tls.cert_file; clusters[].name
	kind  kind
	typ   reflect.Type
	doc   string
	one   []string // values of a text; nil: any
	least any      // of a whole, size or span; nil: 0
	url   bool     // printed without user info
	below []*setting
}

// root is the whole tree. Its settings stand in the order of the structs' fields.
var root = &setting{kind: section, typ: reflect.TypeFor[Config](), below: describe(reflect.TypeFor[Config](), "")}

// describe returns the settings of a struct, whose keys begin with a prefix.
func describe(t reflect.Type, prefix string) []*setting {
	var list []*setting
	for i := range t.NumField() {
		f := t.Field(i)
		s := &setting{
			name: f.Tag.Get("mapstructure"), typ: f.Type, kind: kindOf(f.Type),
			doc: f.Tag.Get("doc"), url: f.Tag.Get("mask") == "url",
		}
		s.key = prefix + s.name
		if one := f.Tag.Get("one"); one != "" {
			s.one = strings.Split(one, ",")
		}
		switch s.kind {
		case section:
			s.below = describe(f.Type, s.key+".")
		case items:
			s.below = describe(f.Type.Elem(), s.key+"[].")
		}
		if least := f.Tag.Get("least"); least != "" {
			v, err := s.parse(least)
			if err != nil {
				panic(fmt.Sprintf("config: the tag least of %s: %v", s.key, err)) // every run and test would show it
			}
			s.least = v
		}
		list = append(list, s)
	}
	return list
}

func kindOf(t reflect.Type) kind {
	switch t {
	case reflect.TypeFor[Size]():
		return size
	case reflect.TypeFor[time.Duration]():
		return span
	case reflect.TypeFor[rules.Priority]():
		return priority
	case reflect.TypeFor[[]string]():
		return texts
	}
	switch t.Kind() {
	case reflect.Struct:
		return section
	case reflect.Slice:
		return items
	case reflect.Bool:
		return onOff
	case reflect.Int:
		return whole
	case reflect.Float64:
		return number
	case reflect.String:
		return text
	}
	panic(fmt.Sprintf("config: no setting can be of the type %v", t)) // every run and test would show it
}

// scalar reports whether the setting is one value, which the environment can give.
func (s *setting) scalar() bool { return s.kind != section && s.kind != items && s.kind != texts }

// env is the variable of a setting that stands in no list.
func (s *setting) env() string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(s.key, ".", "_"))
}

// leaves calls f for every setting that is no section, not going into lists, in the
// order of the structs.
func (s *setting) leaves(f func(*setting)) {
	if s.kind != section {
		f(s)
		return
	}
	for _, b := range s.below {
		b.leaves(f)
	}
}

// find returns a setting by its key; nil if there is none.
func (s *setting) find(key string) (found *setting) {
	s.leaves(func(l *setting) {
		if l.key == key {
			found = l
		}
	})
	return found
}

// zero is what an item of the list is before its entry is read.
func (s *setting) zero() reflect.Value {
	v := reflect.New(s.typ.Elem()).Elem()
	if s.typ.Elem() == reflect.TypeFor[Cluster]() {
		v.Set(reflect.ValueOf(defaultCluster()))
	}
	return v
}

// in returns the setting's value in a struct, by its key.
func (s *setting) in(c *Config) reflect.Value {
	v := reflect.ValueOf(c).Elem()
	at := root
	for _, name := range strings.Split(s.key, ".") {
		for i, b := range at.below {
			if b.name == name {
				at, v = b, v.Field(i)
				break
			}
		}
	}
	return v
}
