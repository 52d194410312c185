package match

// bitset is a set of residual rules: a few by number, many as bits.
type bitset struct {
	few  []int32
	many []uint64
}

// newBitset makes a set of sorted bits, of which there are words*64 in all.
func newBitset(list []int32, words int) bitset {
	if len(list) <= words {
		return bitset{few: list}
	}
	s := bitset{many: make([]uint64, words)}
	for _, b := range list {
		s.many[b/64] |= 1 << (b % 64)
	}
	return s
}

// addTo adds the set to bits.
func (s *bitset) addTo(bits []uint64) {
	for _, b := range s.few {
		bits[b/64] |= 1 << (b % 64)
	}
	for i, w := range s.many {
		bits[i] |= w
	}
}

// removeFrom takes the set out of bits.
func (s *bitset) removeFrom(bits []uint64) {
	for _, b := range s.few {
		bits[b/64] &^= 1 << (b % 64)
	}
	for i, w := range s.many {
		bits[i] &^= w
	}
}

// removeBut takes what is in the set and not in kept out of bits.
func (s *bitset) removeBut(kept, bits []uint64) {
	for _, b := range s.few {
		bits[b/64] &^= 1 << (b % 64) &^ kept[b/64]
	}
	for i, w := range s.many {
		bits[i] &^= w &^ kept[i]
	}
}

// overlaps tells whether any of the set is in bits.
func (s *bitset) overlaps(bits []uint64) bool {
	for _, b := range s.few {
		if bits[b/64]&(1<<(b%64)) != 0 {
			return true
		}
	}
	for i, w := range s.many {
		if bits[i]&w != 0 {
			return true
		}
	}
	return false
}
