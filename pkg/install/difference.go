package install

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// configurationOf reads the members that we write.
func configurationOf(live map[string]any) (c Configuration, err error) {
	b, err := json.Marshal(live)
	if err != nil {
		return c, err
	}
	return c, json.Unmarshal(b, &c)
}

// keep takes over into what is wanted what others write by right: cert-manager the
// authorities, and GKE Autopilot more namespaces of its own, and that resources are named.
func keep(want, have *Configuration, on Cluster, certManager bool) {
	for i := range want.Webhooks {
		w := &want.Webhooks[i]
		j := slices.IndexFunc(have.Webhooks, func(h Webhook) bool { return h.Name == w.Name })
		if j < 0 {
			continue
		}
		if certManager {
			w.ClientConfig.CABundle = have.Webhooks[j].ClientConfig.CABundle
		}
		if on.Autopilot && reflect.DeepEqual(have.Webhooks[j].Rules, namedRules) {
			w.Rules = namedRules
		}
		if on.Autopilot {
			w.NamespaceSelector = withMore(w.NamespaceSelector, have.Webhooks[j].NamespaceSelector)
		}
	}
}

// withMore is what is there, if it excludes all that is wanted to be excluded by name, and does
// nothing else; else what is wanted.
func withMore(want, have Selector) Selector {
	if len(have.MatchLabels) > 0 || len(have.MatchExpressions) == 0 {
		return want
	}
	for _, e := range have.MatchExpressions {
		if e.Key != namespaceLabel || e.Operator != "NotIn" {
			return want
		}
	}
	out := excludedBy(have)
	for _, ns := range excludedBy(want) {
		if !slices.Contains(out, ns) {
			return want
		}
	}
	return have
}

// excludedBy are the namespaces that a selector leaves out by name.
func excludedBy(s Selector) (names []string) {
	for _, e := range s.MatchExpressions {
		if e.Key == namespaceLabel && e.Operator == "NotIn" {
			names = append(names, e.Values...)
		}
	}
	return names
}

// Differences tells, in a few words each, in what a configuration is not what it should be. The
// path is compared, and not told: a secret is in it.
func Differences(want, have *Configuration) (differences []string) {
	for k, v := range want.Metadata.Labels {
		if have.Metadata.Labels[k] != v {
			differences = append(differences, "the label "+k+" is missing")
		}
	}
	if len(want.Metadata.Owners) > 0 && !reflect.DeepEqual(want.Metadata.Owners, have.Metadata.Owners) {
		differences = append(differences, "it does not go with the validating one")
	}
	slices.Sort(differences)
	for k, v := range want.Metadata.Annotations {
		if have.Metadata.Annotations[k] != v {
			differences = append(differences, "the annotation "+k+" is missing")
		}
	}
	for i := range have.Webhooks {
		if !slices.ContainsFunc(want.Webhooks, func(w Webhook) bool { return w.Name == have.Webhooks[i].Name }) {
			differences = append(differences, fmt.Sprintf("a webhook %q that is none of ours", have.Webhooks[i].Name))
		}
	}
	for i := range want.Webhooks {
		w := &want.Webhooks[i]
		j := slices.IndexFunc(have.Webhooks, func(h Webhook) bool { return h.Name == w.Name })
		if j < 0 {
			differences = append(differences, fmt.Sprintf("the webhook %q is missing", w.Name))
			continue
		}
		differences = append(differences, webhookDifferences(w, &have.Webhooks[j])...)
	}
	return differences
}

func webhookDifferences(want, have *Webhook) (differences []string) {
	is := func(what string, a, b any) {
		if !reflect.DeepEqual(a, b) {
			differences = append(differences, fmt.Sprintf("%s is %s, not %s", what, words(b), words(a)))
		}
	}
	other := func(what string, a, b any) {
		if !reflect.DeepEqual(a, b) {
			differences = append(differences, what+" is another")
		}
	}
	other("where it is sent to", where(want.ClientConfig), where(have.ClientConfig))
	other("the path", pathOf(want.ClientConfig), pathOf(have.ClientConfig))
	other("the CA bundle", want.ClientConfig.CABundle, have.ClientConfig.CABundle)
	is("failurePolicy", want.FailurePolicy, have.FailurePolicy)
	is("timeoutSeconds", want.TimeoutSeconds, have.TimeoutSeconds)
	is("sideEffects", want.SideEffects, have.SideEffects)
	is("matchPolicy", want.MatchPolicy, have.MatchPolicy)
	is("reinvocationPolicy", want.ReinvocationPolicy, have.ReinvocationPolicy)
	is("admissionReviewVersions", want.AdmissionReviewVersions, have.AdmissionReviewVersions)
	other("what it is asked about (rules)", want.Rules, have.Rules)
	is("namespaceSelector", want.NamespaceSelector, have.NamespaceSelector)
	is("objectSelector", want.ObjectSelector, have.ObjectSelector)
	other("matchConditions", want.MatchConditions, have.MatchConditions)
	return differences
}

// words is a value as YAML has it in a line.
func words(v any) string {
	b, _ := json.Marshal(v) // of ours: it cannot fail
	return strings.NewReplacer(`"`, "", "{}", "empty").Replace(string(b))
}

// where is a place without its path.
func where(c ClientConfig) string {
	if c.Service == nil {
		host, _ := splitURL(c.URL)
		return host
	}
	return fmt.Sprintf("%s/%s:%d", c.Service.Namespace, c.Service.Name, c.Service.Port)
}

func pathOf(c ClientConfig) string {
	if c.Service == nil {
		_, path := splitURL(c.URL)
		return path
	}
	return c.Service.Path
}

func splitURL(text string) (host, path string) {
	rest, is := strings.CutPrefix(text, "https://")
	if !is {
		return text, ""
	}
	host, path, _ = strings.Cut(rest, "/")
	return host, path
}
