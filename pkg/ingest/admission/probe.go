package admission

import (
	"strings"
	"time"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// ProbeLabel is a label by which whoever tries the way from the API server to here knows his
// request again: a dry run of an object with it is answered with a warning that has its
// value, see [ParseProbe]. Else it is a review as all are.
const ProbeLabel = "admission.kubewitness.io/probe"

// Probe is what is answered to one.
type Probe struct {
	Nonce   string // the label's value
	Sender  string // as in the annotation of the event
	Changes bool   // it was asked what is to be changed; the following is of other reviews
	Stored  bool   // the event was on disk when the answer went out
	Time    time.Time
	Cluster string
}

// maxNonce is how long the value of a label may be.
const maxNonce = 63

const probeWords = "kubewitness probe"

// String is the text of the warning.
func (p Probe) String() string {
	became := "late"
	switch {
	case p.Changes:
		became = "changes"
	case p.Stored:
		became = "stored"
	}
	return strings.Join([]string{probeWords, p.Nonce, p.Sender, became, p.Time.UTC().Format(time.RFC3339), p.Cluster}, " ")
}

// ParseProbe reads a warning that is the answer to a probe.
func ParseProbe(warning string) (p Probe, is bool) {
	rest, is := strings.CutPrefix(warning, probeWords+" ")
	words := strings.SplitN(rest, " ", 5)
	if !is || len(words) != 5 {
		return Probe{}, false
	}
	at, err := time.Parse(time.RFC3339, words[3])
	return Probe{Nonce: words[0], Sender: words[1], Changes: words[2] == "changes", Stored: words[2] == "stored", Time: at, Cluster: words[4]}, err == nil
}

// probe is the warning that a review asks for; "" for none.
func (r *review) probe(o Origin, p Probe) string {
	if !r.dryRun {
		return ""
	}
	v := r.object.Path("metadata", "labels", ProbeLabel)
	if v.Kind() != audit.String {
		return ""
	}
	nonce := v.Text()
	if nonce == "" || len(nonce) > maxNonce || strings.ContainsFunc(nonce, func(c rune) bool { return (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' }) {
		return ""
	}
	p.Nonce, p.Sender, p.Time, p.Cluster = nonce, o.Sender, o.Received, o.Cluster
	return p.String()
}
