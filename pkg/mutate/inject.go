package mutate

import "slices"

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

// indexOf is where the item of a name is; -1 for nowhere.
func indexOf(items []map[string]any, name any) int {
	return slices.IndexFunc(items, func(item map[string]any) bool { return item["name"] == name })
}
