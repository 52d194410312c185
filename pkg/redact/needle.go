package redact

import "slices"

// A needle is a text without which a rule has nothing to do. All of them are
// looked for at once, in the event's bytes as they stand: most events have none
// and are done with after that. A needle may be found too often, never too
// rarely; see [Redactor.hits] for the spellings that hide one.
type needle struct {
	text string // lower case
	does class
}

// class is what a needle means to the rules for texts.
type class uint8

const (
	structural class = iota // nothing: it is for the walk over the structure
	assignment              // part of a name before = or :
	bearer
	basic
	privateKey
	privateKey64 // a PEM block in base64
	vendorToken  // the beginning of a token of a well-known kind
	commandName  // a program that takes passwords by flags of other names
)

// fixedNeedles are those of the rules that know no configuration. The names in
// credentialMembers and credentialEndings are added.
var fixedNeedles = []needle{
	{"secret", structural}, {"stringdata", structural}, {"/value", structural},
	{`"auth"`, structural}, {`auth\"`, structural}, {`/auth"`, structural}, {`/auth\"`, structural}, {"h4si", structural},
	{lowerASCII(Marker), structural},
	{"bearer", bearer}, {"basic", basic}, {"-----begin", privateKey}, {"ls0tls1crudjti", privateKey64},
	{"ghp_", vendorToken}, {"gho_", vendorToken}, {"ghu_", vendorToken}, {"ghs_", vendorToken}, {"ghr_", vendorToken},
	{"github_pat_", vendorToken}, {"glpat-", vendorToken}, {"xoxb-", vendorToken}, {"xoxp-", vendorToken},
	{"xoxa-", vendorToken}, {"xoxr-", vendorToken}, {"xoxs-", vendorToken}, {"aiza", vendorToken},
	{"hvs.", vendorToken}, {"sk_live_", vendorToken}, {"rk_live_", vendorToken}, {"ya29.", vendorToken},
	{"xapp-", vendorToken}, {"glsa_", vendorToken}, {"dckr_pat_", vendorToken}, {"hooks.slack.com/services/", vendorToken},
	{"curl", commandName}, {"mysql", commandName}, {"mariadb", commandName}, {"redis-cli", commandName}, {"sshpass", commandName},
}

// needles finds them by the method of Wu and Manber: the two bytes at the end
// of a window of four tell how far the window may be moved on.
type needles struct {
	shift   [1 << 14]uint8
	bucket  [1 << 14]uint8 // where the window may end in the two bytes: which of the buckets; 0: none
	buckets [][]needle
}

const window = 4

// newNeedles collects the needles of the fixed rules and of patterns; short
// tells that a pattern has no text that is long enough to be one.
func newNeedles(globs []string) (n *needles, short bool) {
	n = &needles{buckets: make([][]needle, 1)}
	for i := range n.shift {
		n.shift[i] = window - 1
	}
	all := slices.Clone(fixedNeedles)
	for _, m := range slices.Concat(credentialMembers, credentialEndings) {
		if m != "auth" { // half of all events have that somewhere; it is looked for with its quotes
			all = append(all, needle{m, structural})
		}
	}
	for _, g := range globs {
		text := longest(lowerASCII(g))
		if len(text) < window {
			short = true
			continue
		}
		all = append(all, needle{text, assignment})
	}
	slices.SortFunc(all, func(a, b needle) int {
		if a.text != b.text {
			return len(b.text) - len(a.text)
		}
		return int(b.does) - int(a.does)
	})
	for _, x := range all {
		if len(x.text) >= window {
			n.add(x)
		}
	}
	return n, short
}

func (n *needles) add(x needle) {
	for j := 1; j < window; j++ {
		for _, a := range cases(x.text[j-1]) {
			for _, b := range cases(x.text[j]) {
				at := pair(a, b)
				n.shift[at] = min(n.shift[at], uint8(window-1-j))
			}
		}
	}
	end := pair(x.text[window-2], x.text[window-1])
	b := n.bucket[end]
	if b == 0 {
		if len(n.buckets) <= maxBucket {
			n.buckets = append(n.buckets, nil)
		}
		b = uint8(len(n.buckets) - 1) // beyond that the last is shared
	}
	for _, p := range cases(x.text[window-2]) {
		for _, q := range cases(x.text[window-1]) {
			n.bucket[pair(p, q)] = b
		}
	}
	if !slices.Contains(n.buckets[b], x) {
		n.buckets[b] = append(n.buckets[b], x)
	}
}

const maxBucket = 255

func cases(c byte) []byte {
	if 'a' <= c && c <= 'z' {
		return []byte{c, c - 'a' + 'A'}
	}
	return []byte{c}
}

// pair takes seven bits of each byte: what that confuses is told apart later.
func pair(a, b byte) int { return int(a&127)<<7 | int(b&127) }

// next returns the first place at or behind from where needles begin, and which;
// at is -1 when there is none.
func (n *needles) next(s []byte, from int, found []needle) (at int, _ []needle) {
	for i := from + window - 1; i < len(s); {
		end := int(s[i-1]&127)<<7 | int(s[i]&127)
		if skip := n.shift[end]; skip > 0 {
			i += int(skip)
			continue
		}
		at := i - (window - 1)
		found = found[:0]
		for _, x := range n.buckets[n.bucket[end]] {
			if begins(s[at:], x.text) && !harmless(s, at, x) {
				found = append(found, x)
			}
		}
		if len(found) > 0 {
			return at, found
		}
		i++
	}
	return -1, found[:0]
}

func begins(s []byte, word string) bool {
	if len(s) < len(word) {
		return false
	}
	for i := range len(word) {
		if lower[s[i]] != word[i] {
			return false
		}
	}
	return true
}

// harmless knows the phrases that the API server itself writes into most events
// and that hold a needle but never a secret.
func harmless(s []byte, at int, x needle) bool {
	end := at + len(x.text)
	switch x.text {
	case "authorization":
		return begins(s[end:], ".k8s.io") || after(s, at, ".k8s.io/")
	case "secret": // the folder where tokens of service accounts are mounted
		return begins(s[end:], "s/kubernetes.io/serviceaccount")
	case "credential":
		return begins(s[end:], "-id")
	case "token":
		return after(s, at, "serviceAccount") || after(s, at, `"path":"`) && begins(s[end:], `"`)
	}
	return false
}

// after reports whether word stands right before s[at].
func after(s []byte, at int, word string) bool {
	return at >= len(word) && string(s[at-len(word):at]) == word
}
