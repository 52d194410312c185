package indices

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/kubewitness/kubewitness/pkg/ecs"
)

// priority is above that of Fleet's templates, 200: whoever has Elastic's integration
// installed too would get its mapping for our documents otherwise.
const priority = 300

// entriesPriority is between those of the server's template for all logs, 100, and of
// Fleet's: documents in the stream of Elastic's integration for Google Cloud have its
// fields, so that its own template, where somebody installs it, is the better one.
const entriesPriority = 150

func (k kind) priority() int {
	if k == entries {
		return entriesPriority
	}
	return priority
}

// aging is what a server has to delete old documents.
type aging int

const (
	nothing   aging = iota // it keeps them until somebody deletes them
	policies               // index lifecycle management
	lifecycle              // data stream lifecycle
)

// object is JSON.
type object = map[string]any

// Resource is something that is put up with one request, whose body is a file.
type Resource struct {
	What string // "index template kubewitness-events-prod"
	File string // where Print writes the body
	Path string // of the PUT, escaped
	Body []byte // indented JSON with a newline at its end
	get  string // path that answers with what is there; "" for roles, which are not read
}

// resources are what is put up for some streams, in the order in which one needs the other.
func (o *Options) resources(a aging, kinds []kind) []Resource {
	var all []Resource
	if a == policies {
		all = append(all, resource("ILM policy", o.policy(), "/_ilm/policy/", "ilm-policy.json", o.policyBody()))
	}
	all = append(all, resource("component template", o.settings(), "/_component_template/", "component-template-settings.json", o.settingsBody(a)))
	for _, k := range kinds {
		all = append(all, resource("component template", o.mappings(k), "/_component_template/", "component-template-"+string(k)+".json", o.mappingsBody(k)))
	}
	for _, k := range kinds {
		all = append(all, resource("index template", o.template(k), "/_index_template/", "index-template-"+string(k)+".json", o.templateBody(k, a)))
	}
	return all
}

func resource(what, name, path, file string, body object) Resource {
	path += url.PathEscape(name)
	return Resource{What: what + " " + name, File: file, Path: path, Body: indent(body), get: path}
}

// policyBody rolls over by size, and by age so that what is deleted is never much older
// than it may be: an index goes as a whole, with its youngest document.
func (o *Options) policyBody() object {
	phases := object{"hot": object{"actions": object{"rollover": object{
		"max_primary_shard_size": "50gb", "max_age": span(rolloverAge(o.Retention)),
	}}}}
	if o.Retention > 0 {
		phases["delete"] = object{"min_age": span(o.Retention), "actions": object{"delete": object{}}}
	}
	return object{"policy": object{"phases": phases, "_meta": o.agingMeta()}}
}

// agingMeta says how long documents stay also where that is for ever, so that the one is
// told from the other: what a server has besides what was sent says nothing (see holds).
func (o *Options) agingMeta() object {
	m := meta()
	m["kubewitness"].(object)["retention"] = span(o.Retention)
	return m
}

// rolloverAge is a month, or for documents that stay for weeks a tenth of it.
func rolloverAge(retention time.Duration) time.Duration {
	const month = 30 * 24 * time.Hour
	if retention == 0 || retention >= 10*month {
		return month
	}
	return max(retention/10, time.Hour).Truncate(time.Hour)
}

// settingsBody compresses best, which halves an index: 15,000 recorded events took 25 MB
// that way and 51 otherwise. It leaves out sorting by @timestamp, which made no difference
// to that, nor to a search for the newest: events arrive nearly in order.
func (o *Options) settingsBody(a aging) object {
	index := object{"codec": "best_compression", "refresh_interval": span(o.refresh())}
	if o.Replicas == AutoReplicas {
		index["auto_expand_replicas"] = "0-1"
	} else {
		index["number_of_replicas"] = fmt.Sprint(o.Replicas)
	}
	if a == policies {
		index["lifecycle"] = object{"name": o.policy()}
	}
	return component(object{"settings": object{"index": index}})
}

func (o *Options) refresh() time.Duration {
	if o.Refresh == 0 {
		return DefaultRefresh
	}
	return o.Refresh
}

