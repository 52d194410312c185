package config

import (
	"slices"
	"strings"
)

// advice says, of an unknown key in a section, what was probably meant.
func advice(sec *setting, key, name string) string {
	if near := nearest(name, sec.below); near != nil {
		return "did you mean " + near.name + "?"
	}
	if strings.Contains(name, ".") || strings.Contains(name, "::") {
		return "write a key with dots as sections in sections, one name a line"
	}
	var homes []string
	root.leaves(func(s *setting) {
		if s.name == strings.ToLower(name) {
			homes = append(homes, s.key)
		}
	})
	if len(homes) > 0 {
		return "did you mean " + orList(homes) + "?"
	}
	var names []string
	for _, s := range sec.below {
		names = append(names, s.name)
	}
	if sec == root {
		return "the sections are " + strings.Join(names, ", ")
	}
	return "there are " + strings.Join(names, ", ")
}

// nearest returns the setting whose name is most like another, nil if none is.
func nearest(name string, among []*setting) *setting {
	var best *setting
	least := max(len(name)/3, 1) + 1
	for _, s := range among {
		if d := distance(strings.ToLower(name), s.name); d < least {
			best, least = s, d
		}
	}
	return best
}

// distance is how many letters must be changed, put in or left out to make one word
// of the other.
func distance(a, b string) int {
	if len(a) > 64 { // no name of ours is nearly as long
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = slices.Min([]int{change, row[j] + 1, row[j+1] + 1})
		}
	}
	return row[len(b)]
}
