package policy

import "github.com/kubewitness/kubewitness/pkg/audit"

// Volume is what a source records of a recording.
type Volume struct {
	Source string `json:"source"`
	Events int64  `json:"events"`
	Bytes  int64  `json:"bytes"` // as lines of a log
}

// Meter adds up what sources would have recorded of events.
type Meter struct {
	sources []*Source
	volumes []Volume
}

// NewMeter begins with nothing.
func NewMeter(sources ...*Source) *Meter {
	m := &Meter{sources: sources, volumes: make([]Volume, len(sources))}
	for i, s := range sources {
		m.volumes[i].Source = s.Name
	}
	return m
}

// Add adds an event that was recorded in full. The error is that of an event that is no JSON object.
func (m *Meter) Add(e *audit.Event) error {
	for i, s := range m.sources {
		left, err := s.Reduce(e)
		if err != nil {
			return err
		}
		if left != nil {
			m.volumes[i].Events++
			m.volumes[i].Bytes += int64(len(left.Raw)) + 1
		}
	}
	return nil
}

// Volumes gives the sums, in the order of the sources.
func (m *Meter) Volumes() []Volume { return m.volumes }
