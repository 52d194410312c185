package install

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/kubewitness/kubewitness/pkg/authority"
	"github.com/kubewitness/kubewitness/pkg/failpoint"
	"github.com/kubewitness/kubewitness/pkg/kube"
)

// changedNote is the annotation of the Secret with the time of its last step.
const changedNote = prefix + "changed"

// Step is what a call of Rotate has done.
type Step string

// The steps of a renewal; see the package comment.
const (
	Nothing   Step = "nothing"   // nothing is due
	Waiting   Step = "waiting"   // the step before is not old enough
	Mended    Step = "mended"    // webhooks did not trust what they should
	Introduce Step = "introduce" // both authorities are trusted
	Promote   Step = "promote"   // the new certificate is served
	Prune     Step = "prune"     // the old authority is trusted no more
)

// Rotate takes the next step of renewing the certificate, if one is due; anew says that a renewal
// is to begin though it is not. It may be killed anywhere, and called by several at once: one of
// them gets a conflict.
//
// A certificate that has expired, or is none, is not waited for: there is nothing to lose.
func (in *Installer) Rotate(ctx context.Context, anew bool) (Step, error) {
	if err := in.defaults(); err != nil {
		return Nothing, err
	}
	if !in.own() {
		return Nothing, errors.New("the certificate is not made here: cert-manager renews its own, and outside of the cluster it is the matter of who made it")
	}
	var s Secret
	if err := in.Client.Get(ctx, secrets, in.Namespace, tlsSecret, &s); err != nil {
		if kube.Is(err, http.StatusNotFound) {
			return Nothing, fmt.Errorf("there is no Secret %s/%s: run kubewitness admission install first", in.Namespace, tlsSecret)
		}
		return Nothing, err
	}
	hooks, err := in.trusting(ctx)
	if err != nil {
		return Nothing, err
	}
	now := in.Now()
	broken := unfit(&s, in.names()[0], now)
	if mended, err := in.trust(ctx, hooks, &s); err != nil || mended && broken == nil {
		return Mended, err
	}
	if broken != nil {
		return Promote, in.replace(ctx, &s, hooks)
	}
	only := pruned(&s, in.names()[0], now)
	next := Nothing
	switch {
	case len(s.Data[nextCertKey]) > 0:
		next = Promote
	case only != nil || tooMuch(hooks, &s):
		next = Prune
	case anew || age(&s, now) >= in.RenewAfter:
		return Introduce, in.introduce(ctx, &s, hooks)
	}
	switch settled := now.Sub(changed(&s)) >= in.Settle || in.Settle < 0; {
	case next == Nothing:
		return Nothing, nil
	case !settled:
		return Waiting, nil
	case next == Promote:
		return Promote, in.promote(ctx, &s)
	}
	if only != nil {
		s.Data[caKey] = only
	}
	return Prune, in.prune(ctx, &s, hooks)
}

// replace takes all steps at once, for a certificate that nobody takes as it is.
func (in *Installer) replace(ctx context.Context, s *Secret, hooks []hook) error {
	if len(s.Data[nextCertKey]) == 0 {
		if err := in.introduce(ctx, s, hooks); err != nil {
			return err
		}
	}
	return in.promote(ctx, s)
}

// hook is a webhook configuration, as it is stored.
type hook struct {
	resource kube.Resource
	live     map[string]any
}

