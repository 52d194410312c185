package web

import (
	"context"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/api"
	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/search"
)

// events answers a search with a page, a table, or a stream of lines.
func (c *call) events() error {
	p := c.params()
	req := c.request(p)
	media, err := c.accepted(typeJSON, typeLines, typeCSV)
	if err != nil {
		return err
	}
	most := map[string]int{typeJSON: c.cfg.Limits.Page, typeLines: c.cfg.Limits.Lines, typeCSV: c.cfg.Limits.Table}[media]
	page := search.Page{Limit: p.number("limit", min(search.DefaultLimit, most), 1, most), After: p.text("after")}
	if err := p.none(); err != nil {
		return err
	}
	switch media {
	case typeLines:
		return c.stream(c.r.Context(), func(ctx context.Context) error { return c.eventLines(ctx, req, page) })
	case typeCSV:
		return c.heavy(c.r.Context(), func(ctx context.Context) error { return c.eventTable(ctx, req, page) })
	}
	return c.heavy(c.r.Context(), func(ctx context.Context) error { return c.eventPage(ctx, req, page) })
}

func (c *call) eventPage(ctx context.Context, req search.Request, page search.Page) error {
	text := []byte(`{"events":[`)
	n := 0
	sum, err := c.cfg.Search.Search(ctx, c.who.principal, req, page, func(h *search.Hit) (err error) {
		if n > 0 {
			text = append(text, ',')
		}
		n++
		e := eventOf(h)
		if text, err = api.AppendEvent(text, &e, false); err == nil && len(text) > maxAnswer && n > 1 {
			return tooMuch()
		}
		return err
	})
	if err != nil {
		return err
	}
	text, err = api.AppendListEnd(text, summaryOf(sum))
	if err != nil {
		return err
	}
	return c.writeText(typeJSON, text)
}

func (c *call) eventLines(ctx context.Context, req search.Request, page search.Page) error {
	out := c.lines()
	var text []byte
	sum, err := c.cfg.Search.Search(ctx, c.who.principal, req, page, func(h *search.Hit) (err error) {
		e := eventOf(h)
		if text, err = api.AppendEvent(text[:0], &e, true); err != nil {
			return err
		}
		return out.line(text)
	})
	s := summaryOf(sum)
	if err != nil {
		s.Hits = out.written
	}
	return out.end(s, err)
}

// maxAnswer is how many bytes of events an answer has at most that is held until it is
// whole. An event that is longer by itself is given nonetheless.
const maxAnswer = 32 << 20

func tooMuch() error {
	p := problem(api.ProblemParameter, "these events are too long for one answer; ask for fewer, or for a stream with Accept: "+typeLines)
	p.Parameter = "limit"
	return p
}

// writeText answers 200 with text that is JSON.
func (c *call) writeText(mediaType string, text []byte) error {
	c.whole(c.w)
	c.w.Header().Set("Content-Type", mediaType)
	_, _ = c.w.Write(append(text, '\n')) // the reader may be gone
	return nil
}

// event answers with one event.
func (c *call) event() error {
	id, err := c.id()
	if err != nil {
		return err
	}
	if err := c.params().none(); err != nil {
		return err
	}
	if _, err := c.accepted(typeJSON); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.r.Context(), c.cfg.Limits.Timeout)
	defer cancel()
	h, err := c.cfg.Search.Get(ctx, c.who.principal, id)
	if err != nil {
		return err
	}
	e := eventOf(h)
	text, err := api.AppendEvent(nil, &e, false)
	if err != nil {
		return err
	}
	return c.writeText(typeJSON, text)
}

// id gives the event's id in the path. What cannot be one is not there, as what is
// unknown is.
func (c *call) id() (string, error) {
	id := c.r.PathValue("id")
	if !isID(id) {
		return "", search.NotFound{ID: clip(id)}
	}
	return id, nil
}

// isID tells whether a text has the form of an event's identity.
func isID(s string) bool {
	if len(s) != hex.EncodedLen(len(audit.Identity{})) {
		return false
	}
	return strings.Trim(s, "0123456789abcdef") == ""
}

// detections answers a search with the detections of the events that it finds: with the
// parameters rule or priority those that are asked for, else all.
func (c *call) detections() error {
	p := c.params()
	req := c.request(p)
	req.Detections = true
	page := search.Page{Limit: p.number("limit", min(search.DefaultLimit, c.cfg.Limits.Page), 1, c.cfg.Limits.Page), After: p.text("after")}
	if err := p.none(); err != nil {
		return err
	}
	if _, err := c.accepted(typeJSON); err != nil {
		return err
	}
	return c.heavy(c.r.Context(), func(ctx context.Context) error {
		out := api.DetectionList{Detections: []api.EventDetection{}}
		sum, err := c.cfg.Search.Search(ctx, c.who.principal, req, page, func(h *search.Hit) error {
			e := eventOf(h)
			for i, d := range e.Detections {
				if !meant(req, h.Event.Detections[i].Rule) {
					continue
				}
				out.Detections = append(out.Detections, api.EventDetection{
					Detection: d, EventID: e.ID, Time: e.Time, Cluster: e.Cluster, Sentence: e.Sentence, Answer: e.Answer,
				})
			}
			return nil
		})
		if err != nil {
			return err
		}
		out.Summary = summaryOf(sum)
		return c.write(out)
	})
}

// meant tells whether a search asks for the detections of a rule.
func meant(req search.Request, r *rules.Rule) bool {
	return (len(req.Rules) == 0 || slices.Contains(req.Rules, r.Name)) && (req.Priority == nil || r.Priority <= *req.Priority)
}
