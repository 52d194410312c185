package cloudlogging

import "time"

// Modes of a puller.
const (
	ModeStarting = "starting"
	ModePolling  = "polling" // the log is asked for what is new from time to time
	ModeTailing  = "tailing" // what is new comes by itself
)

// Status says where a puller is and what it has seen. Counts begin at New.
type Status struct {
	Resource  string
	Mode      string
	Read      time.Time // what Cloud Logging had received before is taken
	Swept     time.Time // what it had received before was looked for a second time
	Newest    time.Time // receipt of the newest entry
	LastError string    // why it does not go on just now; empty when it does
	ErrorFrom time.Time

	Latency time.Duration // of the newest entry, from its receipt until it came here
	Parts   int           // entries of which parts are missing

	Entries   int64 // that came
	Again     int64 // that came again, and were passed over
	Events    int64 // stored by the taker now
	Known     int64 // stored by the taker before
	Dead      int64 // kept by the taker as dead letters
	Others    int64 // entries that are no audit entries of the Kubernetes API
	Truncated int64 // events of entries of which parts did not come
	Retries   int64 // times that the taker refused
	Readings  int64 // of all that is new, to their ends
	Late      int64 // entries that only the second look found
	Sweeps    int64 // second looks

	Tails      int64 // sessions of entries.tail
	TailFails  int64 // of these, those that could not be had or broke
	Suppressed int64 // entries that a tail left out, at least, and that were read instead
	Gaps       int64 // times that it left out any

	Requests ReadCounters
	Quota    QuotaCounters // of the project, for all that use it in this process

	saving error
}

// Status returns the status. It may be called at any time.
func (p *Puller) Status() Status {
	p.mu.Lock()
	s := p.status
	p.mu.Unlock()
	if s.LastError == "" && s.saving != nil {
		s.LastError = s.saving.Error()
	}
	s.Requests, s.Quota = p.reader.counters(), p.reader.quota.Counters()
	return s
}

func (p *Puller) count(change func(s *Status)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(&p.status)
}

// mode notes how new entries come.
func (p *Puller) mode(mode string) {
	p.count(func(s *Status) {
		if s.Mode != mode {
			p.cfg.Logger.Info("cloudlogging: "+mode, "resource", p.cfg.Resource)
		}
		s.Mode = mode
	})
}

// note keeps the error that holds the puller up, or that none does, and tells what is new of it.
func (p *Puller) note(err error) {
	p.count(func(s *Status) {
		if err == nil {
			if s.LastError != "" {
				p.cfg.Logger.Info("cloudlogging: it goes on", "resource", p.cfg.Resource)
			}
			s.LastError, s.ErrorFrom = "", time.Time{}
			return
		}
		if s.LastError == "" {
			s.ErrorFrom = p.cfg.Now()
		}
		if s.LastError != err.Error() {
			p.cfg.Logger.Error("cloudlogging: it does not go on, and is tried again", "resource", p.cfg.Resource, "error", err)
		}
		s.LastError = err.Error()
	})
}
