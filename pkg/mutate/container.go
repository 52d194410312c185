package mutate

import (
	"slices"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/falco/operator"
)

// chosen calls do for the containers that patterns name, init containers too; no patterns name all.
func (t *target) chosen(patterns []string, do func(*place) error) error {
	all, err := t.listed("containers", "initContainers")
	if err != nil {
		return err
	}
	for _, c := range all {
		name := c.text("name")
		if len(patterns) > 0 && !slices.ContainsFunc(patterns, func(p string) bool { return operator.Glob(p, name, false) }) {
			continue
		}
		if err := do(c); err != nil {
			return err
		}
	}
	return nil
}

// variables puts environment variables into containers.
type variables struct {
	containers     []string // names, or patterns; none: all
	add, overwrite []map[string]any
}

func (a *variables) apply(t *target) error {
	if t.pod == nil || !t.made {
		return nil
	}
	return t.chosen(a.containers, a.into)
}

func (a *variables) into(c *place) error {
	there, err := c.elements("env")
	if err != nil {
		return err
	}
	for _, v := range a.overwrite {
		for i, p := range there {
			value, _ := v["value"].(string)
			if p.object["name"] != v["name"] || p.text("value") == value && !p.has("valueFrom") {
				continue
			}
			if err := c.replace("env", i, v); err != nil {
				return err
			}
		}
	}
	at := len(there)
	for _, v := range slices.Concat(a.add, a.overwrite) {
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

// mounts puts volumes of the pod into containers.
type mounts struct {
	containers []string // names, or patterns; none: all
	add        []map[string]any
}

func (a *mounts) apply(t *target) error {
	if t.pod == nil || !t.made {
		return nil
	}
	volumes, err := t.listed("volumes")
	if err != nil {
		return err
	}
	return t.chosen(a.containers, func(c *place) error { return a.into(c, volumes) })
}

// into leaves alone what would be refused: a volume that the pod has not, a second one at one path.
func (a *mounts) into(c *place, volumes []*place) error {
	there, err := c.elements("volumeMounts")
	if err != nil {
		return err
	}
	at := len(there)
	for _, m := range a.add {
		path, _ := m["mountPath"].(string)
		named := func(p *place) bool { return p.object["name"] == m["name"] }
		taken := func(p *place) bool {
			return strings.TrimRight(p.text("mountPath"), "/") == strings.TrimRight(path, "/")
		}
		if !slices.ContainsFunc(volumes, named) || slices.ContainsFunc(there, taken) {
			continue
		}
		if err := c.insert("volumeMounts", at, m); err != nil {
			return err
		}
		at++
	}
	return nil
}
