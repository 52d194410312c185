#!/usr/bin/env python3
"""Which raw audit events answer which KQL question.

Usage: kql.py NAME=FILE... > kql.json

It reads JSON lines of the audit log, gzipped or not, and nothing else: what it says is
worked out from the events as the API server wrote them, so that the documents that
kubewitness makes of them can be held against it. An id is NAME:LINE, from 1. Each
question stands here beside what it means, in Python.
"""

import gzip
import ipaddress
import json
import re
import sys

NAMESPACE = "kql"
CLUSTER = "prod"
PROXIES = ipaddress.ip_network("10.0.0.0/29")

questions = []


def spread(kql):
    """field: (a or b) as (field: a or field: b). Kibana takes both, the server's own
    parser of 8.19 the long form only."""

    def long_form(found):
        field, values = found.groups()
        word = " and " if " and " in values else " or "
        return "(" + word.join(field + ": " + v for v in values.split(word)) + ")"

    return re.sub(r"([^\s(]+): \(([^()]*)\)", long_form, kql)


def ask(kind, kql, means):
    """A question about a field of that kind; means tells of an event whether it answers it."""
    questions.append((kind, spread(kql), means))


def refuse(kind, kql, means):
    """A question that nothing may answer, though much comes near."""
    questions.append((kind + ", none", spread(kql), means))


def at(value, *path):
    """The scalars at a path, through arrays."""
    if isinstance(value, list):
        return [s for v in value for s in at(v, *path)]
    if not path:
        return [] if value is None or isinstance(value, dict) else [value]
    if isinstance(value, dict) and path[0] in value:
        return at(value[path[0]], *path[1:])
    return []


def one(event, *path):
    found = at(event, *path)
    return found[0] if found else None


def verb(e):
    return one(e, "verb")


def resource(e):
    return one(e, "objectRef", "resource")


def sub(e):
    return one(e, "objectRef", "subresource")


def namespace(e):
    return one(e, "objectRef", "namespace")


def name(e):
    return one(e, "objectRef", "name")


def user(e):
    return one(e, "user", "username") or ""


def agent(e):
    return one(e, "userAgent") or ""


def uri(e):
    return one(e, "requestURI") or ""


def stage(e):
    return one(e, "stage")


def code(e):
    return one(e, "responseStatus", "code") or 0


def message(e):
    return one(e, "responseStatus", "message") or ""


def annotation(e, key):
    return (e.get("annotations") or {}).get(key)


def decision(e):
    return annotation(e, "authorization.k8s.io/decision")


def asked(e, *path):
    return at(e, "requestObject", *path)


def answered(e, *path):
    return at(e, "responseObject", *path)


def addresses(e):
    return [ipaddress.ip_address(a) for a in at(e, "sourceIPs")]


def source(e):
    """One address: the last that is no proxy's."""
    all_of_them = addresses(e)
    for a in reversed(all_of_them):
        if a not in PROXIES:
            return a
    return all_of_them[0] if all_of_them else None


def inside(address, network):
    return address is not None and address.version == ipaddress.ip_network(network).version and address in ipaddress.ip_network(network)


def last(e):
    return stage(e) in ("ResponseComplete", "Panic")


def outcome(e):
    if stage(e) == "RequestReceived":
        return "unknown"
    if decision(e) == "forbid" or code(e) >= 400 or stage(e) == "Panic":
        return "failure"
    return "success" if code(e) else "unknown"


def labels(e):
    body = e.get("requestObject")
    found = (body.get("metadata") or {}).get("labels") if isinstance(body, dict) else None
    return found or {}


# --- keyword: who

