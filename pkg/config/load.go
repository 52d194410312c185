package config

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/viper"

	"github.com/kubewitness/kubewitness/pkg/typo"
)

// delimiter stands between the parts of a key within viper. Its own, a dot, would
// take apart what is no path.
const delimiter = "::"

// Sources say where a configuration comes from; all may be empty.
type Sources struct {
	File  string              // path of a YAML file
	Env   []string            // "NAME=value", as os.Environ returns it
	Flags map[string][]string // values of the flags of [Flags] that were given, by name
}

// Loaded is a configuration that knows where its values are from.
type Loaded struct {
	Config
	// Warnings are things that are no problems and probably not meant, a line each.
	Warnings []string

	layers []*layer // the strongest first
}

// Load reads the sources and puts them together. An error is either [Problems] or
// of the file system. What the values mean is for [Loaded.Validate] to say.
func Load(src Sources) (*Loaded, error) {
	var data []byte
	if src.File != "" {
		var err error
		if data, err = os.ReadFile(src.File); err != nil {
			return nil, fmt.Errorf("config: %w", err)
		}
	}
	return load(src, data)
}

// load is Load with the content of the file.
func load(src Sources, data []byte) (*Loaded, error) {
	file := readFile(src.File, data)
	environment, unknown := readEnvironment(src.Env)
	flags := readFlags(src.Flags)
	l := &Loaded{layers: []*layer{flags, environment, file}}
	problems := append(append(file.problems, environment.problems...), flags.problems...)
	if err := problems.err(); err != nil {
		return nil, err
	}
	for _, name := range unknown {
		l.Warnings = append(l.Warnings, name+" in the environment sets nothing; "+adviceEnv(name))
	}
	return l, l.merge()
}

// merge lets viper put the layers over the defaults. All of them hold values of the
// settings' own types by now.
func (l *Loaded) merge() error {
	v := viper.NewWithOptions(viper.KeyDelimiter(delimiter))
	defaults := Default()
	root.leaves(func(s *setting) {
		v.SetDefault(strings.ReplaceAll(s.key, ".", delimiter), s.in(&defaults).Interface())
	})
	for i := len(l.layers) - 1; i >= 0; i-- {
		if err := v.MergeConfigMap(l.layers[i].nested()); err != nil {
			return fmt.Errorf("config: %w", err)
		}
	}
	if err := v.UnmarshalExact(&l.Config); err != nil {
		return fmt.Errorf("config: %w", err)
	}
	return nil
}

// Origin says which source a value is from, and where in it: "kubewitness.yaml:12",
// "KUBEWITNESS_DATA", "--data". The key may be of a list's item, whose origin is the
// list's.
func (l *Loaded) Origin(key string) (Origin, string) {
	whole, _, _ := strings.Cut(key, "[")
	for _, layer := range l.layers {
		if _, ok := layer.values[whole]; ok {
			return layer.origin, layer.place(key)
		}
	}
	return FromDefault, ""
}

// Validate returns all that is wrong with what the values mean, as [Problems] with
// their places.
func (l *Loaded) Validate() error {
	problems := l.Config.problems()
	for _, p := range problems {
		if _, p.Where = l.Origin(p.Key); p.Where == "" {
			p.Where = l.layers[len(l.layers)-1].where[p.Key] // a section of the file
		}
	}
	return problems.err()
}

// adviceEnv says, of a variable without a setting, what was probably meant.
func adviceEnv(name string) string {
	own := strings.TrimPrefix(name, envPrefix)
	best, least := "", len(own)/4+1
	root.leaves(func(s *setting) {
		if d := typo.Distance(own, strings.TrimPrefix(s.env(), envPrefix), longestName); s.scalar() && d < least {
			best, least = s.env(), d
		}
	})
	if best == "" {
		return "kubewitness config docs lists what is read"
	}
	return "did you mean " + best + "?"
}
