package load

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// Measurement is what a run of a plan against a service gave.
type Measurement struct {
	Name       string
	Plan       Plan
	Result     Result
	Service    time.Duration // CPU time, until the outputs had all
	ServiceAck time.Duration // of that until the last answer
	Sender     time.Duration // CPU time of this process meanwhile
	Memory     int64         // peak since the service started, bytes
	Lag        float64       // messages that the outputs had to read when the last answer came
	CaughtUp   time.Duration // how long that took them
	Messages   float64       // written, each with an fsync
	Stored     float64       // events, by the service's own count
	Found      float64       // detections, by the judge
	Written    float64       // detections that the outputs wrote, together
}

// Measure sends what the plan says and looks at the service before and after.
func Measure(ctx context.Context, name string, s *Service, p Plan, recorded []byte) (m Measurement, err error) {
	m = Measurement{Name: name, Plan: p}
	before, err := s.Drained()
	if err != nil {
		return m, err
	}
	service, err := s.CPU()
	if err != nil {
		return m, err
	}
	self, err := CPU("self")
	if err != nil {
		return m, err
	}
	if m.Result, err = Send(ctx, s.Webhook, p, recorded); err != nil {
		return m, err
	}
	m.Sender, _ = CPU("self") // it was there before
	m.Sender -= self
	m.ServiceAck, _ = s.CPU()
	m.ServiceAck -= service
	last := time.Now()
	at, err := s.Metrics()
	if err != nil {
		return m, err
	}
	m.Lag = at["sink_lag_messages"]
	after, err := s.Drained()
	if err != nil {
		return m, err
	}
	m.CaughtUp = time.Since(last)
	m.Service, _ = s.CPU()
	m.Service -= service
	m.Memory, err = s.PeakMemory()
	grown := func(name string) float64 { return after[name] - before[name] }
	m.Messages, m.Stored = grown("spool_messages_written_total"), grown("ingest_events_total")
	m.Found, m.Written = grown("detections_total"), grown("sink_detections_total")
	return m, err
}

// Lost tells what is not as it was acknowledged; nil: all is. Each of the outputs
// gets every detection.
func (m *Measurement) Lost(outputs int) error {
	if int(m.Stored) != m.Result.Events {
		return fmt.Errorf("%d events were acknowledged, %.0f are stored", m.Result.Events, m.Stored)
	}
	if want := m.Found * float64(outputs); m.Written != want {
		return fmt.Errorf("%.0f detections for %d outputs, %.0f were written", m.Found, outputs, m.Written)
	}
	return nil
}

// Print prints measurements as a table.
func Print(w io.Writer, all []Measurement) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "run\tdue/s\tacked/s\tbodies/s\tp50 ms\tp90\tp99\tmax\tCPU us/event\tof it till ack\tcores\tsender us\tevents/fsync\trefused\tlag\tcaught up ms\tdetections\tpeak MB\t")
	for i := range all {
		m := &all[i]
		r := &m.Result
		each := func(d time.Duration) float64 { return d.Seconds() * 1e6 / max(m.Stored, 1) }
		due := "max"
		if m.Plan.Rate > 0 {
			due = fmt.Sprintf("%.0f", m.Plan.Rate)
		}
		fmt.Fprintf(tw, "%s\t%s\t%.0f\t%.0f\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%.2f\t%.1f\t%.0f\t%d\t%.0f\t%d\t%.0f\t%d\t\n",
			m.Name, due, r.PerSecond(), r.BodiesPerSecond(), millis(r.Latency(0.5)), millis(r.Latency(0.9)), millis(r.Latency(0.99)), millis(r.Latency(1)),
			each(m.Service), each(m.ServiceAck), m.ServiceAck.Seconds()/r.Took.Seconds(), each(m.Sender),
			m.Stored/max(m.Messages, 1), r.Refused, m.Lag, m.CaughtUp.Milliseconds(), m.Found, m.Memory>>20)
	}
	tw.Flush()
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
