package rules

import (
	"fmt"
	"strconv"
	"strings"
)

// engineVersion is the version of Falco's rule language that is loaded here:
// that of Falco 0.44.
var engineVersion = version{0, 62, 0}

// plugins are what a file may require of Falco's plugins. Their work is done
// here by the field catalogue and the readers of audit events.
var plugins = map[string]version{
	"k8saudit":     {0, 18, 0},
	"k8saudit-gke": {0, 18, 0},
	"k8saudit-eks": {0, 18, 0},
	"k8saudit-aks": {0, 18, 0},
	"k8saudit-ovh": {0, 18, 0},
	"json":         {0, 7, 4},
}

// version is a semantic version without its suffix.
type version struct{ major, minor, patch uint32 }

func (v version) String() string { return fmt.Sprintf("%d.%d.%d", v.major, v.minor, v.patch) }

// satisfies tells whether v will do where want is required: the same major
// version, and not an older one.
func (v version) satisfies(want version) bool {
	if v.major != want.major {
		return false
	}
	if v.minor != want.minor {
		return v.minor > want.minor
	}
	return v.patch >= want.patch
}

// parseVersion reads x.y.z; what follows the third number is ignored.
func parseVersion(s string) (version, bool) {
	var nums [3]uint32
	rest := strings.TrimLeft(s, " \t\n")
	for i := range nums {
		if i > 0 {
			if rest == "" || rest[0] != '.' {
				return version{}, false
			}
			rest = rest[1:]
		}
		n := 0
		for n < len(rest) && rest[n] >= '0' && rest[n] <= '9' {
			n++
		}
		num, err := strconv.ParseUint(rest[:n], 10, 32)
		if err != nil {
			return version{}, false
		}
		nums[i] = uint32(num)
		rest = rest[n:]
	}
	return version{nums[0], nums[1], nums[2]}, true
}
