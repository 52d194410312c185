package redact

import (
	"bytes"
	"encoding/base64"
)

// shapes finds secrets in a text by what they look like, and by what stands
// before them. The edits are in no order.
func (r *Redactor) shapes(s []byte) (edits []edit) {
	add := func(start, end int) {
		if start < end {
			edits = append(edits, edit{start, end, Marker})
		}
	}
	var buf [8]needle
	done := 0  // of names and their values: how far they were looked at, so that nothing is read twice
	token := 0 // likewise of tokens
	pem := 0
	command := 0
	for i := 0; ; i++ {
		at, found := r.needles.next(s, i, buf[:0])
		if at < 0 {
			break
		}
		i = at
		for _, x := range found {
			switch {
			case x.does == assignment && at >= done:
				var start, end int
				start, end, done = r.assigned(s, at)
				add(start, end)
				done = max(done, end)
			case x.does == commandName && at >= command:
				command = commandLine(s, at, add)
			case x.does == bearer && at >= token:
				start := run(s, at+len(x.text), space)
				if token = run(s, start, tokenByte); start > at+len(x.text) && tokenlike(s[start:token]) {
					add(start, token)
				}
			case x.does == basic && afterAuthorization(s[:at]):
				if start := run(s, at+len(x.text), space); start > at+len(x.text) {
					add(start, run(s, start, tokenByte))
				}
			case x.does == privateKey && at >= pem:
				pem = pemEnd(s, at)
				add(at, pem)
			case x.does == privateKey64 && at >= pem:
				if pem = run(s, at, tokenByte); pem64(s[at:pem]) {
					add(at, pem)
				}
			case x.does == vendorToken && at >= token && (at == 0 || !nameByte(s[at-1])):
				if token = run(s, at, tokenByte); token-at >= minVendorToken {
					add(at, token)
				}
			}
		}
	}
	edits = jwts(s, edits)
	return r.userinfos(s, edits)
}

// minVendorToken is shorter than any token that has one of the beginnings.
const minVendorToken = 20

func space(c byte) bool     { return c == ' ' || c == '\t' || c == '+' }
func tokenByte(c byte) bool { return base64Byte(c) || c == '.' || c == '~' || c == '=' }

// tokenlike tells a token from the word behind "bearer" in a sentence.
func tokenlike(s []byte) bool {
	return len(s) >= 24 || len(s) >= 6 && bytes.ContainsAny(s, "0123456789_=")
}

func afterAuthorization(s []byte) bool {
	s = bytes.TrimRight(s, "\"'\\:=+ \t")
	return len(s) >= len("authorization") && begins(s[len(s)-len("authorization"):], "authorization")
}

// pemEnd returns the end of the PEM block of a private key that begins at s[at];
// 0 when it is something else. A block without an end goes to the end.
func pemEnd(s []byte, at int) int {
	head := at + len("-----BEGIN")
	stop := run(s, head, func(c byte) bool { return c == ' ' || '0' <= c && c <= '9' || 'a' <= lower[c] && lower[c] <= 'z' })
	if indexFold(s[head:stop], "private key") < 0 {
		return 0
	}
	end := indexFold(s[stop:], "-----end")
	if end < 0 {
		return len(s)
	}
	end += stop + len("-----end")
	end = run(s, end, func(c byte) bool { return c == ' ' || '0' <= c && c <= '9' || 'a' <= lower[c] && lower[c] <= 'z' })
	return run(s, end, func(c byte) bool { return c == '-' })
}

// pem64 reports whether a text in base64 begins as the PEM block of a private key.
func pem64(s []byte) bool {
	var head [48]byte
	n, _ := base64.StdEncoding.Decode(head[:], s[:min(len(s), 64)/4*4])
	return bytes.Contains(head[:n], []byte("PRIVATE KEY"))
}

// jwts finds JSON web tokens: two to four dots between texts in base64 of which
// the first is an object, with a signature or without.
func jwts(s []byte, edits []edit) []edit {
	for i := 0; ; {
		n := bytes.Index(s[i:], []byte("eyJ"))
		if n < 0 {
			return edits
		}
		start := i + n
		end := run(s, start, base64Byte)
		i = end
		parts := 1
		for parts < 5 && end < len(s) && s[end] == '.' {
			end = run(s, end+1, base64Byte)
			parts++
		}
		if parts >= 3 && i-start >= minJWTHeader {
			edits = append(edits, edit{start, end, Marker})
			i = end
		}
	}
}

// minJWTHeader is the length of {"alg":""} in base64, less one.
const minJWTHeader = 13

// userinfos finds the passwords in URLs, scheme://user:password@host, and tokens
// in the place of the user.
func (r *Redactor) userinfos(s []byte, edits []edit) []edit {
	for i := 0; ; {
		n := bytes.Index(s[i:], []byte("://"))
		if n < 0 {
			return edits
		}
		start := i + n + len("://")
		i = run(s, start, authority)
		at := bytes.LastIndexByte(s[start:i], '@')
		if at < 0 {
			continue
		}
		at += start
		if colon := bytes.IndexByte(s[start:at], ':'); colon >= 0 {
			start += colon + 1
		} else if at-start < minVendorToken {
			continue // a user
		}
		if start < at {
			edits = append(edits, edit{start, at, Marker})
		}
	}
}

// authority is what user, password and host of a URL are made of.
func authority(c byte) bool {
	switch c {
	case '/', '?', '#', '"', '\'', '<', '>', '\\', '`':
		return false
	}
	return c > ' '
}
