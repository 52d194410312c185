package policy

// truth is what a clause can come to: it can hold, or not, or either, or (for a class that does not exist) neither.
type truth uint8

const (
	canHold truth = 1 << iota
	canFail
)

const unknown = canHold | canFail

func truthOf(holds bool) truth {
	if holds {
		return canHold
	}
	return canFail
}

func (t truth) holds() bool { return t&canHold != 0 }

func (t truth) fails() bool { return t&canFail != 0 }

func (t truth) decided() bool { return t != unknown }

func (t truth) not() truth { return t&canHold<<1 | t&canFail>>1 }

func (t truth) and(u truth) truth { return t&u&canHold | (t|u)&canFail }

func (t truth) or(u truth) truth { return (t|u)&canHold | t&u&canFail }
