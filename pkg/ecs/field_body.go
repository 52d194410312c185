package ecs

import "slices"

// The tables of bodies say what of a request's or an answer's object has a field. An
// object has what its kind has; a custom resource can have anything under the same keys,
// which then is odd.

var objectTable = []copied{
	{"apiVersion", keyword, "API version."},
	{"kind", keyword, "kind."},
	{"metadata name", keyword, "name."},
	{"metadata generateName", keyword, "prefix of a name that the server makes up."},
	{"metadata namespace", keyword, "namespace."},
	{"metadata uid", keyword, "UID."},
	{"metadata labels", flattened, "labels."},
	{"metadata annotations", flattened, "annotations."},
	{"metadata finalizers", keyword, "finalizers."},
	{"metadata ownerReferences kind", keyword, "kinds of the owners."},
	{"metadata ownerReferences name", keyword, "names of the owners."},
	{"metadata ownerReferences uid", keyword, "UIDs of the owners."},

	// operations of a JSON patch
	{"op", keyword, "operations of a JSON patch."},
	{"path", keyword, "their paths."},
	{"from", keyword, "where they move or copy from."},

	// options of deletes, alone or in an eviction
	{"gracePeriodSeconds", long, "grace period of a delete."},
	{"propagationPolicy", keyword, "propagation policy of a delete."},
	{"dryRun", keyword, "All: a dry run of a delete."},
	{"deleteOptions gracePeriodSeconds", long, "grace period of an eviction."},
	{"deleteOptions propagationPolicy", keyword, "propagation policy of an eviction."},
	{"deleteOptions dryRun", keyword, "All: a dry run of an eviction."},

	{"target kind", keyword, "kind of what a pod is bound to: Node."},
	{"target name", keyword, "its name."},
}

var ruleTable = []copied{
	{"verbs", keyword, "verbs of the rules."},
	{"apiGroups", keyword, "API groups of the rules."},
	{"resources", keyword, "resources of the rules."},
	{"resourceNames", keyword, "names of the objects that the rules are limited to."},
	{"nonResourceURLs", keyword, "paths of the rules outside resources."},
}

var bindingTable = []copied{
	{"roleRef apiGroup", keyword, "API group of the role that is bound."},
	{"roleRef kind", keyword, "Role or ClusterRole."},
	{"roleRef name", keyword, "name of the role that is bound."},
	{"subjects kind", keyword, "User, Group or ServiceAccount: who gets the role."},
	{"subjects name", keyword, "names of those who get the role."},
	{"subjects namespace", keyword, "their namespaces."},
	{"subjects apiGroup", keyword, "their API groups."},
}

var webhookTable = []copied{
	{"name", keyword, "names of admission webhooks."},
	{"failurePolicy", keyword, "Fail or Ignore."},
	{"matchPolicy", keyword, "Exact or Equivalent."},
	{"sideEffects", keyword, "side effects."},
	{"reinvocationPolicy", keyword, "Never or IfNeeded."},
	{"timeoutSeconds", long, "time-out."},
	{"clientConfig url", keyword, "where the webhook is called."},
	{"clientConfig service namespace", keyword, "namespace of the service that is called."},
	{"clientConfig service name", keyword, "its name."},
	{"clientConfig service path", keyword, "path there."},
	{"clientConfig service port", long, "its port."},
	{"rules operations", keyword, "operations that the webhook sees."},
	{"rules apiGroups", keyword, "API groups that it sees."},
	{"rules apiVersions", keyword, "API versions that it sees."},
	{"rules resources", keyword, "resources that it sees."},
	{"rules scope", keyword, "Cluster, Namespaced or *."},
}

var containerTable = []copied{
	{"name", keyword, "names of containers."},
	{"image", keyword, "images of containers."},
	{"command", keyword, "commands of containers, each word a value."},
	{"args", keyword, "arguments of containers, each word a value."},
	{"targetContainerName", keyword, "container whose processes an ephemeral container sees."},
	{"ports hostPort", long, "ports on the node."},
	{"ports containerPort", long, "ports of containers."},
	{"env name", keyword, "names of environment variables."},
	{"volumeMounts name", keyword, "volumes that are mounted."},
	{"volumeMounts mountPath", keyword, "where they are mounted."},
	{"volumeMounts subPath", keyword, "path inside of the volume."},
	{"volumeMounts readOnly", boolean, "mounted read-only."},
	{"securityContext privileged", boolean, "privileged container."},
	{"securityContext allowPrivilegeEscalation", boolean, "may gain privileges."},
	{"securityContext readOnlyRootFilesystem", boolean, "read-only root file system."},
	{"securityContext runAsNonRoot", boolean, "must not run as root."},
	{"securityContext runAsUser", long, "user id."},
	{"securityContext runAsGroup", long, "group id."},
	{"securityContext procMount", keyword, "Default or Unmasked."},
	{"securityContext capabilities add", keyword, "capabilities added."},
	{"securityContext capabilities drop", keyword, "capabilities dropped."},
	{"securityContext seccompProfile type", keyword, "seccomp profile."},
	{"securityContext appArmorProfile type", keyword, "AppArmor profile."},
}

