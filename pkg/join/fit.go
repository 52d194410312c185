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
func nearest(among []*side, fits func(*side) fit) (best *side, how fit, several bool) {
	for _, x := range among {
		switch f := fits(x); {
		case f == apart || f < how:
		case f > how:
			best, how, several = x, f, false
		default:
			best, several = x, true
		}
	}
	return best, how, several
}

// attempts are the reviews in the time of a request that has ended, if all of them are about
// the same object and content: the last one is that of what was stored, if anything was.
func attempts(among []*side, a *side) (all []*side) {
	for _, r := range among {
		if fitOf(r, a) != inside {
			continue
		}
		if len(all) > 0 && (all[0].content != r.content || all[0].name != r.name) {
			return nil
		}
		all = append(all, r)
	}
	return all
}