ask("keyword", 'user.name: "mallory@corp.example" and kubewitness.last_stage: true', lambda e: user(e) == "mallory@corp.example" and last(e))
ask("keyword", 'kubernetes.audit.user.username: *@corp.example and kubernetes.audit.objectRef.resource: secrets', lambda e: user(e).endswith("@corp.example") and resource(e) == "secrets")
ask("keyword", 'kubernetes.audit.user.username: system?serviceaccount?shop-*', lambda e: user(e).startswith("system:serviceaccount:shop-"))
ask("keyword", 'kubernetes.audit.user.groups: "system:unauthenticated"', lambda e: "system:unauthenticated" in at(e, "user", "groups"))
ask("keyword", 'kubernetes.audit.user.groups: (interns or ops-a) and kubernetes.audit.stage: ResponseComplete', lambda e: {"interns", "ops-a"} & set(at(e, "user", "groups")) and stage(e) == "ResponseComplete")
ask("keyword", 'kubernetes.audit.user.groups: (interns and "system:authenticated") and kubernetes.audit.verb: create', lambda e: {"interns", "system:authenticated"} <= set(at(e, "user", "groups")) and verb(e) == "create")
ask("keyword", 'user.name: * and not kubernetes.audit.user.groups: "system:authenticated"', lambda e: user(e) and "system:authenticated" not in at(e, "user", "groups"))
ask("keyword", 'not user.name: *', lambda e: not user(e))
ask("keyword", 'user_agent.original: curl*', lambda e: agent(e).startswith("curl"))
ask("keyword", 'user_agent.original: *kubernetes/$Format', lambda e: agent(e).endswith("kubernetes/$Format"))
ask("keyword", 'kubernetes.audit.userAgent: kubectl/v1.33* and kubernetes.audit.verb: (delete or deletecollection)', lambda e: agent(e).startswith("kubectl/v1.33") and verb(e) in ("delete", "deletecollection"))
ask("keyword", 'not user_agent.original: * and kubernetes.audit.stage: *', lambda e: not agent(e))
ask("keyword", 'kubernetes.audit.user.extra.authentication.kubernetes.io/pod-name: web-*', lambda e: any(p.startswith("web-") for p in at(e, "user", "extra", "authentication.kubernetes.io/pod-name")))
ask("keyword", 'kubernetes.audit.impersonatedUser.username: "jane@example.com"', lambda e: "jane@example.com" in at(e, "impersonatedUser", "username"))
ask("keyword", 'kubernetes.audit.impersonatedUser.groups: "system:masters" and not kubernetes.audit.user.groups: "system:masters"', lambda e: "system:masters" in at(e, "impersonatedUser", "groups") and "system:masters" not in at(e, "user", "groups"))
ask("keyword", 'kubernetes.audit.sourceIPs: "203.0.113.7" and kubernetes.audit.verb: get', lambda e: "203.0.113.7" in at(e, "sourceIPs") and verb(e) == "get")
ask("keyword", 'kubewitness.who.name: "trent@corp.example" and kubewitness.what.code: 403', lambda e: user(e) == "trent@corp.example" and code(e) == 403)

# --- keyword: what

