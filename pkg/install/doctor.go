package install

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/kubewitness/kubewitness/pkg/authority"
	"github.com/kubewitness/kubewitness/pkg/kube"
)

// Finding is what a Diagnosis has to say, in a sentence that says what to do, too.
type Finding struct {
	Note bool // good to know; else something is wrong
	Text string
}

// diagnosis goes through an installation. It changes nothing.
type diagnosis struct {
	*Installer
	on       Cluster
	now      time.Time // by the API server's clock
	findings []Finding

	secret    *Secret // with the certificate; nil: it cannot be read
	path      string  // secret; "": it cannot be read
	hooks     []hook
	unseen    bool // hooks cannot be read
	readAll   bool // all that we would compare with could be read
	elsewhere bool // webhooks are sent to a URL, and no option says which
}

func (d *diagnosis) wrong(format string, args ...any) {
	d.findings = append(d.findings, Finding{Text: fmt.Sprintf(format, args...)})
}

func (d *diagnosis) note(format string, args ...any) {
	d.findings = append(d.findings, Finding{Note: true, Text: fmt.Sprintf(format, args...)})
}

// Diagnose looks at what is installed, from the API server to the answer of a review, and tells
// what is wrong. Options that the webhooks tell by themselves are taken from there. The error is
// of options, or the context's.
func (in *Installer) Diagnose(ctx context.Context) ([]Finding, error) {
	if err := in.defaults(); err != nil {
		return nil, err
	}
	d := &diagnosis{Installer: in, readAll: true}
	for _, look := range []func(context.Context) error{d.server, d.rights, d.load, d.secrets, d.webhooks, d.certificate, d.renewal, d.service, d.probe, d.others} {
		err := look(ctx)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		var gone *kube.Unreachable
		switch {
		case errors.As(err, &gone):
			d.wrong("%v; see to the kubeconfig, --context and the network", err)
			return d.findings, nil
		case kube.Is(err, http.StatusUnauthorized):
			d.wrong("the API server does not know who asks; see to the credentials in the kubeconfig")
			return d.findings, nil
		case err != nil:
			d.wrong("this could not be looked at: %v", discreet(err))
		}
	}
	return d.findings, nil
}

// server asks for the version and the time.
func (d *diagnosis) server(ctx context.Context) (err error) {
	tell := d.Tell
	d.Tell = d.note // what is told of the cluster is a finding here
	d.on, err = d.cluster(ctx)
	d.Tell = tell
	if err != nil {
		return err
	}
	answer, err := d.Client.Read(ctx, "/version", nil)
	if err != nil {
		return err
	}
	here := d.Now()
	if d.now = answer.Time; d.now.IsZero() {
		d.now = here
	}
	d.note("the API server at %s is %s", d.Client.Server(), d.on.Version)
	if ahead := here.Sub(d.now); ahead.Abs() > maxSkew {
		d.note("the clock here is %s the API server's by %s; dates of certificates are judged by the API server's", direction(ahead), ahead.Abs().Round(time.Second))
	}
	return nil
}

// maxSkew is how far clocks may be apart before it is worth telling.
const maxSkew = 10 * time.Second

func direction(ahead time.Duration) string {
	if ahead < 0 {
		return "behind"
	}
	return "ahead of"
}

// right is one that installing takes.
type right struct {
	resource  kube.Resource
	namespace bool // it is needed in the namespace only
	verbs     []string
}

var rights = []right{
	{validating, false, []string{"get", "list", "create", "update", "delete"}},
	{mutating, false, []string{"get", "list", "create", "update", "delete"}},
	{secrets, true, []string{"get", "list", "create", "update", "delete"}},
	{services, true, []string{"get", "list", "create", "update", "delete"}},
	{endpointSlices, true, []string{"list"}},
}

// accessAnswer is a SelfSubjectAccessReview that was answered.
type accessAnswer struct {
	Status struct {
		Allowed bool `json:"allowed"`
	} `json:"status"`
}

