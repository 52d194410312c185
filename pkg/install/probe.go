package install

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/kubewitness/kubewitness/pkg/ingest/admission"
	"github.com/kubewitness/kubewitness/pkg/kube"
)

// Seen is what came of a probe.
type Seen struct {
	admission.Probe
	Took   time.Duration // of the request
	Server time.Time     // by the API server's clock; zero: not known
}

// trial is a request of which nothing is stored, and by which a webhook is tried.
type trial struct {
	resource kube.Resource
	what     string // in sentences
	object   any
	changes  bool // the mutating webhook is meant
}

// observing is a trial of the validating webhook: a ConfigMap, which takes the least rights.
func (in *Installer) observing(nonce string) trial {
	return trial{configMaps, "a dry run of a ConfigMap in the namespace " + in.Probe, in.probe("v1", "ConfigMap", nonce), false}
}

// changing is a trial of the mutating webhook, which is asked about workloads: a Deployment without
// a container. It is no valid one, which is looked at after that webhook and before the validating
// ones, so that no rule is told of it.
func (in *Installer) changing(nonce string) trial {
	labels := map[string]string{admission.ProbeLabel: nonce}
	object := map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": in.probe("", "", nonce).Metadata, "spec": map[string]any{
		"replicas": 0, "selector": map[string]any{"matchLabels": labels},
		"template": map[string]any{"metadata": map[string]any{"labels": labels}, "spec": map[string]any{"containers": []any{}}},
	}}
	return trial{deployments, "a dry run of a Deployment in the namespace " + in.Probe, object, true}
}

func (in *Installer) probe(version, kind, nonce string) Object {
	return Object{APIVersion: version, Kind: kind, Metadata: Meta{
		Name: "kubewitness-probe-" + nonce, Namespace: in.Probe, Labels: map[string]string{admission.ProbeLabel: nonce},
	}}
}

// try makes a trial, and looks whether it was reviewed: by a warning that only its review can have.
// The error is *NotReady where it was not.
func (in *Installer) try(ctx context.Context, of func(nonce string) trial) (Seen, error) {
	nonce := strings.ToLower(rand.Text())[:12]
	t := of(nonce)
	begun := in.Now()
	answer, err := in.Client.Try(ctx, t.resource, in.Probe, t.object)
	for _, w := range answer.Warnings {
		if p, is := admission.ParseProbe(w); is && p.Nonce == nonce && p.Changes == t.changes {
			return Seen{Probe: p, Took: in.Now().Sub(begun), Server: answer.Time}, nil // refused or not, it was heard
		}
	}
	if err != nil && !(t.changes && kube.Is(err, http.StatusUnprocessableEntity)) {
		return Seen{}, fmt.Errorf("%s: %w", t.what, discreet(err))
	}
	return Seen{}, &NotReady{t.what + " was made, and kubewitness did not answer its review"}
}

// tryAll waits until API servers ask, and tells what was seen.
func (in *Installer) tryAll(ctx context.Context) error {
	seen, err := in.tryUntilSeen(ctx, in.observing)
	if err != nil {
		return err
	}
	in.Tell("a dry run of a ConfigMap in %s was reviewed: %s", in.Probe, seen.sentence())
	if !in.Mutate {
		return nil
	}
	if _, err := in.tryUntilSeen(ctx, in.changing); err != nil {
		return fmt.Errorf("the mutating webhook: %w (has the service's configuration admission.mutate?)", err)
	}
	in.Tell("a dry run of a Deployment in %s was looked at for changes", in.Probe)
	return nil
}

func (in *Installer) tryUntilSeen(ctx context.Context, of func(string) trial) (seen Seen, err error) {
	err = in.await(ctx, func() (err error) {
		seen, err = in.try(ctx, of)
		return err
	})
	var not *NotReady
	switch {
	case errors.As(err, &not):
		err = fmt.Errorf("installed, and it does not work yet: %w; kubewitness admission doctor says why", err)
	case err != nil:
		err = fmt.Errorf("installed, and it could not be tried: %w", err)
	}
	return seen, err
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
