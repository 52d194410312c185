package config

import (
	"strings"

	"github.com/kubewitness/kubewitness/pkg/typo"
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

// longestName is how long a name of a setting may be: none is nearly as long.
const longestName = 64

// nearest returns the setting whose name is most like another, nil if none is.
func nearest(name string, among []*setting) *setting {
	names := make([]string, len(among))
	for i, s := range among {
		names[i] = s.name
	}
	if i := typo.Nearest(strings.ToLower(name), names, longestName); i >= 0 {
		return among[i]
	}
	return nil
}
