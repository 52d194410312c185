package elastic

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/store"
)

// selection tells whether a filter selects a row. It is what filters mean, in the plainest
// way: whatever a server finds is held against it.
type selection func(*store.Row) bool

// selectionOf makes a selection. Its error is a [store.BadPattern].
func selectionOf(f store.Filter) (selection, error) {
	switch f := f.(type) {
	case nil:
		return func(*store.Row) bool { return true }, nil
	case store.And:
		all, err := selectionsOf(f)
		return func(r *store.Row) bool {
			return !slices.ContainsFunc(all, func(s selection) bool { return !s(r) })
		}, err
	case store.Or:
		all, err := selectionsOf(f)
		return func(r *store.Row) bool {
			return slices.ContainsFunc(all, func(s selection) bool { return s(r) })
		}, err
	case store.Not:
		s, err := selectionOf(f.Filter)
		return func(r *store.Row) bool { return !s(r) }, err
	case store.Raw:
		return rawSelection(f), nil
	case store.Beside, store.Cut: // rows made of documents are whole
		return func(*store.Row) bool { return false }, nil
	}
	return columnSelection(f)
}

func selectionsOf(fs []store.Filter) ([]selection, error) {
	out := make([]selection, len(fs))
	for i, f := range fs {
		var err error
		if out[i], err = selectionOf(f); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func rawSelection(f store.Raw) selection {
	if !f.AnyCase {
		return func(r *store.Row) bool { return len(r.Raw) > 0 && strings.Contains(string(r.Raw), f.Text) }
	}
	text := lowerASCII(f.Text)
	return func(r *store.Row) bool { return len(r.Raw) > 0 && strings.Contains(lowerASCII(string(r.Raw)), text) }
}

func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c - 'A' + 'a'
		}
	}
	return string(b)
}

// columnSelection is the selection of a filter on a column. An empty value is none.
func columnSelection(f store.Filter) (selection, error) {
	is, err := valueTest(f)
	name := columnOf(f)
	return func(r *store.Row) bool {
		v := valueOf(r, name)
		return v != "" && is(v)
	}, err
}

func valueOf(r *store.Row, name string) string {
	switch name {
	case idColumn:
		return r.ID
	case clusterColumn:
		return r.Cluster
	}
	return r.Value(name)
}

func valueTest(f store.Filter) (func(string) bool, error) {
	switch f := f.(type) {
	case store.Equal:
		values := make(map[string]bool, len(f.Values))
		for _, v := range f.Values {
			values[v] = true
		}
		return func(v string) bool { return values[v] }, nil
	case store.Prefix:
		return func(v string) bool { return strings.HasPrefix(v, f.Text) }, nil
	case store.Suffix: // bytes that are no UTF-8 are all the same here
		text := string([]rune(f.Text))
		return func(v string) bool {
			return strings.HasSuffix(string([]rune(v)), text) && strings.Contains(v, f.Text)
		}, nil
	case store.Contains:
		return func(v string) bool { return strings.Contains(v, f.Text) }, nil
	case store.Range:
		return func(v string) bool {
			n, err := strconv.ParseUint(v, 10, 64)
			return err == nil && strconv.FormatUint(n, 10) == v && n >= f.Least && n <= f.Most
		}, nil
	case store.Regexp:
		re, err := regexp.Compile(f.Pattern)
		if err != nil {
			return nil, store.BadPattern{Pattern: f.Pattern, Err: err}
		}
		return re.MatchString, nil
	}
	return func(string) bool { return true }, nil
}
