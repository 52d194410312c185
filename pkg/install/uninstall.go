package install

import (
	"context"
	"net/http"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/failpoint"
	"github.com/kubewitness/kubewitness/pkg/kube"
)

// singular is a resource as it is told of.
func singular(r kube.Resource) string { return strings.TrimSuffix(r.Name, "s") }

// Uninstall removes what has our labels, whoever installed it and how long ago: the webhooks of
// the whole cluster first, then what they pointed to in the namespace. What runs kubewitness, and
// the namespace, stay.
func (in *Installer) Uninstall(ctx context.Context) error {
	if err := in.defaults(); err != nil {
		return err
	}
	removed := 0
	for _, r := range []kube.Resource{validating, mutating} {
		if err := in.remove(ctx, r, "", &removed); err != nil {
			return err
		}
		failpoint.Hit("uninstall-" + singular(r))
	}
	for _, r := range []kube.Resource{certificates, issuers, secrets, services} {
		err := in.remove(ctx, r, in.Namespace, &removed)
		if err != nil {
			return err
		}
		failpoint.Hit("uninstall-" + singular(r))
	}
	if removed == 0 {
		in.Tell("there is nothing to remove")
	}
	return nil
}

// remove deletes the objects of a kind that have our labels. A kind that the API server does
// not know has none.
func (in *Installer) remove(ctx context.Context, r kube.Resource, namespace string, removed *int) error {
	var found list[Object]
	err := in.Client.List(ctx, r, namespace, selector, &found)
	if kube.Is(err, http.StatusNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, o := range found.Items {
		err := in.Client.Delete(ctx, r, namespace, o.Metadata.Name)
		switch {
		case kube.Is(err, http.StatusNotFound): // somebody else was faster
		case err != nil:
			return err
		default:
			*removed++
			in.Tell("%s %s: removed", singular(r), o.Metadata.Name)
		}
		failpoint.Hit("uninstall-each")
	}
	return nil
}
