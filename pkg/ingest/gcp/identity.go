package gcp

import (
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"slices"
	"strconv"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// identityDomain keeps identities made here from being those of anything else. It must never change: everything that is
// stored would be stored again.
const identityDomain = "kubewitness/gcp/1"

// identity is a SHA-256 over log, time and insertId, by which Cloud Logging itself tells entries apart. How a log's name is
// spelled makes no difference, nor which part of a split entry it is. Without an insertId the payload counts, however it is
// spelled.
func (e *entry) identity() audit.Identity {
	h := sha256.New()
	var number [8]byte
	id := e.insertID
	if id == "" {
		id = "sha256:" + e.digest
	}
	for _, s := range []string{identityDomain, slashed(e.logName), id} {
		binary.BigEndian.PutUint64(number[:], uint64(len(s)))
		h.Write(number[:]) // without the length "a", "bc" would be "ab", "c"
		h.Write([]byte(s))
	}
	binary.BigEndian.PutUint64(number[:], uint64(e.at.Unix()))
	h.Write(number[:])
	binary.BigEndian.PutUint64(number[:], uint64(e.at.Nanosecond()))
	h.Write(number[:])
	return audit.Identity(h.Sum(nil))
}

// appendSorted writes a value so that two spellings of one message are the same: members by their names, without those that
// are nothing, which may be left out.
func appendSorted(dst []byte, v audit.Value) []byte {
	switch v.Kind() {
	case audit.Object:
		members := map[string]audit.Value{}
		for key, member := range v.Members() {
			members[key] = member
		}
		dst = append(dst, '{')
		for _, key := range slices.Sorted(maps.Keys(members)) {
			if !isNothing(members[key]) {
				dst = append(appendString(dst, key), ':')
				dst = append(appendSorted(dst, members[key]), ',')
			}
		}
		return append(dst, '}')
	case audit.Array:
		dst = append(dst, '[')
		for e := range v.Elems() {
			dst = append(appendSorted(dst, e), ',')
		}
		return append(dst, ']')
	case audit.String:
		return appendString(dst, v.Text())
	case audit.Number:
		if f, err := strconv.ParseFloat(v.Text(), 64); err == nil {
			return strconv.AppendFloat(dst, f, 'g', -1, 64)
		}
	}
	return append(dst, v.Compact()...)
}

func isNothing(v audit.Value) bool {
	switch v.Kind() {
	case audit.Object, audit.Array:
		return v.Len() == 0
	case audit.String:
		return v.Text() == ""
	}
	b, isBool := v.Bool()
	f, err := strconv.ParseFloat(v.Text(), 64)
	return v.Kind() == audit.Null || isBool && !b || v.Kind() == audit.Number && err == nil && f == 0
}
