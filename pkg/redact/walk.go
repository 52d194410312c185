package redact

import (
	"bytes"
	"slices"
)

// credentialMembers are members whose texts are credentials in whatever object
// they stand: of a TokenRequest, a TokenReview, a Docker configuration, a custom
// resource.
var credentialMembers = []string{
	"password", "passwd", "passphrase", "token", "accesstoken", "access_token", "refreshtoken", "refresh_token",
	"idtoken", "id_token", "bearertoken", "bearer_token", "identitytoken", "registrytoken", "authtoken", "auth_token",
	"apitoken", "api_token", "apikey", "api_key", "clientsecret", "client_secret", "secretaccesskey",
	"secret_access_key", "privatekey", "private_key", "client-key-data", "sharedsecret", "webhooksecret",
	"secretstring", "encryptionkey", "auth", "basicauth", "pass",
	"secretkey", "secret_key", "accesskey", "access_key",
}

// credentialEndings end the names of such members in custom resources: adminPassword,
// slackApiToken. A name with secret in it is most often that of a Secret, and no ending.
var credentialEndings = []string{
	"password", "passwd", "passphrase", "token", "apikey", "api_key", "secretaccesskey", "secret_access_key",
	"privatekey", "private_key", "clientsecret", "client_secret",
}

// ends reports whether a name ends as a credential's does.
func ends(k []byte) bool {
	k = bytes.TrimSpace(k)
	for _, e := range credentialEndings {
		if len(k) >= len(e) && begins(k[len(k)-len(e):], e) {
			return true
		}
	}
	return false
}

// dataMembers hold what a Secret or a ConfigMap is for.
var dataMembers = []string{"data", "stringdata", "binarydata"}

func oneOf(s []byte, words []string) bool {
	for _, w := range words {
		if is(s, w) {
			return true
		}
	}
	return false
}

// doc is a JSON text while it is walked: an event, or a text in a string of one.
type doc struct {
	r     *Redactor
	text  []byte
	nodes []node
	hits  []int // in order; see Redactor.hits
	level int   // of strings in strings; 0: the event

	edits []edit
	found bool     // there is something redacted in it, by this walk or an earlier one
	path  []byte   // JSON pointer of the value walked; kept at level 0 only
	paths []string // of the values with something redacted
}

// touched reports whether a hit lies in the node.
func (d *doc) touched(n *node) bool {
	if d.r.everything {
		return true
	}
	i, _ := slices.BinarySearch(d.hits, n.start)
	return i < len(d.hits) && d.hits[i] < n.end
}

// content returns what the string at a node means.
func (d *doc) content(at int) []byte {
	n := &d.nodes[at]
	s := d.text[n.start+1 : n.end-1]
	if n.escaped {
		return decode(s, jsonLayer)
	}
	return s
}

// value walks a value in which, unless it is part of a Secret, some of the texts
// may be secrets.
func (d *doc) value(at int, secret bool) {
	n := &d.nodes[at]
	if !secret && !d.touched(n) {
		return
	}
	switch n.kind {
	case object:
		d.object(at, secret)
	case array:
		d.array(at, secret)
	case str:
		d.string(at, secret)
	}
}

// array walks the elements; what follows a flag such as --password is a secret.
func (d *doc) array(at int, secret bool) {
	flag := false
	ran, has := noProgram, nothing
	for i, el := 0, at+1; el < d.nodes[at].next; i, el = i+1, d.nodes[el].next {
		back := d.pushIndex(i)
		n := &d.nodes[el]
		s := []byte(nil)
		if n.kind == str && (flag || ran != noProgram || d.touched(n)) {
			s = d.content(el)
		}
		from := behindColon(s, has)
		if has = nothing; from < 0 {
			from, has = ran.flag(s)
		}
		if flag && !bytes.HasPrefix(s, []byte("-")) || from >= 0 && len(s) > from {
			d.all(el)
		} else {
			d.value(el, secret)
		}
		flag = d.r.bareFlag(s)
		if p := programOf(s); p != noProgram {
			ran = p
		}
		d.path = d.path[:back]
	}
}

// bareFlag reports whether an argument is a flag whose value, a secret, is the
// argument behind it.
func (r *Redactor) bareFlag(s []byte) bool {
	return len(s) > 1 && s[0] == '-' && len(s) <= maxName && bytes.IndexByte(s, '=') < 0 &&
		bytes.IndexByte(s, ' ') < 0 && r.keys.match(bytes.TrimLeft(s, "-"))
}

// facts are what the members of an object, in any order, tell of each other.
// Equal keys all count.
type facts struct {
	secret bool     // it is a Secret, or a list of them
	named  bool     // its name is one of those whose value is a secret
	paths  [][]byte // as an operation of a JSON patch
	value  bool     // it has a member value
	judged bool     // patterns say which of its members are secrets
}