// rights asks what whoever asks may do. Without a right to read, what would be read is not
// known; without one to write, somebody else has to install.
func (d *diagnosis) rights(ctx context.Context) error {
	var blind, bound []string
	for _, r := range rights {
		namespace := ""
		if r.namespace {
			namespace = d.Namespace
		}
		var missing []string
		for _, verb := range r.verbs {
			var a accessAnswer
			review := map[string]any{"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": map[string]any{
				"resourceAttributes": map[string]any{"group": r.resource.Group, "resource": r.resource.Name, "verb": verb, "namespace": namespace},
			}}
			if _, err := d.Client.Create(ctx, accessReview, "", review, &a); err != nil {
				return err
			}
			if !a.Status.Allowed {
				missing = append(missing, verb)
			}
		}
		if len(missing) == 0 {
			continue
		}
		if missing[0] == "get" || missing[0] == "list" {
			blind = append(blind, r.resource.String())
		}
		bound = append(bound, strings.Join(missing, ", ")+" "+r.resource.String())
	}
	if len(blind) > 0 {
		d.wrong("you may not read %s, so that not all can be looked at; ask for the right, or have somebody ask who has it", strings.Join(blind, ", "))
	}
	if len(bound) > 0 {
		d.note("you may not %s: installing, uninstalling and renewing are for somebody else", strings.Join(bound, "; "))
	}
	return nil
}

// secrets reads ours; what is wrong with what is in them is told later.
func (d *diagnosis) secrets(ctx context.Context) error {
	if d.URL != "" || d.elsewhere {
		return nil
	}
	for _, name := range []string{pathSecret, tlsSecret} {
		var s Secret
		switch err := d.Client.Get(ctx, secrets, d.Namespace, name, &s); {
		case kube.Is(err, http.StatusForbidden):
			d.readAll = false
			continue
		case kube.Is(err, http.StatusNotFound):
			d.wrong("there is no Secret %s/%s, which pods mount: run kubewitness admission install", d.Namespace, name)
			d.readAll = false
			continue
		case err != nil:
			return err
		}
		if name == pathSecret {
			d.path = strings.TrimSpace(string(s.Data["path"]))
		} else {
			d.secret = &s
		}
	}
	return nil
}

// certificate looks whether what is served would be taken, and how long.
func (d *diagnosis) certificate(context.Context) error {
	if d.secret == nil {
		return nil
	}
	if err := unfit(d.secret, d.names()[0], d.now); err != nil {
		d.wrong("the certificate in the Secret %s/%s is of no use, so that no review comes: %v; run kubewitness admission install", d.Namespace, tlsSecret, err)
		return nil
	}
	for _, h := range d.hooks {
		c, err := configurationOf(h.live)
		if err != nil {
			return err
		}
		for _, w := range c.Webhooks {
			if w.ClientConfig.Service == nil {
				continue
			}
			if err := authority.Check(w.ClientConfig.CABundle, d.secret.Data[certKey], d.names()[0], d.now); err != nil {
				d.wrong("%s %s does not trust the certificate in the Secret %s, so that no review comes: %v; run kubewitness admission install", singular(h.resource), Name, tlsSecret, err)
			}
		}
	}
	certs, err := authority.Parse(d.secret.Data[certKey])
	if err != nil {
		return err
	}
	until := certs[0].NotAfter
	left := until.Sub(d.now)
	text := fmt.Sprintf("the certificate is good until %s (%d days)", until.UTC().Format(time.DateOnly), int(left.Hours()/24))
	if left < soon {
		d.wrong("%s: nobody renews it; run kubewitness admission rotate --now --all", text)
	} else {
		d.note("%s", text)
	}
	if n, _ := authority.Parse(d.secret.Data[caKey]); len(n) > 1 || len(d.secret.Data[nextCertKey]) > 0 {
		d.note("a renewal is under way since %s; each run of kubewitness admission rotate takes a step", changed(d.secret).UTC().Format(time.RFC3339))
	}
	return nil
}

// soon is before a certificate ends, when somebody should have renewed it.
const soon = 30 * 24 * time.Hour

// cronJob is the part that tells when it was last well.
type cronJob struct {
	Spec struct {
		Suspend bool `json:"suspend"`
	} `json:"spec"`
	Status struct {
		Succeeded *time.Time `json:"lastSuccessfulTime"`
		Scheduled *time.Time `json:"lastScheduleTime"`
	} `json:"status"`
}

// RotateName is the name of the CronJob that renews, and of its account.
const RotateName = "kubewitness-rotate"

