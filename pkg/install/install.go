package install

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/kubewitness/kubewitness/pkg/authority"
	"github.com/kubewitness/kubewitness/pkg/failpoint"
	"github.com/kubewitness/kubewitness/pkg/kube"
)

// Installer works on a cluster. Client, Now and Tell are required.
type Installer struct {
	Options
	Client *kube.Client
	Now    func() time.Time
	Tell   func(format string, args ...any) // one line for each thing that is done; no secrets
	Wait   time.Duration                    // for what others do: pods, cert-manager, API servers; 0: DefaultWait
	Every  time.Duration                    // how often it is looked at meanwhile; 0: DefaultEvery
	Probe  string                           // namespace of the probe; "": DefaultProbe

	Validity   time.Duration // of certificates; 0: DefaultValidity
	RenewAfter time.Duration // age of a certificate that is renewed; 0: DefaultRenewAfter
	Settle     time.Duration // between the steps of a renewal, at least; 0: DefaultSettle; negative: none
}

// Defaults of Installer.
const (
	DefaultWait  = 2 * time.Minute
	DefaultEvery = 300 * time.Millisecond
	DefaultProbe = "default"
)

// NotReady tells what others have not done in time; another run may find it done.
type NotReady struct{ What string }

// Error implements error.
func (n *NotReady) Error() string { return n.What }

// defaults fills in what is not set, and checks options.
func (in *Installer) defaults() error {
	if in.Client == nil || in.Now == nil || in.Tell == nil {
		return errors.New("install: Client, Now and Tell are required")
	}
	in.Options = in.withDefaults()
	for _, d := range []struct {
		to    *time.Duration
		value time.Duration
	}{
		{&in.Wait, DefaultWait}, {&in.Every, DefaultEvery}, {&in.Validity, DefaultValidity}, {&in.RenewAfter, DefaultRenewAfter}, {&in.Settle, DefaultSettle},
	} {
		if *d.to == 0 {
			*d.to = d.value
		}
	}
	if in.Probe == "" {
		in.Probe = DefaultProbe
	}
	return in.Check()
}

// Install puts up what is missing and mends what differs, in the order of the package comment,
// and tries it. What is as it should be is left alone.
func (in *Installer) Install(ctx context.Context) error {
	if err := in.defaults(); err != nil {
		return err
	}
	on, err := in.cluster(ctx)
	if err != nil {
		return err
	}
	if err := in.sameMaker(ctx); err != nil {
		return err
	}
	var secret string
	var bundle []byte
	if in.URL == "" {
		if secret, bundle, err = in.inside(ctx); err != nil {
			return err
		}
	}
	failpoint.Hit("install-webhooks")
	err = in.write(ctx, validating, in.Validating(on, secret, bundle), on)
	if tooBroad(err) {
		in.Tell("nobody may ask about all resources here: the usual ones are named, and custom resources are not seen")
		on.Named = true
		err = in.write(ctx, validating, in.Validating(on, secret, bundle), on)
	}
	if err != nil {
		return discreet(err)
	}
	if in.Mutate {
		failpoint.Hit("install-mutating")
		want := in.Mutating(on, secret, bundle)
		if want.Metadata.Owners, err = in.owners(ctx); err != nil {
			return err
		}
		if err := in.write(ctx, mutating, want, on); err != nil {
			return discreet(err)
		}
	}
	return in.tryAll(ctx)
}

// owners are the validating webhook's configuration: the mutating one goes with it, by the cluster's
// garbage collector, so that an uninstall that is killed leaves none behind.
func (in *Installer) owners(ctx context.Context) ([]Owner, error) {
	var o Object
	err := in.Client.Get(ctx, validating, "", Name, &o)
	return []Owner{{APIVersion: registration + "/v1", Kind: "ValidatingWebhookConfiguration", Name: Name, UID: o.Metadata.UID}}, err
}

// sameMaker holds that who makes certificates does not change while webhooks trust them.
func (in *Installer) sameMaker(ctx context.Context) error {
	var o Object
	err := in.Client.Get(ctx, validating, "", Name, &o)
	switch injected := o.Metadata.Annotations[injectFrom] != ""; {
	case kube.Is(err, http.StatusNotFound):
		return nil
	case err != nil:
		return err
	case injected && !in.CertManager:
		return errors.New("cert-manager makes the certificate here: give --cert-manager, or uninstall first")
	case !injected && in.CertManager:
		return errors.New("the certificate is not cert-manager's here: leave --cert-manager away, or uninstall first")
	}
	return nil
}

// inside is what is installed for a Service of the cluster: all but the webhooks. It gives the
// path's secret and the authorities.
func (in *Installer) inside(ctx context.Context) (secret string, bundle []byte, err error) {
	if err := in.ensureNamespace(ctx); err != nil {
		return "", nil, err
	}
	if secret, err = in.ensurePath(ctx); err != nil {
		return "", nil, err
	}
	failpoint.Hit("install-certificate")
	if in.CertManager {
		bundle, err = in.ensureCertManager(ctx)
	} else {
		bundle, err = in.ensureCertificate(ctx)
	}
	if err != nil {
		return "", nil, err
	}
	failpoint.Hit("install-service")
	if err := in.ensureService(ctx); err != nil {
		return "", nil, err
	}
	return secret, bundle, in.awaitReady(ctx)
}

