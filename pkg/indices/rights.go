package indices

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Role is what somebody who talks to the cluster may do. Rights on a data stream hold
// for its backing indices.
type Role struct {
	Name    string   // "kubewitness-sink"
	For     string   // what it is enough for: "indexing"
	Cluster []string // cluster privileges
	Index   []string // privileges on the data streams
}

// SetupRole puts up what this package puts up. It is needed when kubewitness is
// installed and when it is upgraded, and by nothing that runs.
func SetupRole() Role {
	return Role{
		Name: "kubewitness-setup", For: "setting up",
		Cluster: []string{"monitor", "manage_index_templates", "manage_ilm"}, Index: []string{"manage"},
	}
}

// SinkRole indexes each document once: it may read, to know after a rollover what is
// there already.
func SinkRole() Role {
	return Role{
		Name: "kubewitness-sink", For: "indexing each event once",
		Cluster: []string{"monitor"}, Index: []string{"create_doc", "read", "view_index_metadata"},
	}
}

// CreateRole is the least that indexes: it can neither read nor change nor delete. What
// is sent again around a rollover may then be there twice, which the sink counts.
func CreateRole() Role {
	return Role{Name: "kubewitness-create", For: "indexing", Cluster: []string{}, Index: []string{"create_doc"}}
}

// SearchRole reads, as `kubewitness search --on elasticsearch` and people in Kibana do.
func SearchRole() Role {
	return Role{Name: "kubewitness-search", For: "searching", Cluster: []string{}, Index: []string{"read", "view_index_metadata"}}
}

// descriptor is the role as the security API takes it.
func (r Role) descriptor(streams []string) object {
	return object{"cluster": r.Cluster, "indices": []object{{"names": streams, "privileges": r.Index}}}
}

// roles are files with the bodies of requests that make a role, and API keys.
func (o *Options) roles() []Resource {
	setup := SetupRole()
	all := []Resource{{
		What: "role " + setup.Name, File: "role-setup.json", Path: "/_security/role/" + setup.Name,
		Body: indent(setup.descriptor(o.streams())),
	}}
	for _, r := range []Role{SinkRole(), CreateRole(), SearchRole()} {
		key := object{"name": r.Name + "-" + o.Namespace, "role_descriptors": object{r.Name: r.descriptor(o.streams())}}
		file := "api-key-" + strings.TrimPrefix(r.Name, "kubewitness-") + ".json"
		all = append(all, Resource{What: "API key for " + r.For, File: file, Path: "/_security/api_key", Body: indent(key)})
	}
	return all
}

// missing are the rights of a role that whoever asks has not, each in words; none as
// well where the server has no security, which off tells.
func (s *Setup) missing(ctx context.Context, r Role) (rights []string, off bool, err error) {
	question, err := json.Marshal(object{
		"cluster": r.Cluster, "index": []object{{"names": s.Options.streams(), "privileges": r.Index}},
	})
	if err != nil {
		return nil, false, err
	}
	var answer struct {
		Cluster map[string]bool            `json:"cluster"`
		Index   map[string]map[string]bool `json:"index"`
	}
	err = s.Client.Do(ctx, "POST", "/_security/user/_has_privileges", question, &answer)
	switch {
	case absent(err):
		return nil, true, nil
	case err != nil:
		return nil, false, err
	}
	for _, p := range slices.Sorted(maps.Keys(answer.Cluster)) {
		if !answer.Cluster[p] {
			rights = append(rights, fmt.Sprintf("%s on the cluster", p))
		}
	}
	for _, stream := range slices.Sorted(maps.Keys(answer.Index)) {
		for _, p := range slices.Sorted(maps.Keys(answer.Index[stream])) {
			if !answer.Index[stream][p] {
				rights = append(rights, fmt.Sprintf("%s on %s", p, stream))
			}
		}
	}
	return rights, false, nil
}