// renewal looks whether somebody renews the certificate.
func (d *diagnosis) renewal(ctx context.Context) error {
	if d.secret == nil || !d.own() || d.injected() {
		return nil
	}
	var job cronJob
	const how = "apply deploy/admission/component, or run kubewitness admission rotate every day"
	switch err := d.Client.Get(ctx, cronJobs, d.Namespace, RotateName, &job); {
	case kube.Is(err, http.StatusNotFound):
		d.wrong("there is no CronJob %s/%s, so that nobody renews the certificate: %s", d.Namespace, RotateName, how)
	case kube.Is(err, http.StatusForbidden):
		d.note("whether somebody renews the certificate is not known: you may not get cronjobs.batch")
	case err != nil:
		return err
	case job.Spec.Suspend:
		d.wrong("the CronJob %s/%s is suspended, so that nobody renews the certificate", d.Namespace, RotateName)
	case job.Status.Scheduled != nil && (job.Status.Succeeded == nil || job.Status.Scheduled.Sub(*job.Status.Succeeded) > failing):
		d.wrong("the CronJob %s/%s fails: kubectl -n %s get jobs, and the log of the last one", d.Namespace, RotateName, d.Namespace)
	}
	return nil
}

// failing is how long a CronJob that runs each day may be without success.
const failing = 3 * 24 * time.Hour

// injected tells whether cert-manager puts authorities into the webhooks.
func (d *diagnosis) injected() bool {
	for _, h := range d.hooks {
		if c, err := configurationOf(h.live); err == nil && c.Metadata.Annotations[injectFrom] != "" {
			return true
		}
	}
	return false
}

// service looks whether somebody is there to answer.
func (d *diagnosis) service(ctx context.Context) error {
	if d.URL != "" || d.elsewhere {
		return nil
	}
	var s Service
	switch err := d.Client.Get(ctx, services, d.Namespace, ServiceName, &s); {
	case kube.Is(err, http.StatusNotFound):
		d.wrong("there is no Service %s/%s, which webhooks are sent to: run kubewitness admission install", d.Namespace, ServiceName)
		return nil
	case kube.Is(err, http.StatusForbidden): // it was told
		return nil
	case err != nil:
		return err
	}
	if !d.unseen && len(d.hooks) > 0 && !slices.ContainsFunc(s.Spec.Ports, func(p ServicePort) bool { return p.Port == d.Port }) {
		d.wrong("webhooks are sent to port %d of the Service %s/%s, which has none of that number: run kubewitness admission install", d.Port, d.Namespace, ServiceName)
	}
	var found list[endpointSlice]
	if err := d.Client.List(ctx, endpointSlices, d.Namespace, "kubernetes.io/service-name="+ServiceName, &found); err != nil {
		if kube.Is(err, http.StatusForbidden) {
			return nil
		}
		return err
	}
	if n := ready(found.Items); n == 0 {
		d.wrong("no pod behind the Service %s/%s is ready, so that reviews are not answered: kubectl -n %s get pods", d.Namespace, ServiceName, d.Namespace)
	} else {
		d.note("the Service %s/%s has %d ready", d.Namespace, ServiceName, n)
	}
	return nil
}

// probe tries the whole way, if there is one.
func (d *diagnosis) probe(ctx context.Context) error {
	if !d.unseen && (len(d.hooks) == 0 || d.hooks[0].resource != validating) {
		return nil
	}
	seen, err := d.try(ctx, d.observing)
	var not *NotReady
	switch {
	case errors.As(err, &not):
		d.wrong("%v: see to its log, to NetworkPolicies and firewalls between the API server and the pods' port behind port %d of the Service, and to whether the cluster is called the same in its configuration", not, d.Port)
		return nil
	case err != nil:
		return err
	}
	d.note("a dry run of a ConfigMap in %s was reviewed within %s: %s", d.Installer.Probe, seen.Took.Round(time.Millisecond), seen.sentence())
	if seen.Sender == "unauthenticated" {
		d.wrong("kubewitness asks for no credential (admission.unauthenticated), so that whoever reaches it makes events up: list a credential with path_secret_file")
	}
	if !seen.Stored {
		d.wrong("the event was not on disk when the answer went out: see to the disk of kubewitness, and to kubewitness_admission_late_total")
	}
	if ahead := seen.Time.Sub(seen.Server); !seen.Server.IsZero() && ahead.Abs() > maxSkew {
		d.wrong("the clock of kubewitness is %s the API server's by %s, and so are the times of events: see to the time of its node", direction(ahead), ahead.Abs().Round(time.Second))
	}
	return d.changes(ctx)
}

// changes tries the mutating webhook, if there is one.
func (d *diagnosis) changes(ctx context.Context) error {
	if !slices.ContainsFunc(d.hooks, func(h hook) bool { return h.resource == mutating }) {
		return nil
	}
	_, err := d.try(ctx, d.changing)
	var not *NotReady
	if errors.As(err, &not) {
		d.wrong("%v: has its configuration admission.mutate?", not)
		return nil
	}
	if err == nil {
		d.note("a dry run of a Deployment in %s was looked at for changes", d.Probe)
	}
	return err
}