func (d *doc) facts(at int) (f facts) {
	for key := at + 1; key < d.nodes[at].next; key = d.nodes[key+1].next {
		k := d.content(key)
		switch {
		case is(k, "value"):
			f.value = true
			continue
		case d.nodes[key+1].kind != str:
			continue
		case is(k, "kind"):
			s := d.content(key + 1)
			f.secret = f.secret || is(s, "secret") || is(s, "secretlist")
		case is(k, "name"):
			f.named = f.named || d.r.env.match(d.content(key+1))
		case is(k, "path"):
			f.paths = append(f.paths, d.content(key+1))
		}
	}
	return f
}

// object walks the members.
func (d *doc) object(at int, secret bool) {
	f := d.facts(at)
	secret = secret || f.secret
	for key := at + 1; key < d.nodes[at].next; key = d.nodes[key+1].next {
		k := d.content(key)
		back := d.push(k)
		d.member(k, key+1, f, secret)
		d.path = d.path[:back]
	}
}

func (d *doc) member(k []byte, child int, f facts, secret bool) {
	switch {
	case is(k, "stringdata"), secret && oneOf(k, dataMembers):
		d.all(child)
	case oneOf(k, dataMembers):
		d.data(child)
	case is(k, "value") && f.named:
		d.all(child)
	case is(k, "value") && len(f.paths) > 0:
		d.patched(child, f.paths, secret)
	case is(k, "env") && d.nodes[child].kind == object:
		d.mapped(child, d.r.env, secret)
	case d.nodes[child].kind == str && (oneOf(k, credentialMembers) || !f.judged && ends(k)):
		d.all(child)
	default:
		d.value(child, secret)
	}
}

// data walks what may be the data of a ConfigMap.
func (d *doc) data(at int) { d.mapped(at, d.r.keys, false) }

// mapped walks an object of names and values.
func (d *doc) mapped(at int, secrets names, secret bool) {
	if d.nodes[at].kind != object {
		d.value(at, secret)
		return
	}
	f := d.facts(at)
	f.judged = true
	for key := at + 1; key < d.nodes[at].next; key = d.nodes[key+1].next {
		k := d.content(key)
		back := d.push(k)
		switch {
		case secrets.match(k), is(k, "release") && d.helmRelease(key+1):
			d.all(key + 1)
		default:
			d.member(k, key+1, f, secret)
		}
		d.path = d.path[:back]
	}
}

// helmRelease reports whether the string is a compressed Helm release, which
// holds all manifests, Secrets included.
func (d *doc) helmRelease(at int) bool {
	return d.nodes[at].kind == str && bytes.HasPrefix(d.text[d.nodes[at].start+1:], []byte("H4sI"))
}

// all redacts every scalar of a value. The kinds stay: numbers become 0, true
// becomes false. An empty text and null hide nothing and stay too; in a merge
// patch null means that the member is removed.
func (d *doc) all(at int) {
	n := &d.nodes[at]
	switch n.kind {
	case object:
		for key := at + 1; key < n.next; key = d.nodes[key+1].next {
			back := d.push(d.content(key))
			d.all(key + 1)
			d.path = d.path[:back]
		}
	case array:
		for i, el := 0, at+1; el < n.next; i, el = i+1, d.nodes[el].next {
			back := d.pushIndex(i)
			d.all(el)
			d.path = d.path[:back]
		}
	case str:
		if n.end-n.start > 2 {
			d.replace(edit{n.start + 1, n.end - 1, Marker})
			d.mark()
		}
	case number:
		d.replace(edit{n.start, n.end, "0"})
		d.mark()
	case yes, no:
		d.replace(edit{n.start, n.end, "false"})
		d.mark()
	}
}

// string redacts what a text shows.
func (d *doc) string(at int, secret bool) {
	n := &d.nodes[at]
	if !secret && !d.touched(n) {
		return
	}
	s := d.content(at)
	var edits []edit
	if d.level == 0 && string(d.path) == "/requestURI" {
		edits = d.r.uriEdits(s)
	} else {
		edits = d.r.textEdits(s, d.level+1, secret)
	}
	if len(edits) == 0 {
		if bytes.Contains(s, []byte(Marker)) {
			d.mark()
		}
		return
	}
	if n.escaped {
		edits = written(d.text[n.start+1:n.end-1], jsonLayer, edits)
	}
	for _, e := range edits {
		d.replace(edit{n.start + 1 + e.start, n.start + 1 + e.end, e.text})
	}
	d.mark()
}

func (d *doc) replace(e edit) {
	if !e.idle(d.text) {
		d.edits = append(d.edits, e)
	}
}

// mark notes the path of the value walked.
func (d *doc) mark() {
	d.found = true
	if d.level == 0 && (len(d.paths) == 0 || d.paths[len(d.paths)-1] != string(d.path)) {
		d.paths = append(d.paths, string(d.path))
	}
}

// push puts a key on the path and returns the length to go back to.
func (d *doc) push(key []byte) int {
	back := len(d.path)
	if d.level > 0 {
		return back
	}
	d.path = append(d.path, '/')
	for _, c := range key {
		switch c {
		case '~':
			d.path = append(d.path, "~0"...)
		case '/':
			d.path = append(d.path, "~1"...)
		default:
			d.path = append(d.path, c)
		}
	}
	return back
}
