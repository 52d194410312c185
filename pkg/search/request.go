package search

import (
	"time"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/record"
)

// Principal is who asks. Every call takes one; there is no way around it.
type Principal struct {
	Name  string // for logs; "local" for who has the data folder itself
	Scope Scope
}

// Scope is what a principal may see. What lies outside is not refused but is not
// there: it is not found, not counted, not a value of a facet.
type Scope struct {
	All        bool     // everything, whatever the lists say
	Clusters   []string // clusters, or AnyCluster; none of them: nothing
	Namespaces []string // within these clusters only events of objects in these namespaces; empty: all events
}

// AnyCluster in Scope.Clusters stands for every cluster, and for none known.
const AnyCluster = "*"

// Everything is the scope of who may see all.
var Everything = Scope{All: true}

// Request is a search.
type Request struct {
	Condition string    // in Falco's condition syntax, macros and lists of the rules in force included; "": all events
	Text      string    // stands somewhere in the raw JSON of the event, letters in either case; "": no matter
	From, To  time.Time // From included, To excluded, by the time an event is filed under; zero: no bound

	// Further conditions; empty ones are none.
	Clusters   []string        // of one of these clusters
	Rules      []string        // one of these rules fired on it
	Detections bool            // any rule fired on it
	Priority   *rules.Priority // a rule of at least this priority fired on it; nil: no matter

	// Stateful asks a hunt for the rules about several events too. All events asked for are
	// then read, and given, the oldest first. No other call knows it.
	Stateful bool
}

// Page is which part of the answers to give, newest first.
type Page struct {
	Limit int    // at most so many; 0: DefaultLimit
	After string // Summary.Next of the page before; "": from the newest on
	// Progress is called now and then while the search goes on, from the goroutine that
	// called it; may be nil.
	Progress func(Progress)
}

// Progress is how far a search has come.
type Progress struct {
	Reached time.Time // all events from here on have been looked at; of a stateful hunt, all up to here
	Oldest  time.Time // where it ends; zero: not known
	Scanned uint64    // events that were read and judged one by one
}

// Bounds of searches.
const (
	DefaultLimit = 50
	// MaxScanned is how many events one call reads from the store to judge them one by one, by
	// default. Beyond, the answer is partial and says so; Next goes on from there.
	MaxScanned = 200_000
)

// Hit is an event that was found.
type Hit struct {
	ID     string // hex digits of its identity; what Get takes
	Event  *record.Event
	Answer audit.Answer
}

// Summary says what a search came to.
type Summary struct {
	Hits    int    // given
	Scanned uint64 // events that were read and judged one by one
	Next    string // Page.After of what follows; "": that was all
	Partial bool   // not all of the time asked for was looked at
	Why     string // why it is partial, and what to do, in a sentence
	// Hidden is how many events were left out though the condition may hold for them:
	// a clause that decides looks at a secret that was redacted before the event was stored. What
	// the rules said of them live stands in their detections.
	Hidden uint64
	// HiddenBy is, of a hunt, how many events were so left out of each rule's.
	HiddenBy map[string]uint64
	// Unreadable is how many rows of the store nobody can read any more; they are in no
	// answer.
	Unreadable uint64
	// Reached is the time down to which all was looked at.
	Reached time.Time
}

// Bucket is a part of a histogram.
type Bucket struct {
	Start  time.Time
	Events uint64
}

// Facet is how often the values of a field occur among what was found.
type Facet struct {
	Field  string
	Values []FacetValue // the most frequent first
	More   bool         // there are other values
}

// FacetValue is a value with the number of events that have it.
type FacetValue struct {
	Value  string
	Events uint64
}

// BadRequest says that a request cannot be carried out as it is: its text, and what to do.
type BadRequest struct{ Err error }

// Error implements error.
func (e BadRequest) Error() string { return e.Err.Error() }

// Unwrap returns what was wrong.
func (e BadRequest) Unwrap() error { return e.Err }