// cluster asks what the API server can do.
func (in *Installer) cluster(ctx context.Context) (Cluster, error) {
	var v struct{ GitVersion, Major, Minor string }
	if _, err := in.Client.Read(ctx, "/version", &v); err != nil {
		return Cluster{}, err
	}
	minor, err := strconv.Atoi(strings.TrimRight(v.Minor, "+"))
	c := Cluster{Version: v.GitVersion, MatchConditions: err != nil || minor >= 28 || v.Major != "1"}
	var groups struct{ Groups []struct{ Name string } }
	if _, err := in.Client.Read(ctx, "/apis", &groups); err != nil {
		return Cluster{}, err
	}
	for _, g := range groups.Groups {
		c.Autopilot = c.Autopilot || g.Name == "auto.gke.io"
	}
	if !c.MatchConditions {
		in.Tell("the API server is %s, which knows no matchConditions: what the control plane and the nodes do is asked about, too", c.Version)
	}
	return c, nil
}

func (in *Installer) ensureNamespace(ctx context.Context) error {
	err := in.Client.Get(ctx, namespaces, "", in.Namespace, nil)
	if !kube.Is(err, http.StatusNotFound) {
		return err
	}
	return in.create(ctx, namespaces, "", in.namespace(), "namespace "+in.Namespace)
}

// create makes an object, and tells. Somebody else may have made it meanwhile.
func (in *Installer) create(ctx context.Context, r kube.Resource, namespace string, object any, what string) error {
	_, err := in.Client.Create(ctx, r, namespace, object, nil)
	if kube.Is(err, http.StatusConflict) {
		return &NotReady{what + " is being made by somebody else; run it again"}
	}
	if err == nil {
		in.Tell("%s: made", what)
	}
	return err
}

// ensurePath gives the path's secret, which is made once.
func (in *Installer) ensurePath(ctx context.Context) (string, error) {
	s := in.secret(pathSecret, "Opaque")
	switch err := in.Client.Get(ctx, secrets, in.Namespace, pathSecret, &s); {
	case err == nil:
		text := strings.TrimSpace(string(s.Data["path"]))
		if !segment.MatchString(text) {
			return "", fmt.Errorf("the Secret %s/%s has no path that can be a part of a Service's: lower-case letters and digits; delete it, and it is made again", in.Namespace, pathSecret)
		}
		return text, nil
	case !kube.Is(err, http.StatusNotFound):
		return "", err
	}
	text := strings.ToLower(rand.Text() + rand.Text())[:40]
	s.Data = map[string][]byte{"path": []byte(text)}
	return text, in.create(ctx, secrets, in.Namespace, s, "secret "+pathSecret)
}

// ensureCertificate gives the authorities of a certificate that is good, which is made where
// there is none.
func (in *Installer) ensureCertificate(ctx context.Context) ([]byte, error) {
	s := in.secret(tlsSecret, tlsType)
	err := in.Client.Get(ctx, secrets, in.Namespace, tlsSecret, &s)
	if err != nil && !kube.Is(err, http.StatusNotFound) {
		return nil, err
	}
	if err == nil {
		bad := unfit(&s, in.names()[0], in.Now())
		if bad == nil {
			return s.Data[caKey], nil
		}
		in.Tell("secret %s: the certificate is of no use, and is made anew: %v", tlsSecret, bad)
	}
	p, issued := authority.Issue(in.names(), in.Validity, in.Now())
	if issued != nil {
		return nil, issued
	}
	if err != nil {
		s.Data = map[string][]byte{certKey: p.Cert, keyKey: p.Key, caKey: p.Authority}
		in.stamp(&s)
		return p.Authority, in.create(ctx, secrets, in.Namespace, s, "secret "+tlsSecret)
	}
	// What is mounted may be served for a while, should it be good after all.
	s.Data[certKey], s.Data[keyKey], s.Data[caKey] = p.Cert, p.Key, authority.Bundle(s.Data[caKey], p.Authority)
	delete(s.Data, nextCertKey)
	delete(s.Data, nextKeyKey)
	return s.Data[caKey], in.save(ctx, &s)
}

// Keys of the Secret.
const (
	certKey     = "tls.crt"
	keyKey      = "tls.key"
	caKey       = "ca.crt"
	nextCertKey = "next.crt"
	nextKeyKey  = "next.key"
)

// unfit tells why what a Secret has cannot be served.
func unfit(s *Secret, name string, now time.Time) error {
	if !authority.Fits(s.Data[certKey], s.Data[keyKey]) {
		return errors.New("certificate and key are no pair")
	}
	return authority.Check(s.Data[caKey], s.Data[certKey], name, now)
}

