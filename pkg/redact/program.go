package redact

import "bytes"

// program is one whose flags for passwords have no telling name.
type program uint8

const (
	noProgram program = iota
	curl
	mysql
	redisCLI
	sshpass
)

// programs are looked for as needles, and then by their whole names.
var programs = map[string]program{
	"curl": curl, "mysql": mysql, "mysqldump": mysql, "mysqladmin": mysql, "mysqlimport": mysql, "mariadb": mysql, "mariadb-dump": mysql,
	"mariadb-admin": mysql, "redis-cli": redisCLI, "sshpass": sshpass,
}

// programOf knows a program by the last part of its path.
func programOf(arg []byte) program {
	return programs[string(arg[bytes.LastIndexByte(arg, '/')+1:])]
}

// carries is what the argument behind a flag has of a secret.
type carries uint8

const (
	nothing  carries = iota
	whole            // all of it is one
	password         // what stands behind a colon: user:password
)

// flag tells where in an argument of the program the secret begins, -1 for nowhere, and what
// the argument behind it has.
func (p program) flag(arg []byte) (from int, next carries) {
	short, glued := len(arg) == 2, len(arg) > 2
	switch {
	case len(arg) < 2 || arg[0] != '-':
	case p == curl && (is(arg, "--user") || is(arg, "--proxy-user") || short && (arg[1] == 'u' || arg[1] == 'U')):
		return -1, password
	case p == curl && glued && (arg[1] == 'u' || arg[1] == 'U'):
		return behindColon(arg, password), nothing
	case p == sshpass && short && arg[1] == 'p', p == redisCLI && short && arg[1] == 'a':
		return -1, whole
	case (p == mysql || p == sshpass) && glued && arg[1] == 'p':
		return 2, nothing
	}
	return -1, nothing
}

// behindColon is where the secret begins in an argument that carries one; -1: nowhere.
func behindColon(arg []byte, has carries) int {
	switch has {
	case whole:
		return 0
	case password:
		if colon := bytes.IndexByte(arg, ':'); colon >= 0 && colon+1 < len(arg) {
			return colon + 1
		}
	}
	return -1
}

// commandLine finds the secrets among the arguments of the program that is named around s[at],
// up to the end of its command; done is that end.
func commandLine(s []byte, at int, add func(start, end int)) (done int) {
	begin := at
	for begin > 0 && begin > at-maxName && nameByte(s[begin-1]) {
		begin--
	}
	i := run(s, at, nameByte)
	p := programOf(s[begin:i])
	if p == noProgram || i == len(s) || !blank(s[i]) {
		return i
	}
	has := nothing
	for {
		i = run(s, i, blank)
		if i == len(s) || !bare(s[i]) && s[i] != '"' && s[i] != '\'' {
			return i
		}
		start, end := valueAt(s, i)
		if start == i && end < len(s) && end > i && (s[end] == '\'' || s[end] == '"') { // -p'a secret'
			_, end = valueAt(s, end)
		}
		arg := s[start:end]
		from := behindColon(arg, has)
		if from < 0 {
			from, has = p.flag(arg)
		} else {
			has = nothing
		}
		if from >= 0 && from < len(arg) && (arg[from] == '\'' || arg[from] == '"') {
			from++
		}
		if from >= 0 && !reference(arg[from:]) {
			add(start+from, end)
		}
		if i = max(end, i+1); i < len(s) && (s[i] == '"' || s[i] == '\'') {
			i++
		}
	}
}
