package operator

import "strings"

// CutNUL gives s up to its first NUL byte: Falco compares C strings, which end
// there.
func CutNUL(s string) string {
	if i := strings.IndexByte(s, 0); i >= 0 {
		return s[:i]
	}
	return s
}

// ContainsFold is strings.Contains with ASCII letters in either case, as C's
// strcasestr in the C locale.
func ContainsFold(s, sub string) bool {
	for i := 0; i+len(sub) <= len(s); i++ {
		if equalFold(s[i:i+len(sub)], sub) {
			return true
		}
	}
	return false
}

func equalFold(a, b string) bool {
	for i := 0; i < len(a); i++ {
		if lowerByte(a[i]) != lowerByte(b[i]) {
			return false
		}
	}
	return true
}

func lowerByte(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// ToLower folds ASCII letters only.
func ToLower(s string) string { return mapASCII(s, 'A', 'Z') }

// ToUpper folds ASCII letters only.
func ToUpper(s string) string { return mapASCII(s, 'a', 'z') }

// mapASCII flips the case of the bytes from lo to hi.
func mapASCII(s string, lo, hi byte) string {
	b := []byte(s)
	for i, c := range b {
		if c >= lo && c <= hi {
			b[i] = c ^ 0x20
		}
	}
	return string(b)
}

// PathPrefix tells whether pattern is a prefix of path by whole components:
// both are split at "/", empty parts are dropped, and a component of the
// pattern that holds ?, * or [ is a glob. A pattern without components is a
// prefix of everything.
func PathPrefix(pattern, path string) bool {
	for {
		var want, have string
		if want, pattern = component(pattern); want == "" {
			return true
		}
		if have, path = component(path); have == "" {
			return false
		}
		if strings.ContainsAny(want, "?*[") {
			if !Glob(want, have, false) {
				return false
			}
		} else if want != have {
			return false
		}
	}
}

func component(s string) (first, rest string) {
	s = strings.TrimLeft(s, "/")
	if i := strings.IndexByte(s, '/'); i >= 0 {
		return s[:i], s[i+1:]
	}
	return s, ""
}
