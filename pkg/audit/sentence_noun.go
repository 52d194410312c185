package audit

import "strings"

// builtinGroups are the API groups whose resources people know without the group.
var builtinGroups = map[string]bool{
	"": true, "apps": true, "batch": true, "autoscaling": true, "policy": true, "extensions": true,
	"admissionregistration.k8s.io": true, "apiextensions.k8s.io": true, "apiregistration.k8s.io": true,
	"authentication.k8s.io": true, "authorization.k8s.io": true, "certificates.k8s.io": true, "coordination.k8s.io": true,
	"discovery.k8s.io": true, "events.k8s.io": true, "flowcontrol.apiserver.k8s.io": true, "networking.k8s.io": true,
	"node.k8s.io": true, "rbac.authorization.k8s.io": true, "resource.k8s.io": true, "scheduling.k8s.io": true,
	"storage.k8s.io": true,
}

// clusterScoped are the built-in resources without a namespace.
var clusterScoped = map[string]bool{
	"namespaces": true, "nodes": true, "persistentvolumes": true, "componentstatuses": true,
	"mutatingwebhookconfigurations": true, "validatingwebhookconfigurations": true, "validatingadmissionpolicies": true,
	"validatingadmissionpolicybindings": true, "mutatingadmissionpolicies": true, "mutatingadmissionpolicybindings": true,
	"customresourcedefinitions": true, "apiservices": true, "tokenreviews": true, "selfsubjectreviews": true,
	"subjectaccessreviews": true, "selfsubjectaccessreviews": true, "selfsubjectrulesreviews": true,
	"certificatesigningrequests": true, "clustertrustbundles": true, "flowschemas": true,
	"prioritylevelconfigurations": true, "ingressclasses": true, "ipaddresses": true, "servicecidrs": true,
	"runtimeclasses": true, "clusterroles": true, "clusterrolebindings": true, "deviceclasses": true,
	"resourceslices": true, "priorityclasses": true, "csidrivers": true, "csinodes": true, "storageclasses": true,
	"volumeattachments": true, "volumeattributesclasses": true, "podsecuritypolicies": true,
}

// thing names one object: `pod shop-prod/web-0`, `clusterrole "admin"`, `a pod in shop-prod`.
func (a *Answer) thing() string {
	w, noun := &a.What, a.noun()
	namespace := a.namespace()
	switch {
	case w.Name == "" && namespace == "":
		return article(noun) + noun
	case w.Name == "":
		return article(noun) + noun + " in " + plain(namespace)
	case namespace == "":
		return noun + " " + quote(w.Name, longName)
	default:
		return noun + " " + inNamespace(namespace, w.Name)
	}
}

// things names the objects of a list: "secrets in shop-prod", "pods in all namespaces", "nodes".
func (a *Answer) things() string {
	w := &a.What
	plural := kindName(w.Resource, w.APIGroup)
	if w.Subresource != "" {
		plural = "the " + plain(w.Subresource) + " of " + plural
	}
	switch namespace := a.namespace(); {
	case namespace != "":
		plural += " in " + plain(namespace)
	case !builtinGroups[w.APIGroup]:
		plural += " at cluster scope"
	case !clusterScoped[w.Resource]:
		plural += " in all namespaces"
	}
	if w.FieldSelector != "" {
		plural += " with field selector " + quote(w.FieldSelector, longName)
	}
	if w.LabelSelector != "" {
		plural += " with label selector " + quote(w.LabelSelector, longName)
	}
	return plural
}

// namespace is the one to show with the object's name: a namespace is not shown as being inside itself.
func (a *Answer) namespace() string {
	if a.What.Resource == "namespaces" && a.What.APIGroup == "" {
		return ""
	}
	return a.Where.Namespace
}

func (a *Answer) noun() string {
	switch {
	case a.What.Resource == "":
		return "resource"
	case a.What.Action == ActionBind:
		return "pod"
	}
	return kindName(singular(a.What.Resource), a.What.APIGroup)
}

func kindName(resource, group string) string {
	if resource == "" {
		resource = "resource"
	}
	if !builtinGroups[group] {
		resource += "." + group
	}
	return plain(resource)
}

// inNamespace writes namespace/name, in quotes as a whole when one of them needs it.
func inNamespace(namespace, name string) string {
	if isPlain(namespace) && isPlain(name) && len(namespace)+len(name) < 2*longName {
		return namespace + "/" + name
	}
	return quote(namespace+"/"+name, 2*longName)
}

// singular makes one of a resource name: "pods" is "pod", "networkpolicies" is "networkpolicy", "ingresses" is "ingress".
func singular(resource string) string {
	switch {
	case resource == "endpoints", strings.HasSuffix(resource, "ss"), strings.HasSuffix(resource, "tus"), len(resource) < 4:
		return resource
	case strings.HasSuffix(resource, "ies"):
		return strings.TrimSuffix(resource, "ies") + "y"
	}
	for _, end := range []string{"sses", "xes", "ches", "shes", "tuses"} {
		if strings.HasSuffix(resource, end) {
			return strings.TrimSuffix(resource, "es")
		}
	}
	return strings.TrimSuffix(resource, "s")
}

func article(noun string) string {
	switch {
	case noun == "endpoints":
		return ""
	case noun != "" && strings.IndexByte("aeio", noun[0]) >= 0:
		return "an "
	default:
		return "a "
	}
}
