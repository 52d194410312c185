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
	Resource  string    `json:"resource"`
	Mode      string    `json:"mode"`
	Read      time.Time `json:"read,omitzero"`   // what Cloud Logging had received before is taken
	Swept     time.Time `json:"swept,omitzero"`  // what it had received before was looked for a second time
	Newest    time.Time `json:"newest,omitzero"` // receipt of the newest entry
	LastError string    `json:"last_error"`      // why it does not go on just now; empty when it does
	ErrorFrom time.Time `json:"error_from,omitzero"`

	Latency time.Duration `json:"-"`     // of the newest entry, from its receipt until it came here
	Parts   int           `json:"parts"` // entries of which parts are missing

	Entries   int64 `json:"entries"`   // that came
	Again     int64 `json:"again"`     // that came again, and were passed over
	Events    int64 `json:"events"`    // stored by the taker now
	Known     int64 `json:"known"`     // stored by the taker before
	Dead      int64 `json:"dead"`      // kept by the taker as dead letters
	Others    int64 `json:"others"`    // entries that are no audit entries of the Kubernetes API
	Truncated int64 `json:"truncated"` // events of entries of which parts did not come
	Retries   int64 `json:"retries"`   // times that the taker refused
	Readings  int64 `json:"readings"`  // of all that is new, to their ends
	Late      int64 `json:"late"`      // entries that only the second look found
	Sweeps    int64 `json:"sweeps"`    // second looks

	Tails      int64 `json:"tails"`      // sessions of entries.tail
	TailFails  int64 `json:"tail_fails"` // of these, those that could not be had or broke
	Suppressed int64 `json:"suppressed"` // entries that a tail left out, at least, and that were read instead
	Gaps       int64 `json:"gaps"`       // times that it left out any

	Requests ReadCounters  `json:"requests"`
	Quota    QuotaCounters `json:"quota"` // of the project, for all that use it in this process

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