// mappingsBody carries what depends on the fields: their mapping, room for them, and
// those that words without a field are looked for in. The server takes all fields for
// that unless told, which with hundreds of them is slow, and refused beyond a thousand.
func (o *Options) mappingsBody(k kind) object {
	mapping := mappingOf(k)
	return component(object{
		"settings": object{"index": object{
			"mapping": object{"total_fields": object{"limit": fmt.Sprint(fieldLimit(count(mapping["properties"])))}},
			"query":   object{"default_field": defaultFields(k)},
		}},
		"mappings": mapping,
	})
}

// mappingOf is the mapping of package ecs with our mark in it, so that an index tells
// of which version it is to whoever may read no templates.
func mappingOf(k kind) object {
	raw := ecs.Mapping(k.dataset())
	mapping := object{}
	if err := json.Unmarshal(raw, &mapping); err != nil {
		panic(fmt.Sprintf("indices: the mapping of %s: %v", k.dataset(), err)) // every run and test would show it
	}
	m := meta()
	m["kubewitness"].(object)["mapping"] = digest(k)
	mapping["_meta"] = m
	return mapping
}

// digest tells mappings of one version from each other, as those of builds between two
// releases.
func digest(k kind) string {
	sum := sha256.Sum256(ecs.Mapping(k.dataset()))
	return hex.EncodeToString(sum[:8])
}

// count is how many fields a mapping has, as the server counts them: objects and
// subfields too.
func count(properties any) (n int) {
	of, _ := properties.(object)
	for _, p := range of {
		n++
		if field, ok := p.(object); ok {
			n += count(field["properties"]) + count(field["fields"])
		}
	}
	return n
}

// fieldLimit leaves half as much again for fields that people add in a template of
// their own, and is never below the server's default.
func fieldLimit(fields int) int {
	return max(1000, (fields*3/2+99)/100*100)
}

// searched are the fields that words without a field are looked for in.
var searched = []string{
	"kubernetes.audit.objectRef.name", "kubernetes.audit.objectRef.namespace", "kubernetes.audit.objectRef.resource",
	"kubernetes.audit.requestURI", "kubernetes.audit.verb", "message",
	"rule.name", "user.name", "user_agent.original",
}

// searchedEntries are those of the entries.
var searchedEntries = []string{
	"client.user.email", "event.action", "gcp.audit.resource_name", "gcp.audit.status.message", "message",
	"orchestrator.namespace", "orchestrator.resource.name", "user_agent.original",
}

func defaultFields(k kind) []string {
	if k == entries {
		return searchedEntries
	}
	have := map[string]bool{}
	for _, f := range ecs.FieldsOf(k.dataset()) {
		have[f.Name] = true
	}
	names := slices.DeleteFunc(slices.Clone(searched), func(name string) bool { return !have[name] })
	if len(names) == 0 {
		return []string{"*"}
	}
	return names
}

// templateBody puts a component of the user's behind ours, so that what it says holds:
// replicas on other nodes, tiers, fields of their own.
func (o *Options) templateBody(k kind, a aging) object {
	body := object{
		"index_patterns":                     []string{o.stream(k)},
		"priority":                           k.priority(),
		"data_stream":                        object{},
		"composed_of":                        []string{o.mappings(k), o.settings(), o.custom()},
		"ignore_missing_component_templates": []string{o.custom()},
		"version":                            Version,
		"_meta":                              meta(),
	}
	if a == lifecycle {
		keep := object{}
		if o.Retention > 0 {
			keep["data_retention"] = span(o.Retention)
		}
		body["template"], body["_meta"] = object{"lifecycle": keep}, o.agingMeta()
	}
	return body
}

func component(template object) object {
	return object{"template": template, "version": Version, "_meta": meta()}
}

func meta() object {
	return object{"managed_by": "kubewitness", "kubewitness": object{"version": Version}}
}

func indent(v any) []byte {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic(fmt.Sprintf("indices: %v", err)) // maps of texts and numbers
	}
	return append(b, '\n')
}
