package install

import (
	"context"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/kube"
)

// load reads the webhooks, and takes options out of what they tell: the name of the cluster, the
// port, a URL, and whether cert-manager is there.
func (d *diagnosis) load(ctx context.Context) (err error) {
	d.hooks, err = d.trusting(ctx)
	if kube.Is(err, http.StatusForbidden) {
		d.unseen = true // it was told
		return nil
	}
	for _, h := range d.hooks {
		have, err := configurationOf(h.live)
		if err != nil {
			return err
		}
		d.CertManager = have.Metadata.Annotations[injectFrom] != ""
		if len(have.Webhooks) == 0 {
			continue
		}
		c := have.Webhooks[0].ClientConfig
		if c.Service == nil {
			d.elsewhere = d.URL == ""
			continue
		}
		d.Port = c.Service.Port
		if parts := strings.Split(strings.TrimPrefix(c.Service.Path, "/"), "/"); len(parts) == 3 {
			d.Cluster = parts[1]
		}
	}
	return err
}

// webhooks compares what is there with what would be written.
func (d *diagnosis) webhooks(ctx context.Context) error {
	if d.unseen {
		return nil
	}
	for _, r := range []kube.Resource{validating, mutating} {
		var found list[map[string]any]
		if err := d.Client.List(ctx, r, "", selector, &found); err != nil {
			if kube.Is(err, http.StatusForbidden) {
				continue
			}
			return err
		}
		for _, live := range found.Items {
			if name, _ := metadata(live)["name"].(string); name != Name {
				d.wrong("%s %q has our labels, and is none that is installed now: kubewitness admission uninstall removes it", singular(r), name)
			}
		}
	}
	hooks := d.hooks
	if len(hooks) == 0 || hooks[0].resource != validating {
		d.wrong("there is no ValidatingWebhookConfiguration %s, so that API servers ask nobody: run kubewitness admission install", Name)
	}
	if d.Mutate && !slices.ContainsFunc(hooks, func(h hook) bool { return h.resource == mutating }) {
		d.wrong("there is no MutatingWebhookConfiguration %s, so that nothing is changed: run kubewitness admission install --mutate", Name)
	}
	for _, h := range hooks {
		if err := d.webhook(h); err != nil {
			return err
		}
	}
	return nil
}

// webhook looks at one configuration.
func (d *diagnosis) webhook(h hook) error {
	have, err := configurationOf(h.live)
	if err != nil {
		return err
	}
	what := singular(h.resource) + " " + Name
	want := d.Validating(d.on, d.path, d.bundle(&have))
	if h.resource == mutating {
		want = d.Mutating(d.on, d.path, d.bundle(&have))
	}
	keep(&want, &have, d.on, have.Metadata.Annotations[injectFrom] != "")
	for i := range have.Webhooks {
		w := &have.Webhooks[i]
		if (!d.readAll && w.ClientConfig.Service != nil || d.elsewhere && w.ClientConfig.URL != "") && i < len(want.Webhooks) {
			want.Webhooks[i].ClientConfig = w.ClientConfig // nothing to compare with
		}
		if w.ClientConfig.URL != "" {
			d.note("%s is sent to %s, which is not of this cluster", what, where(w.ClientConfig))
		}
		if w.FailurePolicy == "Fail" {
			d.wrong("%s has failurePolicy Fail, so that requests are refused while kubewitness does not answer, with an error that has the path and its secret: kubewitness admission install puts Ignore back", what)
		}
	}
	differences := slices.DeleteFunc(Differences(&want, &have), func(text string) bool { return strings.HasPrefix(text, "failurePolicy is Fail") })
	if len(differences) > 0 {
		d.wrong("%s is not as it is written: %s; kubewitness admission install puts it back, with the flags that it was installed with", what, strings.Join(differences, "; "))
	}
	if len(have.Webhooks) > 0 && reflect.DeepEqual(have.Webhooks[0].Rules, namedRules) {
		d.note("%s is asked about the usual resources by name; custom resources, nodes and volumes are not seen", what)
	}
	if len(have.Webhooks) > 0 {
		d.note("%s leaves out the namespaces %s; nobody sees what is done there", what, strings.Join(excludedBy(have.Webhooks[0].NamespaceSelector), ", "))
	}
	return nil
}

// bundle are the authorities that webhooks should trust, those that they do where that cannot be
// known.
func (d *diagnosis) bundle(have *Configuration) []byte {
	if d.secret == nil && len(have.Webhooks) > 0 {
		return have.Webhooks[0].ClientConfig.CABundle
	}
	if d.secret == nil {
		return nil
	}
	return d.secret.Data[caKey]
}

// others looks at whom else API servers ask, and at what GKE Autopilot does.
func (d *diagnosis) others(ctx context.Context) error {
	if d.on.Autopilot {
		d.note("this is GKE Autopilot, or has its limits: namespaces of GKE are never asked about, and GKE adds them to the selectors")
	}
	if !slices.ContainsFunc(d.hooks, func(h hook) bool { return h.resource == mutating }) {
		return nil
	}
	var found list[Object]
	if err := d.Client.List(ctx, mutating, "", "", &found); err != nil {
		return err
	}
	var after []string
	for _, o := range found.Items { // API servers ask in the order of names
		if o.Metadata.Name > Name {
			after = append(after, o.Metadata.Name)
		}
	}
	if len(after) > 0 {
		d.note("mutating webhooks that come after ours may change what ours has done, and ours is asked once more then: %s", strings.Join(after, ", "))
	}
	return nil
}
