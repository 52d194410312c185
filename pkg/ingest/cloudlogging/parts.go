package cloudlogging

import (
	"slices"
	"strconv"
	"time"

	"cloud.google.com/go/logging/apiv2/loggingpb"
	"google.golang.org/protobuf/proto"
)

// Bounds of what is kept of entries that are not complete.
const (
	maxPending      = 256
	maxPendingBytes = 64 << 20
	maxPendingParts = 1000 // of one entry
)

// parts waits until all parts of split entries are there.
type parts struct {
	open  []*split // by age
	bytes int      // of all parts
}

// split is an entry of which parts are missing.
type split struct {
	uid      string
	total    int
	parts    []*loggingpb.LogEntry
	bytes    int
	received time.Time // the first part, by Cloud Logging
	at       time.Time // the entry's own time
	since    time.Time // when the first part came here
}

// isPart tells whether an entry is one of several parts. What says of itself something that cannot be is left to who
// converts it.
func isPart(e *loggingpb.LogEntry) bool {
	s := e.GetSplit()
	return s.GetTotalSplits() > 1 && s.GetTotalSplits() <= maxPendingParts && s.GetIndex() >= 0 && s.GetIndex() < s.GetTotalSplits() && s.GetUid() != ""
}

// add keeps a part. It returns all parts of an entry when this was the last one, by their places.
func (p *parts) add(e *loggingpb.LogEntry, now time.Time) []*loggingpb.LogEntry {
	uid := e.GetSplit().GetUid() + "/" + strconv.Itoa(int(e.GetSplit().GetTotalSplits()))
	i := slices.IndexFunc(p.open, func(s *split) bool { return s.uid == uid })
	if i < 0 {
		i = len(p.open)
		p.open = append(p.open, &split{
			uid: uid, total: int(e.GetSplit().GetTotalSplits()), since: now,
			received: e.GetReceiveTimestamp().AsTime(), at: e.GetTimestamp().AsTime(),
		})
	}
	s := p.open[i]
	at, twice := slices.BinarySearchFunc(s.parts, e.GetSplit().GetIndex(), func(e *loggingpb.LogEntry, index int32) int {
		return int(e.GetSplit().GetIndex() - index)
	})
	if twice {
		return nil
	}
	s.parts = slices.Insert(s.parts, at, e)
	size := proto.Size(e)
	s.bytes += size
	p.bytes += size
	if received := e.GetReceiveTimestamp().AsTime(); received.Before(s.received) {
		s.received = received
	}
	if len(s.parts) < s.total {
		return nil
	}
	p.take(i)
	return s.parts
}

func (p *parts) take(i int) []*loggingpb.LogEntry {
	s := p.open[i]
	p.bytes -= s.bytes
	p.open = slices.Delete(p.open, i, i+1)
	return s.parts
}

// due takes out entries that have waited too long, and those that there is no room for.
func (p *parts) due(before time.Time) (out [][]*loggingpb.LogEntry) {
	for len(p.open) > 0 && (p.open[0].since.Before(before) || len(p.open) > maxPending || p.bytes > maxPendingBytes) {
		out = append(out, p.take(0))
	}
	return out
}

// hold moves a time of receipt to the first part that is kept.
func (p *parts) hold(received time.Time) time.Time {
	for _, s := range p.open {
		if s.received.Before(received) {
			received = s.received
		}
	}
	return received
}

// holdTime moves an entry's time to the first part that is kept.
func (p *parts) holdTime(at time.Time) time.Time {
	for _, s := range p.open {
		if s.at.Before(at) {
			at = s.at
		}
	}
	return at
}
