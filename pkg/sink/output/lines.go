package output

import (
	"slices"

	"github.com/kubewitness/kubewitness/pkg/alert"
	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/record"
)

// pending is a detection that is to be written.
type pending struct {
	alert alert.Alert
	id    string // of the detection
	line  int    // the line that it is in; set by lay
}

// key is the detection's id as a member of a record.Recent: its 32 digits.
func (p *pending) key() (k audit.Identity) {
	copy(k[:], p.id)
	return k
}

// pick gives the detections of events that are not settled yet, in their order,
// and how many were. Without a set of settled ones they have no ids.
func pick(events []*record.Event, settled *record.Recent) (todo []pending, skipped int) {
	for _, e := range events {
		for _, d := range e.Detections {
			p := pending{alert: alert.Alert{Event: e.Event, Detection: d}}
			// API servers send at once or within minutes: what a webhook brings late is a recording.
			if e.Late() && e.Source != record.SourceWebhook {
				p.alert.Late = e.Received.Sub(e.Event.Time)
			}
			if settled != nil {
				p.id = record.DetectionID(e.ID, d.Rule.Name)
				if settled.Has(p.key()) {
					skipped++
					continue
				}
			}
			todo = append(todo, p)
		}
	}
	return todo, skipped
}

// page is whole lines, ready to be written.
type page struct {
	text []byte
	ends []int // where each line ends, behind its line break
}

// lay writes detections as lines behind each other, and notes with each the line
// that it is in. The text of an earlier page is overwritten.
func (p *page) lay(todo []pending, format Format, opt alert.Options) {
	p.text, p.ends = p.text[:0], p.ends[:0]
	if format == Answer {
		p.layAnswers(todo, opt)
		return
	}
	for i := range todo {
		todo[i].line = i
		if format == Text {
			p.text = alert.AppendText(p.text, &todo[i].alert, opt)
		} else {
			p.text = alert.AppendFalcoJSON(p.text, &todo[i].alert, opt)
		}
		p.endLine()
	}
}

func (p *page) layAnswers(todo []pending, opt alert.Options) {
	for _, f := range foldRepeats(todo) {
		p.text = alert.AppendAnswer(p.text, &todo[f.first].alert, opt)
		p.text = f.appendCount(p.text)
		p.endLine()
	}
}

func (p *page) endLine() {
	p.text = append(p.text, '\n')
	p.ends = append(p.ends, len(p.text))
}

// cut tells, when n bytes of a page were written, how many lines were begun, and
// what the last of them lacks.
func (p *page) cut(n int) (lines int, rest []byte) {
	if n <= 0 {
		return 0, nil
	}
	i, _ := slices.BinarySearch(p.ends, n)
	return i + 1, p.text[n:p.ends[i]]
}
