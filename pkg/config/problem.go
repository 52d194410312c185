package config

import "strings"

// Problem is one thing that is wrong with a configuration.
type Problem struct {
	// Where is what said so: "kubewitness.yaml:12" (the line where it is known),
	// "KUBEWITNESS_WEBHOOK_LISTEN", "--webhook-listen". Empty: a default.
	Where string
	// Key is the setting, as in webhook.tls.cert_file or clusters[1].name. Empty: the
	// file as a whole.
	Key string
	// Text says what is wrong and what to write.
	Text string
}

// String is the problem as one line.
func (p *Problem) String() string {
	var parts []string
	for _, s := range []string{p.Where, p.Key, p.Text} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, ": ")
}

// Error implements error.
func (p *Problem) Error() string { return "config: " + p.String() }

// Problems are all problems that were found, one at least, to be found by
// errors.As.
type Problems []*Problem

// Error implements error: a line for each problem.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the problems.
func (ps Problems) Unwrap() []error {
	errs := make([]error, len(ps))
	for i, p := range ps {
		errs[i] = p
	}
	return errs
}

// err is nil without problems.
func (ps Problems) err() error {
	if len(ps) == 0 {
		return nil
	}
	return ps
}
