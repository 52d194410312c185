package install

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/kubewitness/kubewitness/pkg/ingest/admission"
)

// Seen is what came of a probe.
type Seen struct {
	admission.Probe
	Took   time.Duration // of the request
	Server time.Time     // by the API server's clock; zero: not known
}

// try makes a request of which nothing is stored, a ConfigMap in a dry run, and looks whether the
// review of it was answered: by a warning that only it can have. The error is *NotReady where it
// was not.
func (in *Installer) try(ctx context.Context) (Seen, error) {
	nonce := strings.ToLower(rand.Text())[:12]
	object := Object{APIVersion: "v1", Kind: "ConfigMap", Metadata: Meta{
		Name: "kubewitness-probe-" + nonce, Namespace: in.Probe, Labels: map[string]string{admission.ProbeLabel: nonce},
	}}
	begun := in.Now()
	answer, err := in.Client.Try(ctx, configMaps, in.Probe, object)
	for _, w := range answer.Warnings {
		if p, is := admission.ParseProbe(w); is && p.Nonce == nonce {
			return Seen{Probe: p, Took: in.Now().Sub(begun), Server: answer.Time}, nil // refused or not, it was heard
		}
	}
	if err != nil {
		return Seen{}, fmt.Errorf("the dry run of a ConfigMap in the namespace %s: %w", in.Probe, discreet(err))
	}
	return Seen{}, &NotReady{"a dry run of a ConfigMap in the namespace " + in.Probe + " went through, and kubewitness did not answer its review"}
}

// tryUntilSeen waits until API servers ask, and tells what was seen.
func (in *Installer) tryUntilSeen(ctx context.Context) error {
	var seen Seen
	err := in.await(ctx, func() (err error) {
		seen, err = in.try(ctx)
		return err
	})
	var not *NotReady
	switch {
	case errors.As(err, &not):
		return fmt.Errorf("installed, and it does not work yet: %w; kubewitness admission doctor says why", err)
	case err != nil:
		return fmt.Errorf("installed, and it could not be tried: %w", err)
	}
	in.Tell("a dry run of a ConfigMap in %s was reviewed: %s", in.Probe, seen.sentence())
	return nil
}

// sentence says what was seen.
func (s *Seen) sentence() string {
	stored := "its event is on disk"
	if !s.Stored {
		stored = "its event was not on disk in time"
	}
	sender := "the API server is known by its " + strings.ReplaceAll(s.Sender, "-", " ")
	switch s.Sender {
	case admission.Unauthenticated:
		sender = "nothing proves that it was the API server who asked"
	case "path-secret":
		sender = "the API server is known by the secret in the path"
	}
	return fmt.Sprintf("cluster %s, %s, %s", s.Cluster, sender, stored)
}

// secretPath is the path of a webhook as it stands in errors of API servers.
var secretPath = regexp.MustCompile(`((?:` + validatingPath + `|` + mutatingPath + `)/[^/\s"?]+/)[^/\s"?]+`)

// discreet is an error whose text does not have the path's secret: an API server that cannot
// reach a webhook of failurePolicy Fail, or refuses one, tells all of its URL.
func discreet(err error) error {
	if err == nil {
		return nil
	}
	return discreetError{err}
}

type discreetError struct{ error }

func (d discreetError) Error() string {
	return secretPath.ReplaceAllString(d.error.Error(), "${1}"+secretToCome)
}

func (d discreetError) Unwrap() error { return d.error }
