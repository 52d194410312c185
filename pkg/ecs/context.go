package ecs

import (
	"bytes"
	"maps"
	"net/netip"
	"slices"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// context appends the fields of ECS that say who did what where, the same below
// kubernetes.audit, and the labels of the cluster.
func (w *writer) context(dst []byte, s *shape) []byte {
	dst = w.labels(dst)
	dst = w.user(dst)
	dst = w.addresses(dst)
	dst = w.orchestrator(dst)
	if images := w.answer.Where.Images; len(images) > 0 {
		dst = append(dst, `"container":{"image":{"name":`...)
		dst = append(appendTexts(dst, images), "}},"...)
	}
	mark := len(dst)
	dst = openObject(dst, `"kubernetes":`)
	dst = w.envelope(w.value(dst, s, w.root))
	return closeObject(dst, mark)
}

// What an event is.
const (
	auditKind    = "Event"
	auditVersion = "audit.k8s.io/v1"
)

// envelope adds to kubernetes.audit, the last member, what an event is where it does not say
// so: the elements of a webhook's lists leave it out, and who wrote a query for logs asks
// for it, as the Sigma pipeline for Kubernetes does in each.
func (w *writer) envelope(dst []byte) []byte {
	if w.root.Get("kind").Kind() != audit.Absent || w.root.Get("apiVersion").Kind() != audit.Absent {
		return dst
	}
	if !bytes.HasSuffix(dst, []byte("},")) { // nothing else of it is there
		return append(dst, `"audit":{"kind":"`+auditKind+`","apiVersion":"`+auditVersion+`"},`...)
	}
	return append(dst[:len(dst)-2], `,"kind":"`+auditKind+`","apiVersion":"`+auditVersion+`"},`...)
}

// apiVersion is that of the event, said or not.
func (w *writer) apiVersion() string {
	if v := textOf(w.root.Get("apiVersion")); v != "" || w.root.Get("kind").Kind() != audit.Absent {
		return v
	}
	return auditVersion
}

func (w *writer) labels(dst []byte) []byte {
	mark := len(dst)
	dst = openObject(dst, `"labels":`)
	for _, key := range slices.Sorted(maps.Keys(w.e.Labels)) {
		if flatKey(key, 0) {
			dst = append(appendText(dst, key), ':')
			dst = append(appendText(dst, w.e.Labels[key]), ',')
		} else {
			w.isOdd("labels")
		}
	}
	return closeObject(dst, mark)
}

func (w *writer) user(dst []byte) []byte {
	who := &w.answer.Who
	mark := len(dst)
	dst = openObject(dst, `"user":`)
	dst = member(dst, `"name":`, who.Name)
	dst = member(dst, `"id":`, who.UID)
	users := add(w.texts[:0], who.Name, who.UID)
	if as := who.Impersonated; as != nil {
		inner := len(dst)
		dst = openObject(dst, `"effective":`)
		dst = member(dst, `"name":`, as.Name)
		dst = member(dst, `"id":`, as.UID)
		dst = closeObject(dst, inner)
		users = add(users, as.Name, as.UID)
	}
	w.texts = users
	dst = closeObject(dst, mark)
	if who.UserAgent != "" {
		dst = append(dst, `"user_agent":{"original":`...)
		dst = append(appendText(dst, who.UserAgent), "},"...)
	}
	return dst
}

// add adds the texts that are not empty, each once.
func add(list []string, texts ...string) []string {
	for _, s := range texts {
		if s != "" && !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

// maxAddresses is how many addresses a document names. More than a few come only from
// clients that make headers up.
const maxAddresses = 64

// addresses appends where the request came from, and the related addresses and users.
func (w *writer) addresses(dst []byte) []byte {
	var space [8]netip.Addr
	all := space[:0]
	for v := range w.root.Get("sourceIPs").Elems() {
		a, ok := addressOf(textOf(v))
		switch {
		case !ok, len(all) == maxAddresses:
			w.isOdd("related.ip")
		default:
			all = append(all, a)
		}
	}
	if len(all) > 0 {
		dst = append(dst, `"source":{"ip":"`...)
		from := source(all, w.o.Proxies)
		dst = from.AppendTo(dst)
		dst = append(dst, `"},"client":{"ip":"`...)
		dst = from.AppendTo(dst)
		dst = append(dst, `"},`...)
	}
	mark := len(dst)
	dst = openObject(dst, `"related":`)
	dst = list(dst, `"user":`, w.texts)
	if len(all) > 0 {
		dst = append(dst, `"ip":[`...)
		for i, a := range all {
			if !slices.Contains(all[:i], a) {
				dst = append(dst, '"')
				dst = a.AppendTo(dst)
				dst = append(dst, `",`...)
			}
		}
		dst = append(dst[:len(dst)-1], "],"...)
	}
	return closeObject(dst, mark)
}

// source is the last address that is no trusted proxy's: those before it can be made up
// by the client. Where all are trusted it is the first.
func source(all []netip.Addr, proxies []netip.Prefix) netip.Addr {
	for _, a := range slices.Backward(all) {
		if !slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(a) }) {
			return a
		}
	}
	return all[0]
}

func (w *writer) orchestrator(dst []byte) []byte {
	ref := w.root.Get("objectRef")
	dst = append(dst, `"orchestrator":{"type":"kubernetes",`...)
	dst = member(dst, `"api_version":`, w.apiVersion())
	if cluster := w.e.Event.Cluster; cluster != "" {
		dst = append(dst, `"cluster":{"name":`...)
		dst = append(appendText(dst, cluster), "},"...)
	}
	dst = member(dst, `"namespace":`, textOf(ref.Get("namespace")))
	mark := len(dst)
	dst = openObject(dst, `"resource":`)
	dst = member(dst, `"name":`, textOf(ref.Get("name")))
	dst = member(dst, `"type":`, textOf(ref.Get("resource")))
	dst = closeObject(dst, mark)
	dst[len(dst)-1] = '}'
	return append(dst, ',')
}

// textOf is the content of a JSON string; any other value is no text.
func textOf(v audit.Value) string {
	if v.Kind() != audit.String {
		return ""
	}
	return v.Text()
}