ask("keyword", 'kubernetes.audit.verb: deletecollection and kubernetes.audit.objectRef.namespace: shop*', lambda e: verb(e) == "deletecollection" and (namespace(e) or "").startswith("shop"))
ask("keyword", 'event.action: (get or list) and kubernetes.audit.objectRef.resource: secrets and event.outcome: success', lambda e: verb(e) in ("get", "list") and resource(e) == "secrets" and outcome(e) == "success")
ask("keyword", 'event.outcome: failure and kubernetes.audit.objectRef.resource: pods and user.name: *corp*', lambda e: outcome(e) == "failure" and resource(e) == "pods" and "corp" in user(e))
ask("keyword", 'event.outcome: unknown and kubernetes.audit.objectRef.resource: clusterrolebindings', lambda e: outcome(e) == "unknown" and resource(e) == "clusterrolebindings")
ask("keyword", 'kubernetes.audit.annotations.authorization_k8s_io/decision: forbid', lambda e: decision(e) == "forbid")
ask("keyword", 'kubernetes.audit.annotations.authorization_k8s_io/decision: "allow" and kubernetes.audit.responseStatus.code: 403', lambda e: decision(e) == "allow" and code(e) == 403)
ask("keyword", 'kubernetes.audit.annotations.pod-security_kubernetes_io/enforce-policy: privileged* and user.name: *corp*', lambda e: (annotation(e, "pod-security.kubernetes.io/enforce-policy") or "").startswith("privileged") and "corp" in user(e))
ask("keyword", 'kubernetes.audit.requestURI: */exec?*command=* and kubernetes.audit.stage: ResponseStarted', lambda e: re.search(r"/exec\?.*command=", uri(e)) and stage(e) == "ResponseStarted")
ask("keyword", 'kubernetes.audit.requestURI: "/api/v1/secrets?limit=500"', lambda e: uri(e) == "/api/v1/secrets?limit=500")
ask("keyword", 'kubernetes.audit.objectRef.resource: pods and kubernetes.audit.objectRef.subresource: (exec or attach or portforward)', lambda e: resource(e) == "pods" and sub(e) in ("exec", "attach", "portforward"))
ask("keyword", 'kubernetes.audit.objectRef.resource: nodes and kubernetes.audit.objectRef.subresource: proxy', lambda e: resource(e) == "nodes" and sub(e) == "proxy")
ask("keyword", 'kubernetes.audit.objectRef.resource: serviceaccounts and kubernetes.audit.objectRef.subresource: token and user.name: *@*', lambda e: resource(e) == "serviceaccounts" and sub(e) == "token" and "@" in user(e))
ask("keyword", 'kubernetes.audit.objectRef.name: sys-cache-* and kubernetes.audit.objectRef.resource: *roles', lambda e: (name(e) or "").startswith("sys-cache-") and (resource(e) or "").endswith("roles"))
ask("keyword", 'kubernetes.audit.objectRef.namespace: (kube-system or kube-public) and kubernetes.audit.objectRef.resource: configmaps and not user.name: system*', lambda e: namespace(e) in ("kube-system", "kube-public") and resource(e) == "configmaps" and not user(e).startswith("system"))
ask("keyword", 'kubernetes.audit.level: Request', lambda e: one(e, "level") == "Request")
ask("keyword", 'kubernetes.audit.level: "RequestResponse" and kubernetes.audit.stage: "ResponseStarted"', lambda e: one(e, "level") == "RequestResponse" and stage(e) == "ResponseStarted")
ask("keyword", 'kubernetes.audit.stage: Panic or kubernetes.audit.responseStatus.reason: ServiceUnavailable', lambda e: stage(e) == "Panic" or one(e, "responseStatus", "reason") == "ServiceUnavailable")
ask("keyword", 'kubernetes.audit.responseStatus.message: *cannot*create*', lambda e: re.search("cannot.*create", message(e)))
ask("keyword", 'kubernetes.audit.responseStatus.message: "endpoints \\"sys-cache-act\\" not found"', lambda e: message(e) == 'endpoints "sys-cache-act" not found')
ask("keyword", 'data_stream.dataset: "kubernetes.audit_logs" and event.dataset: kubernetes.audit_logs and data_stream.namespace: kql and kubernetes.audit.verb: watch', lambda e: verb(e) == "watch")
ask("keyword", 'orchestrator.cluster.name: prod and orchestrator.resource.type: persistentvolumes', lambda e: resource(e) == "persistentvolumes")

# --- keyword: bodies

