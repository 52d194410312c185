package rig

import "net/http"

// SecretText is what Secrets of the traffic hold. It may appear nowhere.
const (
	SecretText   = "rig-secret-text"
	secretBase64 = "cmlnLXNlY3JldC10ZXh0" // as Secrets have it
)

// SecretTexts gives the texts that Secrets of the traffic hold, in every form in
// which they are sent.
func SecretTexts() []string { return []string{SecretText, secretBase64} }

// Ordinary is a working day in a namespace of its own: objects of many kinds made,
// read, changed and deleted, and the errors that everybody makes. Any number of
// them may run at the same time, each with a namespace that is not there yet; a
// node must be, the first one.
func Ordinary(namespace string) []Step {
	core, apps := "/api/v1/namespaces/"+namespace, "/apis/apps/v1/namespaces/"+namespace
	rbac := "/apis/rbac.authorization.k8s.io/v1/namespaces/" + namespace
	settings := func(v string) object {
		return named("v1", "ConfigMap", "settings", object{"data": object{"level": v}})
	}
	steps := []Step{
		{Name: "namespace", Request: post("/api/v1/namespaces", named("v1", "Namespace", namespace, nil)), Want: 201},
		{Name: "account", Request: post(core+"/serviceaccounts", named("v1", "ServiceAccount", "web", nil)), Want: 201},
		{Name: "config map", Request: post(core+"/configmaps", settings("info")), Want: 201},
		{Name: "config map read", Request: get(core + "/configmaps/settings"), Want: 200},
		{Name: "config map replaced", Request: put(core+"/configmaps/settings", settings("debug")), Want: 200},
		{Name: "config map merged", Request: patch(mergePatch, core+"/configmaps/settings", `{"data":{"more":"1"}}`), Want: 200},
		{Name: "config map patched", Request: patch(jsonPatch, core+"/configmaps/settings", `[{"op":"add","path":"/data/less","value":"2"}]`), Want: 200},
		{Name: "config map applied", Request: patch(applyPatch, core+"/configmaps/applied?fieldManager=rig", asText(named("v1", "ConfigMap", "applied", object{"data": object{"a": "b"}}))), Want: 201},
		{Name: "config maps listed", Request: get(core + "/configmaps?limit=500"), Want: 200},
		{Name: "config maps watched", Request: get(core + "/configmaps?watch=true&timeoutSeconds=1"), Want: 200},
		{Name: "made already", Request: post(core+"/configmaps", settings("info")), Want: 409},
		{Name: "not there", Request: get(core + "/configmaps/nowhere"), Want: 404},
		{Name: "not valid", Request: post(core+"/configmaps", named("v1", "ConfigMap", "Not_A_Name", nil)), Want: 422},
		{Name: "dry run", Request: post(core+"/configmaps?dryRun=All", named("v1", "ConfigMap", "never", nil)), Want: 201},
		{Name: "secret", Request: post(core+"/secrets", named("v1", "Secret", "login", object{"stringData": object{"word": SecretText}})), Want: 201},
		{Name: "secret read", Request: get(core + "/secrets/login"), Want: 200},
		{Name: "secret applied", Request: patch(applyPatch, core+"/secrets/applied?fieldManager=rig", asText(named("v1", "Secret", "applied", object{"data": object{"word": secretBase64}}))), Want: 201},
		{Name: "secrets listed", Request: get(core + "/secrets"), Want: 200},
		{Name: "secret deleted", Request: remove(core + "/secrets/login"), Want: 200},
		{Name: "token", Request: post(core+"/serviceaccounts/web/token", object{"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": object{"expirationSeconds": 600}}), Want: 201},
		{Name: "role", Request: post(rbac+"/roles", named("rbac.authorization.k8s.io/v1", "Role", "reader", object{"rules": []object{{"apiGroups": []string{""}, "resources": []string{"configmaps"}, "verbs": []string{"get"}}}})), Want: 201},
		{Name: "binding", Request: post(rbac+"/rolebindings", named("rbac.authorization.k8s.io/v1", "RoleBinding", "reader", object{
			"roleRef":  object{"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
			"subjects": []object{{"kind": "ServiceAccount", "name": "web", "namespace": namespace}}})), Want: 201},
		{Name: "service", Request: post(core+"/services", named("v1", "Service", "web", object{"spec": object{"ports": []object{{"port": 80}}, "selector": object{"app": "web"}}})), Want: 201},
		{Name: "deployment", Request: post(apps+"/deployments", deployment("web", 1, nil)), Want: 201},
		{Name: "deployment scaled", Request: patch(mergePatch, apps+"/deployments/web/scale", `{"spec":{"replicas":2}}`), Want: 200},
		{Name: "deployment applied", Request: patch(applyPatch, apps+"/deployments/other?fieldManager=rig", asText(deployment("other", 1, nil))), Want: 201},
		{Name: "pod", Request: post(core+"/pods", pod("alone", nil, nil)), Want: 201},
		{Name: "pods listed", Request: get(core + "/pods"), Want: 200},
		{Name: "pod's log", Request: get(core + "/pods/alone/log"), Want: 200},
		{Name: "exec", Request: stream(core+"/pods/alone/exec?command=date&stdout=true", "v4.channel.k8s.io"), Want: 101},
		{Name: "may I", Request: post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", object{"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
			"spec": object{"resourceAttributes": object{"verb": "list", "resource": "pods"}}}), Want: 201},
		{Name: "may not", By: TheGuest, Request: get(core + "/pods"), Want: 403},
		{Name: "not known", By: TheStranger, Request: get(core + "/pods"), Want: 401},
		{Name: "nodes", Request: get("/api/v1/nodes"), Want: 200},
		{Name: "discovery", Request: get("/apis"), Want: 200},
		{Name: "pod deleted", Request: remove(core + "/pods/alone"), Want: 200},
		{Name: "config maps deleted", Request: remove(core + "/configmaps?labelSelector=nobody%3Dhas"), Want: 200},
		{Name: "namespace deleted", Request: remove("/api/v1/namespaces/" + namespace), Want: 200},
	}
	for i := range steps {
		if steps[i].By == "" {
			steps[i].By = TheAdmin
		}
	}
	return steps
}

// Blinding is the request that kube-apiserver before the release with pull request
// 139419 cannot log: a patch with a body that is no JSON, here a server-side apply
// with a config map in YAML. The object is made; the audit event of the answer
// reaches neither the log nor the webhook, and takes the rest of the webhook's
// batch with it.
func Blinding(namespace, name string) Step {
	return Step{Name: "blinding patch", By: TheAdmin, Want: http.StatusCreated,
		Request: patch(applyPatch, "/api/v1/namespaces/"+namespace+"/configmaps/"+name+"?fieldManager=rig",
			"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: "+name+"\ndata:\n  a: b\n")}
}
