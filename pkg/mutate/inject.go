package mutate

import (
	"slices"

	"github.com/kubewitness/kubewitness/pkg/falco/operator"
)

// injection puts containers or volumes into a pod.
type injection struct {
	member string // of the pod's spec: one of containerLists, or "volumes"
	first  bool   // before what is there
	items  []map[string]any
}

func (a *injection) apply(t *target) error {
	if t.pod == nil || !t.made {
		return nil
	}
	spec, err := t.pod.member("spec")
	if err != nil || spec.object == nil {
		return err
	}
	lists := containerLists // no two containers of a pod have one name
	if a.member == "volumes" {
		lists = []string{"volumes"}
	}
	there, err := t.listed(lists...)
	if err != nil {
		return err
	}
	at := 0
	for _, item := range a.items {
		if slices.ContainsFunc(there, func(p *place) bool { return p.object["name"] == item["name"] }) {
			continue
		}
		if !a.first {
			list, _ := spec.list(a.member)
			at = len(list)
		}
		if err := spec.insert(a.member, at, item); err != nil {
			return err
		}
		at++
	}
	return nil
}

// variables puts environment variables into containers.
type variables struct {
	containers []string // names, or patterns; none: all
	add        []map[string]any
}

func (a *variables) apply(t *target) error {
	if t.pod == nil || !t.made {
		return nil
	}
	all, err := t.listed("containers", "initContainers")
	for _, c := range all {
		name := c.text("name")
		if len(a.containers) > 0 && !slices.ContainsFunc(a.containers, func(p string) bool { return operator.Glob(p, name, false) }) {
			continue
		}
		if err := a.into(c); err != nil {
			return err
		}
	}
	return err
}

func (a *variables) into(c *place) error {
	there, err := c.elements("env")
	if err != nil {
		return err
	}
	at := len(there)
	for _, v := range a.add {
		if slices.ContainsFunc(there, func(p *place) bool { return p.object["name"] == v["name"] }) {
			continue
		}
		if err := c.insert("env", at, v); err != nil {
			return err
		}
		at++
	}
	return nil
}