ask("keyword", 'kubernetes.audit.requestObject.spec.containers.image: evil.registry.example/*', lambda e: any(i.startswith("evil.registry.example/") for i in asked(e, "spec", "containers", "image")))
ask("keyword", 'kubernetes.audit.requestObject.rules.verbs: "*"', lambda e: "*" in asked(e, "rules", "verbs"))
ask("keyword", 'kubernetes.audit.requestObject.rules.verbs: (escalate or bind or impersonate) and kubernetes.audit.requestObject.rules.resources: *roles', lambda e: {"escalate", "bind", "impersonate"} & set(asked(e, "rules", "verbs")) and any(r.endswith("roles") for r in asked(e, "rules", "resources")))
ask("keyword", 'kubernetes.audit.responseObject.rules.resources: secrets and kubernetes.audit.responseObject.rules.verbs: (get or "*")', lambda e: "secrets" in answered(e, "rules", "resources") and {"get", "*"} & set(answered(e, "rules", "verbs")))
ask("keyword", 'kubernetes.audit.requestObject.roleRef.name: cluster-admin and kubernetes.audit.requestObject.subjects.kind: User', lambda e: "cluster-admin" in asked(e, "roleRef", "name") and "User" in asked(e, "subjects", "kind"))
ask("keyword", 'kubernetes.audit.requestObject.subjects.name: (trent@corp.example or "system:unauthenticated")', lambda e: {"trent@corp.example", "system:unauthenticated"} & set(asked(e, "subjects", "name")))
ask("keyword", 'kubernetes.audit.requestObject.spec.type: (NodePort or LoadBalancer)', lambda e: {"NodePort", "LoadBalancer"} & set(asked(e, "spec", "type")))
ask("keyword", 'kubernetes.audit.requestObject.spec.serviceAccountName: default', lambda e: "default" in asked(e, "spec", "serviceAccountName"))
ask("keyword", 'kubernetes.audit.requestObject.spec.containers.securityContext.capabilities.add: (SYS_ADMIN or SYS_PTRACE)', lambda e: {"SYS_ADMIN", "SYS_PTRACE"} & set(asked(e, "spec", "containers", "securityContext", "capabilities", "add")))
ask("keyword", 'kubernetes.audit.requestObject.spec.volumes.hostPath.path: (/ or "/etc" or /var/run*)', lambda e: any(p in ("/", "/etc") or p.startswith("/var/run") for p in asked(e, "spec", "volumes", "hostPath", "path")))
ask("keyword", 'kubernetes.audit.requestObject.spec.template.spec.containers.image: *nginx*', lambda e: any("nginx" in i for i in asked(e, "spec", "template", "spec", "containers", "image")))
ask("keyword", 'kubernetes.audit.requestObject.spec.ephemeralContainers.image: *', lambda e: asked(e, "spec", "ephemeralContainers", "image"))
ask("keyword", 'kubernetes.audit.requestObject.spec.signerName: "kubernetes.io/kube-apiserver-client" and kubernetes.audit.verb: create', lambda e: "kubernetes.io/kube-apiserver-client" in asked(e, "spec", "signerName") and verb(e) == "create")
ask("keyword", 'kubernetes.audit.requestObject.webhooks.failurePolicy: Ignore', lambda e: "Ignore" in asked(e, "webhooks", "failurePolicy"))
ask("keyword", 'kubernetes.audit.requestObject.spec.jobTemplate.spec.template.spec.restartPolicy: OnFailure and kubernetes.audit.verb: create', lambda e: "OnFailure" in asked(e, "spec", "jobTemplate", "spec", "template", "spec", "restartPolicy") and verb(e) == "create")
ask("keyword", 'kubewitness.fields.ka_target_resource: certificatesigningrequests and kubewitness.fields.ka_verb: (create or update)', lambda e: resource(e) == "certificatesigningrequests" and verb(e) in ("create", "update"))

refuse("keyword", 'kubernetes.audit.verb: GET', lambda e: verb(e) == "GET")
refuse("keyword", 'kubernetes.audit.verb: delet', lambda e: verb(e) == "delet")
refuse("keyword", 'kubernetes.audit.objectRef.resource: secret', lambda e: resource(e) == "secret")
refuse("keyword", 'kubernetes.audit.stage: responsecomplete', lambda e: stage(e) == "responsecomplete")
refuse("keyword", 'user.name: mallory', lambda e: user(e) == "mallory")
refuse("keyword", 'user_agent.original: "curl*"', lambda e: agent(e) == "curl*")
refuse("keyword", 'kubernetes.audit.requestURI: "/api/v1/pods/"', lambda e: uri(e) == "/api/v1/pods/")
refuse("keyword", 'kubernetes.audit.level: Request*Received', lambda e: re.fullmatch("Request.*Received", one(e, "level") or ""))
refuse("keyword", 'kubernetes.audit.user.groups: "system:authenticated system:masters"', lambda e: "system:authenticated system:masters" in at(e, "user", "groups"))
refuse("keyword", 'kubernetes.audit.annotations.authorization_k8s_io/decision: (allow and forbid)', lambda e: False)
refuse("keyword", 'kubernetes.audit.requestObject.rules.verbs: "get*"', lambda e: "get*" in asked(e, "rules", "verbs"))
refuse("keyword", 'kubernetes.audit.annotations.authorization.k8s.io/decision: allow', lambda e: False)

# --- integer and long

ask("integer", 'kubernetes.audit.responseStatus.code >= 500', lambda e: code(e) >= 500)
ask("integer", 'kubernetes.audit.responseStatus.code > 400 and kubernetes.audit.responseStatus.code < 409 and user.name: *@corp.example', lambda e: 400 < code(e) < 409 and user(e).endswith("@corp.example"))
ask("integer", 'kubernetes.audit.responseStatus.code: (101 or 422)', lambda e: code(e) in (101, 422))
ask("long", 'kubernetes.audit.requestObject.spec.replicas: 0 and kubernetes.audit.verb: (patch or update) and kubernetes.audit.objectRef.subresource: *', lambda e: 0 in asked(e, "spec", "replicas") and verb(e) in ("patch", "update") and sub(e))
ask("long", 'kubernetes.audit.requestObject.spec.expirationSeconds >= 86400', lambda e: any(s >= 86400 for s in asked(e, "spec", "expirationSeconds")))
ask("long", 'kubernetes.audit.requestObject.spec.containers.securityContext.runAsUser: 0', lambda e: 0 in asked(e, "spec", "containers", "securityContext", "runAsUser"))
ask("long", 'kubewitness.fields.kw_response_code.number >= 409 and kubewitness.fields.kw_response_code.number <= 422', lambda e: 409 <= code(e) <= 422)

