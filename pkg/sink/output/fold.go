package output

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/kubewitness/kubewitness/pkg/alert"
)

// FoldWindow is how far the times of events lie apart at most whose detections
// share a line of the answer format.
const FoldWindow = 10 * time.Second

// fold is a line of the answer format: a detection, and those like it.
type fold struct {
	first    int // index of the detection that is printed
	count    int
	names    map[string]struct{} // of the objects
	earliest time.Time
	latest   time.Time
}

// foldRepeats groups the detections of one delivery that differ in nothing but the
// object's name and the time, in the order of the first of each group. A group ends
// with its window of events' time, and with the delivery: a count that waited for
// the next one would be lost with the process, though the log's cursor had moved
// past its detections.
func foldRepeats(todo []pending) (folds []*fold) {
	open := make(map[string]int) // by key, the line of the group that takes more
	for i := range todo {
		a := &todo[i].alert
		key, name := foldKey(a)
		line, ok := open[key]
		if !ok || !folds[line].takes(a.Event.Time) {
			line = len(folds)
			open[key] = line
			folds = append(folds, &fold{first: i, names: make(map[string]struct{}, 1), earliest: a.Event.Time, latest: a.Event.Time})
		}
		folds[line].add(name, a.Event.Time)
		todo[i].line = line
	}
	return folds
}

// takes reports whether an event's time is within the window with all others.
func (f *fold) takes(t time.Time) bool {
	return t.Sub(f.earliest) <= FoldWindow && f.latest.Sub(t) <= FoldWindow
}

func (f *fold) add(name string, t time.Time) {
	f.count++
	f.names[name] = struct{}{}
	if t.Before(f.earliest) {
		f.earliest = t
	}
	if t.After(f.latest) {
		f.latest = t
	}
}

// appendCount appends how many detections the line stands for, if several.
//
//	×7 in 2.1s, 3 names
func (f *fold) appendCount(dst []byte) []byte {
	if f.count == 1 {
		return dst
	}
	dst = append(dst, "  \u00d7"...)
	dst = strconv.AppendInt(dst, int64(f.count), 10)
	if span := f.latest.Sub(f.earliest).Round(100 * time.Millisecond); span > 0 {
		dst = append(dst, " in "...)
		dst = append(dst, span.String()...)
	}
	if len(f.names) > 1 {
		dst = fmt.Appendf(dst, ", %d names", len(f.names))
	}
	return dst
}

// foldKey gives what detections on one line have in common, and the name of the
// object, in which they may differ. All else that was done is part of the key: two
// commands in one pod are not repeats of each other.
func foldKey(a *alert.Alert) (key, name string) {
	answer := a.Event.Answer()
	what := answer.What
	name = what.Name + "\x00" + what.GenerateName
	what.Name, what.GenerateName = "", ""
	what.Message, what.Items = "", nil // speak of the object
	var as string
	if u := answer.Who.Impersonated; u != nil {
		as = u.Name
	}
	b, err := json.Marshal([]any{
		a.Detection.Rule.Name, a.Detection.Rule.Priority, answer.Who.Name, as, what,
		answer.Where.Cluster, answer.Where.Namespace, answer.Where.Container,
	})
	if err != nil { // cannot be: texts, numbers and lists of them; if it is, nothing is folded
		return a.Event.AuditID + "\x00" + a.Event.Stage + "\x00" + a.Detection.Rule.Name, name
	}
	return string(b), name
}
