package web

import (
	"net/http"
	"slices"

	"github.com/kubewitness/kubewitness/pkg/api"
)

// importBody puts the events of an audit log into the store.
func (c *call) importBody() error {
	if !c.who.mayImport {
		return problem(api.ProblemForbidden, "the token is not for imports")
	}
	if c.cfg.Import == nil {
		return problem(api.ProblemUnavailable, "this service takes no imports; it keeps no events")
	}
	p := c.params()
	cluster := p.text("cluster")
	if err := p.none(); err != nil {
		return err
	}
	if err := c.mayWrite(cluster); err != nil {
		return err
	}
	if err := c.bodyType(importTypes); err != nil {
		return err
	}
	if !c.imports.take(c.r.Context(), 0) {
		return problem(api.ProblemBusy, "another import is running; send this one again when it is done")
	}
	defer c.imports.free()
	done, err := c.cfg.Import(c.r.Context(), cluster, c.patient(http.MaxBytesReader(c.w, c.r.Body, c.cfg.Limits.ImportBody)))
	if err != nil {
		if p := bodyProblem(err); p != nil {
			return p
		}
		return err
	}
	return c.write(done)
}

// mayWrite refuses imports into clusters that the caller does not see, and those of a
// caller who sees some namespaces only, since events of all of them come in.
func (c *call) mayWrite(cluster string) error {
	scope := c.who.principal.Scope
	switch {
	case scope.All:
		return nil
	case len(scope.Namespaces) > 0:
		return problem(api.ProblemForbidden, "the token is for some namespaces only; events of all of them would come in")
	case !slices.Contains(scope.Clusters, cluster):
		return problem(api.ProblemForbidden, "the token is not for this cluster; name one of its own with ?cluster=")
	}
	return nil
}