refuse("integer", 'kubernetes.audit.responseStatus.code > 600', lambda e: code(e) > 600)
refuse("integer", 'kubernetes.audit.responseStatus.code < 100', lambda e: 0 < code(e) < 100)
refuse("integer", 'kubernetes.audit.responseStatus.code: 40', lambda e: code(e) == 40)
refuse("integer", 'kubernetes.audit.responseStatus.code: 0', lambda e: "responseStatus" in e and e["responseStatus"].get("code") == 0)
refuse("integer", 'kubernetes.audit.responseStatus.code > 200 and kubernetes.audit.responseStatus.code < 201', lambda e: False)
refuse("long", 'kubernetes.audit.requestObject.spec.replicas < 0', lambda e: any(r < 0 for r in asked(e, "spec", "replicas") if isinstance(r, int)))
refuse("long", 'kubernetes.audit.requestObject.spec.expirationSeconds: 36', lambda e: 36 in asked(e, "spec", "expirationSeconds"))
refuse("long", 'kubernetes.audit.requestObject.spec.replicas > 1000', lambda e: any(r > 1000 for r in asked(e, "spec", "replicas") if isinstance(r, int)))
refuse("long", 'kubewitness.filed < 0', lambda e: False)
refuse("long", 'kubewitness.flags >= 0', lambda e: False)

# --- boolean

ask("boolean", 'kubernetes.audit.requestObject.spec.hostPID: true', lambda e: True in [v is True for v in asked(e, "spec", "hostPID")])
ask("boolean", 'kubernetes.audit.requestObject.spec.hostNetwork: true and not kubernetes.audit.requestObject.spec.hostPID: true', lambda e: True in asked(e, "spec", "hostNetwork") and True not in asked(e, "spec", "hostPID"))
ask("boolean", 'kubernetes.audit.requestObject.spec.hostIPC: true', lambda e: True in asked(e, "spec", "hostIPC"))
ask("boolean", 'kubernetes.audit.requestObject.spec.containers.securityContext.privileged: true', lambda e: True in asked(e, "spec", "containers", "securityContext", "privileged"))
ask("boolean", 'kubernetes.audit.responseObject.status.allowed: (true or false)', lambda e: answered(e, "status", "allowed"))
ask("boolean", 'kubewitness.last_stage: false and kubernetes.audit.objectRef.resource: serviceaccounts and kubernetes.audit.verb: get', lambda e: not last(e) and resource(e) == "serviceaccounts" and verb(e) == "get")

refuse("boolean", 'kubernetes.audit.requestObject.spec.hostIPC: false and kubernetes.audit.requestObject.spec.hostIPC: true', lambda e: False)
refuse("boolean", 'kubewitness.last_stage: true and kubernetes.audit.stage: RequestReceived', lambda e: last(e) and stage(e) == "RequestReceived")
refuse("boolean", 'not kubewitness.last_stage: *', lambda e: False)
refuse("boolean", 'kubewitness.reduced: true', lambda e: False)
refuse("boolean", 'kubernetes.audit.requestObject.spec.hostNetwork: false and kubernetes.audit.requestObject.spec.hostNetwork: *  and kubernetes.audit.verb: delete', lambda e: False in asked(e, "spec", "hostNetwork") and verb(e) == "delete")

# --- ip

