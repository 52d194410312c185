package rig

// Names in the namespace that the attacks are about.
const (
	shop     = "shop"
	shopCore = "/api/v1/namespaces/" + shop
	shopApps = "/apis/apps/v1/namespaces/" + shop
	rbacPath = "/apis/rbac.authorization.k8s.io/v1"
)

// Setting is what the attacks need: the namespace "shop" with something of
// everything. The first node must be there.
func Setting() []Step {
	steps := []Step{
		{Name: "namespace", Request: post("/api/v1/namespaces", named("v1", "Namespace", shop, nil)), Want: 201},
		{Name: "account", Request: post(shopCore+"/serviceaccounts", named("v1", "ServiceAccount", "web", nil)), Want: 201},
		{Name: "secret", Request: post(shopCore+"/secrets", named("v1", "Secret", "login", object{"stringData": object{"word": SecretText}})), Want: 201},
		{Name: "config map", Request: post(shopCore+"/configmaps", named("v1", "ConfigMap", "old", nil)), Want: 201},
		{Name: "pod", Request: post(shopCore+"/pods", pod("web", nil, nil)), Want: 201},
		{Name: "service", Request: post(shopCore+"/services", named("v1", "Service", "web", object{"spec": object{"ports": []object{{"port": 80}}, "selector": object{"app": "nobody"}}})), Want: 201},
		{Name: "deployment", Request: post(shopApps+"/deployments", deployment("till", 1, nil)), Want: 201},
		{Name: "policy", Request: post("/apis/networking.k8s.io/v1/namespaces/"+shop+"/networkpolicies", named("networking.k8s.io/v1", "NetworkPolicy", "closed", object{"spec": object{"podSelector": object{}}})), Want: 201},
	}
	for i := range steps {
		steps[i].By = TheAdmin
	}
	return steps
}

// Attacks has at least one request for each of our rules, in an order that works.
// They come after Setting, and leave a cluster that nobody should use for anything
// else.
func Attacks() []Step {
	var all []Step
	for _, some := range [][]Step{attacksOnRights(), attacksOnSecrets(), attacksInPods(), attacksByWorkloads(), attacksOnTheCluster(), attacksOnWhatRuns()} {
		all = append(all, some...)
	}
	for i := range all {
		if all[i].By == "" {
			all[i].By = TheEngineer
		}
	}
	return all
}

func role(name string, verbs, resources []string) object {
	return named("rbac.authorization.k8s.io/v1", "ClusterRole", name, object{"rules": []object{{"apiGroups": []string{""}, "resources": resources, "verbs": verbs}}})
}

