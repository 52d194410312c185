package audit

import "math"

// memberIndex finds the members of an event by their keys without passing the others: rules ask for a dozen of them. It
// serves objects without equal keys, of which a [glance] notes all keys.
type memberIndex struct {
	usable bool
	nodes  [indexSize]uint16 // of keys, by their hash; 0: there is none
}

const (
	indexSize = 64
	crowded   = math.MaxUint16 // several keys have this hash: look at all members
)

// hashOf tells the keys that events have apart: none of them meet.
func hashOf[T string | []byte](key T) uint8 {
	n := len(key)
	if n == 0 {
		return 0
	}
	return (key[0] + key[n-1] + 2*key[n/2] + 5*uint8(n)) % indexSize
}

// note notes the key at a node. One with escapes in it can not be found, and makes the index useless.
func (x *memberIndex) note(key []byte, at int, escaped bool) {
	if escaped {
		x.usable = false
	}
	p := &x.nodes[hashOf(key)]
	if *p != 0 || at >= crowded {
		at = crowded
	}
	*p = uint16(at)
}

// find gives the node of the key, 0 where there is none; it is not known where all members must be looked at.
func (x *memberIndex) find(t *tree, key string) (at uint32, known bool) {
	if !x.usable {
		return 0, false
	}
	at = uint32(x.nodes[hashOf(key)])
	if at == crowded {
		return 0, false
	}
	if at > 0 && !t.keyIs(at, key) {
		at = 0
	}
	return at, true
}