var podTable = []copied{
	{"serviceAccountName", keyword, "service account that pods run as."},
	{"automountServiceAccountToken", boolean, "whether its token is mounted."},
	{"nodeName", keyword, "node that is asked for, or was given."},
	{"restartPolicy", keyword, "Always, OnFailure or Never."},
	{"priorityClassName", keyword, "priority class."},
	{"runtimeClassName", keyword, "runtime class."},
	{"hostNetwork", boolean, "pods in the network of their node."},
	{"hostIPC", boolean, "pods in the IPC namespace of their node."},
	{"hostPID", boolean, "pods among the processes of their node."},
	{"hostUsers", boolean, "pods among the users of their node."},
	{"shareProcessNamespace", boolean, "containers among each other's processes."},
	{"securityContext runAsUser", long, "user id of pods."},
	{"securityContext runAsGroup", long, "group id of pods."},
	{"securityContext fsGroup", long, "group id of volumes."},
	{"securityContext supplementalGroups", long, "further group ids."},
	{"securityContext runAsNonRoot", boolean, "pods must not run as root."},
	{"securityContext seccompProfile type", keyword, "seccomp profile of pods."},
	{"volumes name", keyword, "names of volumes."},
	{"volumes hostPath path", keyword, "paths of the node that are volumes."},
	{"volumes hostPath type", keyword, "their type."},
	{"volumes secret secretName", keyword, "secrets that are volumes."},
	{"volumes configMap name", keyword, "config maps that are volumes."},
	{"volumes persistentVolumeClaim claimName", keyword, "claims that are volumes."},
	{"volumes csi driver", keyword, "CSI drivers of volumes."},
	{"volumes flexVolume driver", keyword, "FlexVolume drivers of volumes."},
}

var specTable = []copied{
	{"replicas", long, "number of replicas."},
	{"schedule", keyword, "schedule of a CronJob."},
	{"suspend", boolean, "whether a job is suspended."},
	{"unschedulable", boolean, "whether a node takes new pods."},
	{"finalizers", keyword, "finalizers of a namespace."},
	{"selector", flattened, "selector of a service or workload."},

	{"type", keyword, "type of a service: ClusterIP, NodePort, LoadBalancer, ExternalName."},
	{"clusterIP", keyword, "address of a service."},
	{"externalIPs", keyword, "further addresses of a service."},
	{"externalName", keyword, "name that a service stands for."},
	{"loadBalancerIP", keyword, "address of the load balancer."},
	{"ports name", keyword, "names of ports of a service."},
	{"ports protocol", keyword, "their protocols."},
	{"ports port", long, "ports of a service."},
	{"ports nodePort", long, "ports of a service on every node."},
	{"hostPath path", keyword, "path of the node that is a PersistentVolume."},

	{"signerName", keyword, "signer of a certificate request."},
	{"usages", keyword, "usages of the certificate asked for."},
	{"username", keyword, "who asked for a certificate, as the API server says."},
	{"groups", keyword, "groups of a certificate request's or an access review's user."},
	{"uid", keyword, "UID of a certificate request's or an access review's user."},
	{"expirationSeconds", long, "life of the certificate or token asked for."},
	{"audiences", keyword, "audiences of a token."},
	{"boundObjectRef kind", keyword, "kind of the object that a token is bound to."},
	{"boundObjectRef name", keyword, "its name."},
	{"boundObjectRef uid", keyword, "its UID."},

	{"user", keyword, "whose access is reviewed."},
	{"namespace", keyword, "namespace of a SelfSubjectRulesReview."},
	{"resourceAttributes verb", keyword, "verb that an access review asks about."},
	{"resourceAttributes group", keyword, "API group that it asks about."},
	{"resourceAttributes version", keyword, "API version that it asks about."},
	{"resourceAttributes resource", keyword, "resource that it asks about."},
	{"resourceAttributes subresource", keyword, "subresource that it asks about."},
	{"resourceAttributes namespace", keyword, "namespace that it asks about."},
	{"resourceAttributes name", keyword, "object that it asks about."},
	{"nonResourceAttributes verb", keyword, "verb of a path that it asks about."},
	{"nonResourceAttributes path", keyword, "path that it asks about."},
}

var statusTable = []copied{
	{"allowed", boolean, "answer of an access review."},
	{"denied", boolean, "whether it is denied for good."},
	{"reason", keyword, "why."},
	{"authenticated", boolean, "answer of a token review."},
	{"user username", keyword, "whose token that is."},
	{"userInfo username", keyword, "who one is."},
	{"userInfo groups", keyword, "one's groups."},
	{"expirationTimestamp", date, "end of the token issued."},
	{"phase", keyword, "phase."},
	{"conditions type", keyword, "conditions: Approved or Denied of a certificate request."},
	{"conditions status", keyword, "True, False or Unknown."},
	{"conditions reason", keyword, "their reasons."},
}

// bodyTable is what of a body has a field. Pods are looked for where pods, workloads and
// CronJobs have them; a template has no ephemeral containers.
func bodyTable() []copied {
	template := slices.Concat(podTable, under("containers", containerTable), under("initContainers", containerTable))
	return slices.Concat(objectTable,
		under("rules", ruleTable), bindingTable, under("webhooks", webhookTable),
		under("spec", specTable, template, under("ephemeralContainers", containerTable)),
		under("spec template spec", template), under("spec jobTemplate spec template spec", template),
		under("status", statusTable))
}
