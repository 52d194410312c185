package config

import (
	"regexp"
	"slices"
	"strings"
)

// EnvFile is the variable that names the configuration file where --config does not.
const EnvFile = envPrefix + "CONFIG"

// serviceLink is what the kubelet puts into the environment of every container for
// a Service whose name begins with kubewitness: no setting, and no mistake.
var serviceLink = regexp.MustCompile(`_(SERVICE_HOST|SERVICE_PORT(_.*)?|PORT(_\d+_(TCP|UDP|SCTP)(_.*)?)?)$`)

// readEnvironment reads "NAME=value" pairs. The second result names variables of
// ours by their prefix that no setting has.
func readEnvironment(environ []string) (*layer, []string) {
	l := newLayer(FromEnvironment)
	given := map[string]string{}
	for _, kv := range environ {
		name, value, ok := strings.Cut(kv, "=")
		if ok && value != "" && strings.HasPrefix(name, envPrefix) { // what is empty is as good as not set
			given[name] = value
		}
	}
	root.leaves(func(s *setting) {
		name := s.env()
		value, ok := given[name]
		if !ok {
			return
		}
		delete(given, name)
		if !s.scalar() {
			l.refuse(name, s.key, "is a list, which the environment cannot give; set it in the file")
			return
		}
		v, err := s.parse(value)
		if err != nil {
			l.refuse(name, s.key, "%v", err)
			return
		}
		l.values[s.key], l.where[s.key] = v, name
	})
	var unknown []string
	for name := range given {
		if name != EnvFile && !serviceLink.MatchString(name) {
			unknown = append(unknown, printableText(name))
		}
	}
	slices.Sort(unknown)
	return l, unknown
}
