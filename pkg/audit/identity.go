package audit

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
)

// Identity tells events apart: two events with one identity are one event that was sent twice.
type Identity [sha256.Size]byte

// Identity returns the event's identity: a SHA-256 over cluster, auditID, stage and the SHA-256 of the event's tokens as
// received. White space between tokens makes no difference, nor do the top-level kind and apiVersion, which lines of a
// log file have and items of an EventList have not. Everything else does, spelling and order included. AuditID and stage
// alone would not do: the client chooses the auditID.
//
// An event that was made of something else has the identity of that ([Event.SourceID]): the day the [Converter] makes it
// otherwise, it is still the same event.
//
// It is computed anew on each call.
func (e *Event) Identity() Identity {
	if e.SourceID != (Identity{}) {
		return e.SourceID
	}
	id := sha256.New()
	for _, s := range []string{e.Cluster, e.AuditID, e.Stage} {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(s)))
		id.Write(length[:]) // without the length "a", "bc" would be "ab", "c"
		id.Write([]byte(s))
	}
	tokens := sha256.New()
	e.hashTokens(tokens)
	id.Write(tokens.Sum(nil))
	return Identity(id.Sum(nil))
}

// hashTokens writes the event's members without white space, kind and apiVersion.
func (e *Event) hashTokens(h hash.Hash) {
	root := e.Root()
	if root.Kind() != Object {
		h.Write(e.Raw)
		return
	}
	n := root.node()
	for at := uint32(1); at < n.next; at = e.tree.nodes[at+1].next {
		if e.tree.keyIs(at, "kind") || e.tree.keyIs(at, "apiVersion") {
			continue
		}
		key, value := &e.tree.nodes[at], &e.tree.nodes[at+1] // not as Values: a body would be parsed for it
		h.Write(e.Raw[key.start:key.end])
		h.Write([]byte{':'})
		h.Write(compact(e.Raw[value.start:value.end]))
		h.Write([]byte{','})
	}
}