ask("ip", 'source.ip: "203.0.113.0/28" and kubernetes.audit.verb: create', lambda e: inside(source(e), "203.0.113.0/28") and verb(e) == "create")
ask("ip", 'source.ip: "10.52.1.77" or client.ip: "10.20.0.31"', lambda e: source(e) in (ipaddress.ip_address("10.52.1.77"), ipaddress.ip_address("10.20.0.31")))
ask("ip", 'source.ip >= "10.20.0.9" and source.ip <= "10.20.0.13" and kubewitness.last_stage: true', lambda e: source(e) and source(e).version == 4 and ipaddress.ip_address("10.20.0.9") <= source(e) <= ipaddress.ip_address("10.20.0.13") and last(e))
ask("ip", 'source.ip: "::1" and kubernetes.audit.verb: (create or delete)', lambda e: source(e) == ipaddress.ip_address("::1") and verb(e) in ("create", "delete"))
ask("ip", 'related.ip: "203.0.113.9"', lambda e: ipaddress.ip_address("203.0.113.9") in addresses(e))
ask("ip", 'related.ip: "10.0.0.0/24" and source.ip: "203.0.113.0/24"', lambda e: any(inside(a, "10.0.0.0/24") for a in addresses(e)) and inside(source(e), "203.0.113.0/24"))
ask("ip", 'related.ip: "10.0.0.0/29" and not source.ip: "10.0.0.0/29"', lambda e: any(a in PROXIES for a in addresses(e)) and source(e) not in PROXIES)

ask("ip", 'kubernetes.audit.protoPayload.requestMetadata.callerIp: "203.0.113.0/24"', lambda e: any(inside(ipaddress.ip_address(a), "203.0.113.0/24") for a in at(e, "protoPayload", "requestMetadata", "callerIp")))

refuse("ip", 'source.ip: "203.0.113.128/25"', lambda e: inside(source(e), "203.0.113.128/25"))
refuse("ip", 'source.ip: "10.20.0.1"', lambda e: source(e) == ipaddress.ip_address("10.20.0.1"))
refuse("ip", 'source.ip: "2001:db8::/32"', lambda e: inside(source(e), "2001:db8::/32"))
refuse("ip", 'source.ip > "203.0.113.66" and source.ip < "203.0.113.100"', lambda e: source(e) and source(e).version == 4 and ipaddress.ip_address("203.0.113.66") < source(e) < ipaddress.ip_address("203.0.113.100"))
refuse("ip", 'source.ip: "0.0.0.0"', lambda e: source(e) == ipaddress.ip_address("0.0.0.0"))
refuse("ip", 'source.ip: "10.96.0.0/16"', lambda e: inside(source(e), "10.96.0.0/16"))

# --- date

ask("date", '@timestamp >= "2026-11-21T19:18:40Z" and @timestamp < "2026-11-21T19:18:50Z" and user.name: *@*', lambda e: "2026-11-21T19:18:40" <= e["stageTimestamp"] < "2026-11-21T19:18:50" and "@" in user(e))
ask("date", '@timestamp < "2026-11-21T19:01:21Z" and kubernetes.audit.verb: delete', lambda e: e["stageTimestamp"] < "2026-11-21T19:01:21" and verb(e) == "delete")
ask("date", 'kubernetes.audit.requestReceivedTimestamp > "2026-11-21T19:18:50.000Z" and kubernetes.audit.objectRef.resource: pods and kubernetes.audit.stage: ResponseComplete', lambda e: e["requestReceivedTimestamp"] > "2026-11-21T19:18:50.000999" and resource(e) == "pods" and stage(e) == "ResponseComplete")
ask("date", 'kubernetes.audit.stageTimestamp: "2026-11-21T19:01:20.512Z" and kubernetes.audit.objectRef.resource: secrets', lambda e: e["stageTimestamp"].startswith("2026-11-21T19:01:20.512") and resource(e) == "secrets")
ask("date", 'kubernetes.audit.responseObject.status.expirationTimestamp < "2026-11-21T20:02:00Z"', lambda e: any(t < "2026-11-21T20:02:00" for t in answered(e, "status", "expirationTimestamp")))

refuse("date", '@timestamp < "2026-11-21T19:01:20.512Z"', lambda e: e["stageTimestamp"] < "2026-11-21T19:01:20.512")
refuse("date", '@timestamp > "2026-11-22"', lambda e: e["stageTimestamp"] > "2026-11-22")
refuse("date", 'kubernetes.audit.stageTimestamp: "2025-11-21"', lambda e: e["stageTimestamp"].startswith("2025-11-21"))
refuse("date", 'kubernetes.audit.requestReceivedTimestamp > "2026-11-21T19:01:21Z" and kubernetes.audit.requestReceivedTimestamp < "2026-11-21T19:02:00Z"', lambda e: "2026-11-21T19:01:21" < e["requestReceivedTimestamp"] < "2026-11-21T19:02:00")
refuse("date", 'not @timestamp: *', lambda e: False)