// ensureService makes the Service, or mends it.
func (in *Installer) ensureService(ctx context.Context) error {
	want := in.service()
	var live map[string]any
	err := in.Client.Get(ctx, services, in.Namespace, ServiceName, &live)
	if kube.Is(err, http.StatusNotFound) {
		return in.create(ctx, services, in.Namespace, want, "service "+ServiceName)
	}
	if err != nil {
		return err
	}
	spec, _ := live["spec"].(map[string]any)
	w, err := plain(want)
	if err != nil {
		return err
	}
	wantSpec, _ := w["spec"].(map[string]any)
	if spec == nil || labelled(live) && reflect.DeepEqual(spec["selector"], wantSpec["selector"]) && samePorts(spec["ports"], want.Spec.Ports) {
		return nil
	}
	spec["selector"], spec["ports"] = wantSpec["selector"], wantSpec["ports"] // the address stays
	label(live)
	in.Tell("service %s: was another, is mended", ServiceName)
	return in.Client.Replace(ctx, services, in.Namespace, ServiceName, live, nil)
}

// samePorts tells whether the one port is ours; the API server adds members.
func samePorts(live any, want []ServicePort) bool {
	ports, _ := live.([]any)
	if len(ports) != 1 {
		return false
	}
	p, _ := ports[0].(map[string]any)
	port, _ := p["port"].(float64)
	return p["name"] == want[0].Name && int(port) == want[0].Port && p["targetPort"] == want[0].TargetPort
}

// labelled tells whether an object has our labels, and label gives it them.
func labelled(object map[string]any) bool {
	have, _ := metadata(object)["labels"].(map[string]any)
	for k, v := range Labels {
		if have[k] != v {
			return false
		}
	}
	return true
}

func label(object map[string]any) { merge(object, "labels", Labels) }

// merge puts labels or annotations beside those that there are.
func merge(object map[string]any, member string, add map[string]string) {
	meta := metadata(object)
	have, _ := meta[member].(map[string]any)
	if have == nil {
		have = map[string]any{}
	}
	for k, v := range add {
		have[k] = v
	}
	if len(have) > 0 {
		meta[member] = have
	}
}

func metadata(object map[string]any) map[string]any {
	meta, _ := object["metadata"].(map[string]any)
	if meta == nil {
		meta = map[string]any{}
		object["metadata"] = meta
	}
	return meta
}

// awaitReady waits until the Service has an endpoint.
func (in *Installer) awaitReady(ctx context.Context) error {
	told := false
	return in.await(ctx, func() error {
		var found list[endpointSlice]
		if err := in.Client.List(ctx, endpointSlices, in.Namespace, "kubernetes.io/service-name="+ServiceName, &found); err != nil {
			return err
		}
		if ready(found.Items) > 0 {
			return nil
		}
		if !told {
			in.Tell("service %s: waiting for a pod that is ready", ServiceName)
			told = true
		}
		return &NotReady{fmt.Sprintf("no pod behind the Service %s/%s is ready, so no webhook was written; is kubewitness applied, with a port called admission? kubectl -n %s get pods",
			in.Namespace, ServiceName, in.Namespace)}
	})
}

// await asks again until the answer is something else than *NotReady, or the time is over.
func (in *Installer) await(ctx context.Context, ask func() error) error {
	over := time.NewTimer(in.Wait)
	defer over.Stop()
	tick := time.NewTicker(in.Every)
	defer tick.Stop()
	for {
		err := ask()
		var not *NotReady
		if !errors.As(err, &not) {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-over.C:
			return err
		case <-tick.C:
		}
	}
}

// tooBroad tells whether a webhook was refused for asking about all resources, in the words of
// GKE: "the following (group,resource) pairs are not allowed in webhook rules: ('*','*')".
func tooBroad(err error) bool {
	return err != nil && strings.Contains(err.Error(), "not allowed in webhook rules")
}

// write makes a webhook configuration, or puts in place of another what it should be. What
// others have put into its metadata stays.
func (in *Installer) write(ctx context.Context, r kube.Resource, want Configuration, on Cluster) error {
	what := singular(r) + " " + Name
	var live map[string]any
	err := in.Client.Get(ctx, r, "", Name, &live)
	if kube.Is(err, http.StatusNotFound) {
		return in.create(ctx, r, "", want, what)
	}
	if err != nil {
		return err
	}
	have, err := configurationOf(live)
	if err != nil {
		return err
	}
	keep(&want, &have, on, in.CertManager)
	differences := Differences(&want, &have)
	if len(differences) == 0 {
		return nil
	}
	w, err := plain(want)
	if err != nil {
		return err
	}
	live["webhooks"] = w["webhooks"]
	if owners := metadata(w)["ownerReferences"]; owners != nil {
		metadata(live)["ownerReferences"] = owners
	}
	label(live)
	merge(live, "annotations", want.Metadata.Annotations)
	if err := in.Client.Replace(ctx, r, "", Name, live, nil); err != nil {
		return err
	}
	in.Tell("%s: was another, is mended: %s", what, strings.Join(differences, "; "))
	return nil
}