// trusting are the webhook configurations that trust what the Secret says.
func (in *Installer) trusting(ctx context.Context) (hooks []hook, err error) {
	for _, r := range []kube.Resource{validating, mutating} {
		h := hook{resource: r}
		err := in.Client.Get(ctx, r, "", Name, &h.live)
		if kube.Is(err, http.StatusNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		hooks = append(hooks, h)
	}
	return hooks, nil
}

// trust makes webhooks trust what ca.crt has, where they do not. How long they have must be waited
// for anew.
func (in *Installer) trust(ctx context.Context, hooks []hook, s *Secret) (mended bool, err error) {
	for _, h := range hooks {
		c, err := configurationOf(h.live)
		if err != nil {
			return mended, err
		}
		for _, w := range c.Webhooks {
			mended = mended || w.ClientConfig.Service != nil && !authority.Holds(w.ClientConfig.CABundle, s.Data[caKey])
		}
	}
	if !mended {
		return false, nil
	}
	if err := in.save(ctx, s); err != nil {
		return true, err
	}
	return true, in.setBundle(ctx, hooks, s.Data[caKey])
}

// tooMuch tells whether a webhook trusts more than ca.crt has, as when a prune was cut off.
func tooMuch(hooks []hook, s *Secret) bool {
	for _, h := range hooks {
		c, err := configurationOf(h.live)
		for _, w := range c.Webhooks {
			if err == nil && w.ClientConfig.Service != nil && !bytes.Equal(w.ClientConfig.CABundle, s.Data[caKey]) {
				return true
			}
		}
	}
	return false
}

// setBundle writes authorities into webhooks, and touches nothing else of them.
func (in *Installer) setBundle(ctx context.Context, hooks []hook, bundle []byte) error {
	for _, h := range hooks {
		webhooks, _ := h.live["webhooks"].([]any)
		for _, w := range webhooks {
			w, _ := w.(map[string]any)
			if client, _ := w["clientConfig"].(map[string]any); client != nil && client["service"] != nil {
				client["caBundle"] = bundle
			}
		}
		var stored map[string]any
		if err := in.Client.Replace(ctx, h.resource, "", Name, h.live, &stored); err != nil {
			return discreet(err)
		}
		in.Tell("%s %s: trusts %s", singular(h.resource), Name, count(bundle))
		clear(h.live)
		for k, v := range stored {
			h.live[k] = v
		}
		failpoint.Hit("rotate-webhook")
	}
	return nil
}

func count(bundle []byte) string {
	certs, _ := authority.Parse(bundle)
	if len(certs) == 1 {
		return "one authority"
	}
	return fmt.Sprintf("%d authorities", len(certs))
}

func (in *Installer) introduce(ctx context.Context, s *Secret, hooks []hook) error {
	p, err := authority.Issue(in.names(), in.Validity, in.Now())
	if err != nil {
		return err
	}
	s.Data[nextCertKey], s.Data[nextKeyKey] = p.Cert, p.Key
	s.Data[caKey] = authority.Bundle(s.Data[caKey], p.Authority)
	if err := in.save(ctx, s); err != nil {
		return err
	}
	in.Tell("secret %s: a new authority, and a certificate of it that waits", tlsSecret)
	failpoint.Hit("rotate-introduced")
	return in.setBundle(ctx, hooks, s.Data[caKey])
}

func (in *Installer) promote(ctx context.Context, s *Secret) error {
	s.Data[certKey], s.Data[keyKey] = s.Data[nextCertKey], s.Data[nextKeyKey]
	delete(s.Data, nextCertKey)
	delete(s.Data, nextKeyKey)
	if err := in.save(ctx, s); err != nil {
		return err
	}
	in.Tell("secret %s: the new certificate is in force where it is mounted", tlsSecret)
	failpoint.Hit("rotate-promoted")
	return nil
}

func (in *Installer) prune(ctx context.Context, s *Secret, hooks []hook) error {
	if err := in.save(ctx, s); err != nil {
		return err
	}
	in.Tell("secret %s: the old authority is gone", tlsSecret)
	failpoint.Hit("rotate-pruned")
	return in.setBundle(ctx, hooks, s.Data[caKey])
}

// pruned is the one authority that signed what is served, where there are others; else nil.
func pruned(s *Secret, name string, now time.Time) []byte {
	certs, err := authority.Parse(s.Data[caKey])
	if err != nil || len(certs) < 2 {
		return nil
	}
	for _, c := range certs {
		if one := authority.Text(c); authority.Check(one, s.Data[certKey], name, now) == nil {
			return one
		}
	}
	return nil
}

// age is how long ago what is served was made.
func age(s *Secret, now time.Time) time.Duration {
	certs, err := authority.Parse(s.Data[certKey])
	if err != nil {
		return 0
	}
	return now.Sub(authority.Issued(certs[0]))
}

// changed is when the last step was taken; long ago, where that is not known.
func changed(s *Secret) time.Time {
	t, _ := time.Parse(time.RFC3339, s.Metadata.Annotations[changedNote])
	return t
}

// stamp says in a Secret that it is changed now.
func (in *Installer) stamp(s *Secret) {
	if s.Metadata.Annotations == nil {
		s.Metadata.Annotations = map[string]string{}
	}
	s.Metadata.Annotations[changedNote] = in.Now().UTC().Format(time.RFC3339)
}

// save writes a Secret that was read, unless somebody else has meanwhile.
func (in *Installer) save(ctx context.Context, s *Secret) error {
	in.stamp(s)
	return in.Client.Replace(ctx, secrets, in.Namespace, tlsSecret, s, s)
}
