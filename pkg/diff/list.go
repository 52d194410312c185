package diff

import (
	"slices"
	"strconv"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// list compares two lists.
func (d *differ) list(at string, old, now audit.Value, depth int) {
	was, is := slices.Collect(old.Elems()), slices.Collect(now.Elems())
	if !d.opt.ByNumber {
		if oldNames, newNames, ok := nameAll(was, is); ok {
			d.named(at, named{was, oldNames}, named{is, newNames}, depth)
			return
		}
	}
	d.sequence(at, was, is, depth)
}

// named is a list whose elements have names, each its own.
type named struct {
	elems []audit.Value
	names []string
}

func (l named) byName() map[string]audit.Value {
	m := make(map[string]audit.Value, len(l.elems))
	for i, name := range l.names {
		m[name] = l.elems[i]
	}
	return m
}

// named compares elements of one name.
func (d *differ) named(at string, old, now named, depth int) {
	was, is := old.byName(), now.byName()
	var before, after []string // the names that both have
	for i, name := range old.names {
		if _, stays := is[name]; stays {
			before = append(before, name)
		} else {
			d.value(at+"/"+escape(name), old.elems[i], audit.Value{}, depth+1)
		}
	}
	for i, name := range now.names {
		if _, stays := was[name]; stays {
			after = append(after, name)
		}
		d.value(at+"/"+escape(name), was[name], now.elems[i], depth+1)
	}
	if !slices.Equal(before, after) && len(d.out.Reordered) < d.opt.MaxChanges {
		d.out.Reordered = append(d.out.Reordered, at)
	}
}

// sequence compares two lists whose elements have no names.
func (d *differ) sequence(at string, old, now []audit.Value, depth int) {
	ids := identities{}
	was, is := ids.of(old), ids.of(now)
	i, j := 0, 0
	for _, p := range append(d.common(was, is), pair{len(old), len(now)}) {
		for ; i < p.old && j < p.now; i, j = i+1, j+1 {
			d.value(number(at, j), old[i], now[j], depth+1)
		}
		for ; i < p.old; i++ {
			d.value(number(at, i), old[i], audit.Value{}, depth+1)
		}
		for ; j < p.now; j++ {
			d.value(number(at, j), audit.Value{}, now[j], depth+1)
		}
		i, j = p.old+1, p.now+1
	}
}

func number(at string, i int) string { return at + "/" + strconv.Itoa(i) }

// identities numbers values: equal ones have one number.
type identities map[string]int

func (ids identities) of(list []audit.Value) []int {
	out := make([]int, len(list))
	var text []byte
	for i, v := range list {
		text = appendCanonical(text[:0], v)
		id, ok := ids[string(text)]
		if !ok {
			id = len(ids)
			ids[string(text)] = id
		}
		out[i] = id
	}
	return out
}

// pair is an element that stays: its number in the old list and in the new one.
type pair struct{ old, now int }

// common gives the elements that stay, in order.
func (d *differ) common(old, now []int) []pair {
	var stay []pair
	begin, end := 0, 0
	for begin < min(len(old), len(now)) && old[begin] == now[begin] {
		stay = append(stay, pair{begin, begin})
		begin++
	}
	for end < min(len(old), len(now))-begin && old[len(old)-1-end] == now[len(now)-1-end] {
		end++
	}
	for _, p := range d.subsequence(old[begin:len(old)-end], now[begin:len(now)-end]) {
		stay = append(stay, pair{p.old + begin, p.now + begin})
	}
	for ; end > 0; end-- {
		stay = append(stay, pair{len(old) - end, len(now) - end})
	}
	return stay
}

// subsequence gives the longest common subsequence; where that would cost too much, the
// elements that are equal in one place.
func (d *differ) subsequence(old, now []int) (stay []pair) {
	if len(old) == 0 || len(now) == 0 {
		return nil
	}
	if len(old) > d.cells/len(now) {
		for i := range min(len(old), len(now)) {
			if old[i] == now[i] {
				stay = append(stay, pair{i, i})
			}
		}
		return stay
	}
	d.cells -= len(old) * len(now)
	// length of the longest one from i in the one and j in the other on
	width := len(now) + 1
	length := make([]int32, (len(old)+1)*width)
	for i := len(old) - 1; i >= 0; i-- {
		for j := len(now) - 1; j >= 0; j-- {
			if old[i] == now[j] {
				length[i*width+j] = length[(i+1)*width+j+1] + 1
			} else {
				length[i*width+j] = max(length[(i+1)*width+j], length[i*width+j+1])
			}
		}
	}
	for i, j := 0, 0; i < len(old) && j < len(now); {
		switch {
		case old[i] == now[j]:
			stay = append(stay, pair{i, j})
			i, j = i+1, j+1
		case length[(i+1)*width+j] >= length[i*width+j+1]:
			i++
		default:
			j++
		}
	}
	return stay
}