func binding(name, role, group string) object {
	return named("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", name, object{
		"roleRef":  object{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
		"subjects": []object{{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": group}}})
}

func attacksOnRights() []Step {
	return []Step{
		{Name: "engineers become administrators", By: TheAdmin, Request: post(rbacPath+"/clusterrolebindings", binding("engineers", "cluster-admin", "engineers")), Want: 201,
			Rule: "Cluster Admin Role Granted"},
		{Name: "everybody may look", Request: post(rbacPath+"/clusterrolebindings", binding("open", "view", "system:unauthenticated")), Want: 201,
			Rule: "Role Bound to Everybody"},
		{Name: "nobody looks", By: Nobody, Request: get(shopCore + "/pods"), Want: 200, Rule: "Anonymous Request Allowed"},
		{Name: "a role for all", Request: post(rbacPath+"/clusterroles", role("all", []string{"*"}, []string{"*"})), Want: 201,
			Rule: "Role with Wildcards Written"},
		{Name: "a role with a way out", Request: post(rbacPath+"/clusterroles", role("step", []string{"create"}, []string{"pods/exec"})), Want: 201,
			Rule: "Role Opens a Way to More Rights"},
		{Name: "a role with a way out, patched", Request: patch(jsonPatch, rbacPath+"/clusterroles/step", `[{"op":"replace","path":"/rules/0/verbs","value":["impersonate"]}]`), Want: 200,
			Rule: "Role Opens a Way to More Rights"},
		{Name: "a default role", Request: patch(mergePatch, rbacPath+"/clusterroles/view", `{"metadata":{"labels":{"touched":"yes"}}}`), Want: 200,
			Rule: "System Role Changed"},
		{Name: "the rights of all", Request: get(rbacPath + "/clusterrolebindings"), Want: 200, Rule: "Rights Enumerated"},
		{Name: "as somebody else", Request: with(get(shopCore+"/configmaps"), "Impersonate-User", guestName), Want: 403, Rule: "Impersonation"},
		{Name: "a certificate", Request: post("/apis/certificates.k8s.io/v1/certificatesigningrequests", named("certificates.k8s.io/v1", "CertificateSigningRequest", "backdoor", object{"spec": object{
			"request": signingRequest("backdoor", "engineers"), "signerName": "kubernetes.io/kube-apiserver-client", "usages": []string{"client auth"}}})), Want: 201,
			Rule: "Client Certificate Asked or Approved"},
		{Name: "a name that is not known", By: TheStranger, Request: get("/api/v1/namespaces"), Want: 401, Rule: "Authentication Failed"},
		{Name: "a name that is not known, at a health check", By: TheStranger, Request: get("/healthz"), Want: 401, Rule: "Authentication Failed"},
	}
}

func attacksOnSecrets() []Step {
	return []Step{
		{Name: "all secrets", Request: get("/api/v1/secrets"), Want: 200, Rule: "Secrets Read Across Namespaces"},
		{Name: "a secret", Request: get(shopCore + "/secrets/login"), Want: 200, Rule: "Secret Read by Hand"},
		{Name: "secrets, by watching", Request: get(shopCore + "/secrets?watch=true&timeoutSeconds=1"), Want: 200, Rule: "Secret Read by Hand"},
		{Name: "a secret, refused", By: TheGuest, Request: get(shopCore + "/secrets/login"), Want: 403, Rule: "Secret Read Refused"},
		{Name: "a secret, with an id of one's own", Request: with(get(shopCore+"/secrets/login"), "Audit-ID", "chosen-by-the-client"), Want: 200,
			Rule: "Audit Record Looks Forged"},
		{Name: "a token", Request: post(shopCore+"/serviceaccounts/web/token", object{"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": object{"expirationSeconds": 86400}}), Want: 201,
			Rule: "Service Account Token Issued"},
		{Name: "a key in the open", Request: post(shopCore+"/configmaps", named("v1", "ConfigMap", "cloud", object{"data": object{"aws_access_key_id": "made-up"}})), Want: 201,
			Rule: "Credentials in ConfigMap"},
		{Name: "a key in the open, applied", Request: patch(applyPatch, shopCore+"/configmaps/cloud2?fieldManager=rig", asText(named("v1", "ConfigMap", "cloud2", object{"data": object{"aws_access_key_id": "made-up"}}))), Want: 201,
			Rule: "Credentials in ConfigMap"},
	}
}

func attacksInPods() []Step {
	exec := shopCore + "/pods/web/exec?stdout=true&command="
	return []Step{
		{Name: "exec", Request: stream(exec+"id", "v4.channel.k8s.io"), Want: 101, Rule: "Exec or Attach to Pod"},
		{Name: "exec, older client", Request: spdyStream(exec+"id", "v4.channel.k8s.io"), Want: 101, Rule: "Exec or Attach to Pod"},
		{Name: "attach", Request: stream(shopCore+"/pods/web/attach?stdout=true", "v4.channel.k8s.io"), Want: 101, Rule: "Exec or Attach to Pod"},
		{Name: "exec of something bad", Request: stream(exec+"cat&command=/etc/shadow", "v4.channel.k8s.io"), Want: 101, Rule: "Hostile Command in Container"},
		{Name: "exec, refused", By: TheGuest, Request: stream(exec+"id", "v4.channel.k8s.io"), Want: 403, Rule: "Exec or Attach Refused"},
		{Name: "debug container", Request: patch(strategicPatch, shopCore+"/pods/web/ephemeralcontainers", object{"spec": object{"ephemeralContainers": []object{{"name": "debugger", "image": "registry.example.com/tools:1"}}}}), Want: 200,
			Rule: "Debug Container Added to Pod"},
		{Name: "port-forward", Request: spdyStream(shopCore+"/pods/web/portforward?ports=80", "portforward.k8s.io"), Want: 101, Rule: "Tunnel to Pod or Service"},
		{Name: "proxy to a service", Request: get(shopCore + "/services/web:80/proxy/"), Want: 503, Rule: "Tunnel to Pod or Service"},
		// An API server passes nothing on to the loopback interface, where our nodes are.
		{Name: "proxy to a node", Request: get("/api/v1/nodes/node-1/proxy/pods"), Want: 400, Rule: "Kubelet Reached Through Node Proxy"},
	}
}

func attacksByWorkloads() []Step {
	privileged := object{"securityContext": object{"privileged": true}}
	root := object{"volumes": []object{{"name": "root", "hostPath": object{"path": "/"}}}}
	capable := object{"securityContext": object{"capabilities": object{"add": []string{"SYS_ADMIN"}}}}
	hostile := object{"command": []string{"sh", "-c", "nsenter -t 1 -m sh"}}
	cron := named("batch/v1", "CronJob", "nightly", object{"spec": object{"schedule": "0 3 * * *", "jobTemplate": object{"spec": object{
		"template": object{"spec": podSpec(nil, object{"restartPolicy": "Never"})}}}}})
	return []Step{
		{Name: "privileged pod", Request: post(shopCore+"/pods", pod("privileged", privileged, nil)), Want: 201, Rule: "Privileged Container"},
		{Name: "privileged pod, tried", Request: post(shopCore+"/pods?dryRun=All", pod("tried", privileged, nil)), Want: 201, Rule: "Privileged Container"},
		{Name: "privileged pod, applied", Request: patch(applyPatch, shopCore+"/pods/applied?fieldManager=rig", asText(pod("applied", privileged, nil))), Want: 201, Rule: "Privileged Container"},
		{Name: "privileged deployment", Request: post(shopApps+"/deployments", deployment("privileged", 1, privileged)), Want: 201, Rule: "Privileged Container"},
		{Name: "deployment made privileged", Request: patch(jsonPatch, shopApps+"/deployments/till", `[{"op":"add","path":"/spec/template/spec/containers/0/securityContext","value":{"privileged":true}}]`), Want: 200,
			Rule: "Privileged Container"},
		{Name: "host network", Request: post(shopCore+"/pods", pod("network", nil, object{"hostNetwork": true})), Want: 201, Rule: "Pod in Host Namespaces"},
		{Name: "the node's root", Request: post(shopCore+"/pods", pod("root", nil, root)), Want: 201, Rule: "Sensitive Host Path Mounted"},
		{Name: "the node's root, as a volume", Request: post("/api/v1/persistentvolumes", named("v1", "PersistentVolume", "root", object{"spec": object{
			"capacity": object{"storage": "1Gi"}, "accessModes": []string{"ReadWriteOnce"}, "hostPath": object{"path": "/"}}})), Want: 201,
			Rule: "Sensitive Host Path Mounted"},
		{Name: "a capability", Request: post(shopCore+"/pods", pod("capable", capable, nil)), Want: 201, Rule: "Dangerous Capability Added"},
		{Name: "a bad command", Request: post(shopCore+"/pods", pod("hostile", hostile, nil)), Want: 201, Rule: "Workload with Hostile Command"},
		{Name: "cron job", Request: post("/apis/batch/v1/namespaces/"+shop+"/cronjobs", cron), Want: 201, Rule: "CronJob Written by Hand"},
	}
}

func attacksOnTheCluster() []Step {
	webhook := named("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "spy", object{"webhooks": []object{{
		"name": "spy.example.com", "admissionReviewVersions": []string{"v1"}, "sideEffects": "None", "failurePolicy": "Ignore",
		"clientConfig": object{"url": "https://127.0.0.1:1/spy"},
		"rules":        []object{{"apiGroups": []string{"example.com"}, "apiVersions": []string{"v1"}, "resources": []string{"things"}, "operations": []string{"CREATE"}}}}}})
	return []Step{
		{Name: "admission webhook", Request: post("/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations", webhook), Want: 201,
			Rule: "Admission or API Extension Changed"},
		{Name: "kube-system", Request: post("/api/v1/namespaces/kube-system/configmaps", named("v1", "ConfigMap", "foothold", nil)), Want: 201,
			Rule: "System Config Changed by Hand"},
		{Name: "pod security", Request: patch(mergePatch, shopCore, `{"metadata":{"labels":{"pod-security.kubernetes.io/enforce":"privileged"}}}`), Want: 200,
			Rule: "Pod Security Relaxed"},
		{Name: "pod security, step by step", Request: patch(jsonPatch, shopCore, `[{"op":"remove","path":"/metadata/labels/pod-security.kubernetes.io~1enforce"}]`), Want: 200,
			Rule: "Pod Security Relaxed"},
		{Name: "an open service", Request: post(shopCore+"/services", named("v1", "Service", "door", object{"spec": object{"type": "NodePort", "ports": []object{{"port": 80}}}})), Want: 201,
			Rule: "Service Opened by Hand"},
		{Name: "an open ingress", Request: post("/apis/networking.k8s.io/v1/namespaces/"+shop+"/ingresses", named("networking.k8s.io/v1", "Ingress", "door", object{"spec": object{
			"defaultBackend": object{"service": object{"name": "web", "port": object{"number": 80}}}}})), Want: 201,
			Rule: "Ingress Opened by Hand"},
	}
}

func attacksOnWhatRuns() []Step {
	return []Step{
		{Name: "a policy is deleted", Request: remove("/apis/networking.k8s.io/v1/namespaces/" + shop + "/networkpolicies/closed"), Want: 200,
			Rule: "Guard Rail Removed by Hand"},
		{Name: "scaled to nothing", Request: patch(mergePatch, shopApps+"/deployments/till/scale", `{"spec":{"replicas":0}}`), Want: 200,
			Rule: "Workload Stopped by Hand"},
		{Name: "a node is closed", Request: patch(strategicPatch, "/api/v1/nodes/node-1", `{"spec":{"unschedulable":true}}`), Want: 200,
			Rule: "Workload Stopped by Hand"},
		{Name: "config maps are deleted", Request: remove(shopCore + "/configmaps"), Want: 200, Rule: "Namespace or Collection Deleted"},
		{Name: "events are deleted", Request: remove(shopCore + "/events"), Want: 200, Rule: "Events Deleted by Hand"},
		{Name: "the namespace is deleted", Request: remove("/api/v1/namespaces/" + shop), Want: 200, Rule: "Namespace or Collection Deleted"},
	}
}
