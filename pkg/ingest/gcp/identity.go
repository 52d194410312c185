package gcp

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// identityDomain keeps identities made here from being those of anything else. It must never change: everything that is
// stored would be stored again.
const identityDomain = "kubewitness/gcp/1"

// identity is a SHA-256 over log, time and insertId, by which Cloud Logging itself tells entries apart. How a log's name is
// spelled makes no difference, nor which part of a split entry it is. Without an insertId the payload as it stands counts.
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
