package join

// fit is how a review and a request fit each other.
type fit uint8

const (
	apart  fit = iota
	near       // the review lies a little before or after the request
	inside     // it lies in its time
)

// fitOf tells how a review and a request of one place fit. Those that are joined do not.
func fitOf(r, a *side) fit {
	switch {
	case r.partner != nil || a.partner != nil:
	case a.refused || a.creates && !r.creates:
	case r.name != 0 && a.name != 0 && r.name != a.name:
	case r.dry != a.dry && !a.dryOpen:
	case r.from >= a.from && r.from <= a.last():
		return inside
	case a.open: // a review that came before it is of another, whose events may come late
	case a.failed: // conflicts fail before they are reviewed, and clients try again at once
	case r.from >= a.from-int64(Skew) && r.from <= a.last()+int64(Skew):
		return near
	}
	return apart
}

// last is the latest time at which a request can be reviewed.
func (a *side) last() int64 {
	if a.open {
		return a.from + int64(Opened)
	}
	return min(a.to, a.from+int64(Longest))
}

// nearest finds the one that fits best; several tells that it is not the only one.
func nearest(among []*side, fits func(*side) fit) (best *side, several bool) {
	how := apart
	for _, x := range among {
		switch f := fits(x); {
		case f == apart || f < how:
		case f > how:
			best, how, several = x, f, false
		default:
			several = true
		}
	}
	if several {
		return nil, true
	}
	return best, false
}