# --- flattened

ask("flattened", 'kubernetes.audit.requestObject.metadata.labels.team: *', lambda e: "team" in labels(e))
ask("flattened", 'kubernetes.audit.requestObject.metadata.labels.app.kubernetes.io/name: toolbox', lambda e: labels(e).get("app.kubernetes.io/name") == "toolbox")
ask("flattened", 'kubernetes.audit.requestObject.metadata.labels: toolbox', lambda e: "toolbox" in labels(e).values())
ask("flattened", 'kubewitness.annotations.k8s.io/deprecated: "true"', lambda e: annotation(e, "k8s.io/deprecated") == "true")
ask("flattened", 'kubewitness.annotations.apiserver.latency.k8s.io/total: *', lambda e: annotation(e, "apiserver.latency.k8s.io/total"))
ask("flattened", 'kubewitness.user_extra.authentication.kubernetes.io/node-name: worker-1', lambda e: "worker-1" in at(e, "user", "extra", "authentication.kubernetes.io/node-name"))
ask("flattened", 'kubewitness.impersonated_extra.scopes: (a and b)', lambda e: {"a", "b"} <= set(at(e, "impersonatedUser", "extra", "scopes")))
ask("flattened", 'labels.environment: production and labels.region: eu-* and kubernetes.audit.verb: watch', lambda e: verb(e) == "watch")
ask("flattened", 'kubernetes.audit.requestObject.spec.selector.matchLabels.app: web', lambda e: "web" in asked(e, "spec", "selector", "matchLabels", "app"))

refuse("flattened", 'labels.environment: prod', lambda e: False)
refuse("flattened", 'labels.stage: *', lambda e: False)
refuse("flattened", 'kubernetes.audit.requestObject.metadata.labels.app: WEB', lambda e: labels(e).get("app") == "WEB")
refuse("flattened", 'kubewitness.annotations.authorization.k8s.io/decision: allo', lambda e: decision(e) == "allo")
refuse("flattened", 'kubewitness.user_extra.scopes: *', lambda e: at(e, "user", "extra", "scopes"))
refuse("flattened", 'kubewitness.annotations.authorization_k8s_io/decision: *', lambda e: False)

# --- text: the sentence, of which the events say that it must have these words

ask("text", 'message: impersonating and kubewitness.last_stage: true and not event.outcome: failure', lambda e: e.get("impersonatedUser") and last(e) and outcome(e) != "failure")
ask("text", 'message: "failed authentication"', lambda e: code(e) == 401)
ask("text", 'message: trent and kubernetes.audit.user.username: trent* and message: DENIED', lambda e: user(e).startswith("trent") and decision(e) == "forbid")
ask("text", 'message: "did a dry run of"', lambda e: ("dryRun=All" in uri(e) and verb(e) in ("patch", "update", "create") or "All" in asked(e, "dryRun")) and stage(e) != "RequestReceived" and code(e) < 300)
ask("text", 'message: panicked', lambda e: stage(e) == "Panic")

refuse("text", 'message: "authentication failed" and kubernetes.audit.responseStatus.code: 401', lambda e: False)
refuse("text", 'message: impersonat', lambda e: False)
refuse("text", 'error.message: *', lambda e: False)
refuse("text", 'message: panicked and event.outcome: success', lambda e: stage(e) == "Panic" and outcome(e) == "success")
refuse("text", 'not message: *', lambda e: False)


def main():
    events = []
    for arg in sys.argv[1:]:
        corpus, path = arg.split("=", 1)
        opened = gzip.open(path, "rt", encoding="utf-8") if path.endswith(".gz") else open(path, encoding="utf-8")
        with opened as lines:
            events += [("%s:%d" % (corpus, n), json.loads(line)) for n, line in enumerate(lines, 1)]
    answers, wrong = [], []
    for kind, kql, means in questions:
        ids = [at_line for at_line, e in events if means(e)]
        if bool(ids) == kind.endswith("none"):
            wrong.append("%s: %d events answer it" % (kql, len(ids)))
        answers.append(json.dumps({"kind": kind, "kql": kql, "ids": ids}))
    if wrong:
        sys.exit("\n".join(wrong))
    print("[\n" + ",\n".join(answers) + "\n]")


main()
