package match_test

import "testing"

func TestTransformers(t *testing.T) {
	judged(t, exec, []row{
		yes("tolower(ka.user.name) = alice"), yes("toupper(ka.user.name) = ALICE"), yes("toupper(jevt.value[/odd/utf8]) = ÄRGER"), yes("tolower(jevt.value[/odd/utf8]) = Ärger"),
		yes("tolower(toupper(ka.user.name)) = alice"), yes("toupper(ka.user.name) in (BOB, ALICE)"), yes("tolower(ka.user.name) exists"),
		yes("basename(jevt.value[/odd/path]) = bash"), yes("basename(ka.user.name) = Alice"), yes(`basename(jevt.value[/odd/]) = ""`),
		yes("b64(jevt.value[/odd/b64]) = hello"), yes("b64(jevt.value[/odd/b64bare]) = hello"), no("b64(jevt.value[/odd/b64url]) exists"), no("b64(jevt.value[/odd/path]) exists"), yes(`b64(jevt.value[/odd/]) = ""`),
		yes("toupper(b64(jevt.value[/odd/b64])) = HELLO"),
		yes(`concat(ka.user.name, "/", ka.verb) = "Alice/create"`), yes("concat(toupper(ka.user.name), ka.verb) = ALICEcreate"), no("concat(ka.user.name, jevt.value[/none]) exists"), yes("concat(jevt.value[/odd/nul], ka.verb) = acreate"),
		yes(`join(",", ka.user.groups) = "dev,ops"`), yes(`join("", ka.user.groups) = devops`), yes(`join("-", (ka.verb, ka.user.name, "x")) = create-Alice-x`), no(`join("-", (ka.verb, jevt.value[/none])) exists`),
		yes("len(concat(ka.verb, ka.verb)) = 12"), yes(`len(join(",", ka.user.groups)) = 7`),
	})
}

// TestRightHandSide: val() and transformers on the right.
func TestRightHandSide(t *testing.T) {
	judged(t, exec, []row{
		yes("ka.verb = val(ka.verb)"), no("ka.verb = val(ka.user.name)"), yes("ka.verb != val(ka.user.name)"), yes("ka.uri contains val(ka.target.name)"), yes("ka.uri startswith basename(ka.uri) or ka.uri endswith basename(ka.uri)"),
		yes("toupper(ka.user.name) = toupper(ka.user.name)"), no("ka.user.name = tolower(ka.user.name)"), yes("ka.user.name in toupper(ka.user.name) or ka.user.name in val(ka.user.name)"),
		yes("ka.user.name < val(ka.verb)"), no("ka.user.name > val(ka.verb)"), yes("ka.user.name glob val(ka.user.name)"), yes("ka.user.name icontains val(ka.user.name)"),
		// Without val() the right-hand side is a text.
		no("ka.verb = ka.verb"), yes("ka.user.name != ka.user.name"),
	})
}

// TestTransformedLists: in Falco the elements of a transformed list keep a NUL
// at their end, so that none is among any values.
func TestTransformedLists(t *testing.T) {
	judged(t, exec, []row{
		mended("toupper(ka.user.groups) in (DEV, OPS)"), no("toupper(ka.user.groups) in (DEV)"), mended("toupper(ka.user.groups) intersects (OPS)"), mended("basename(ka.user.groups) in (dev, ops)"),
		mended("tolower(ka.user.groups) in val(ka.user.groups)"), mended("tolower(ka.user.groups) intersects val(ka.user.groups)"),
		// What makes one text or number of the list is not affected.
		yes(`join(",", toupper(ka.user.groups)) = "DEV,OPS"`), yes("len(toupper(ka.user.groups)) = 2"), yes("toupper(ka.user.groups) exists"),
		no("b64(ka.user.groups) in (x)"),
	})
}

func TestGetopt(t *testing.T) {
	judged(t, argv, []row{
		yes(`getopt(ka.user.groups, "abc:") intersects (a)`), yes(`getopt(ka.user.groups, "abc:") in (a, b, c, first, second, joined)`), yes(`len(getopt(ka.user.groups, "abc:")) = 8`),
		yes(`getopt(ka.user.groups, "c:")[c] = joined`), no(`getopt(ka.user.groups, "c:")[c] = first`), yes(`getopt(ka.user.groups, "ab")[a] = ""`), no(`getopt(ka.user.groups, "ab")[z] exists`),
		// The list is there even when no option is.
		yes(`getopt(ka.user.groups, "z") exists`), no(`getopt(ka.user.groups, "z") intersects (a)`), yes(`len(getopt(ka.user.groups, "z")) = 0`),
		yes(`join(" ", getopt(ka.user.groups, "a")) = a`), no(`getopt(ka.req.pod.containers.image, "a") exists`),
	})
}
