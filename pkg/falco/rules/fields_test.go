package rules_test

import (
	"strings"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
)

// auditFields stands in for the catalogue of fields, which this package must
// not know.
type auditFields struct{}

var (
	plainFields = words(`ka.auditid ka.stage ka.auth.decision ka.auth.reason ka.user.name ka.impuser.name ka.verb ka.uri
		ka.target.name ka.target.namespace ka.target.resource ka.target.subresource ka.target.pod.name
		ka.req.binding.role ka.req.configmap.name ka.req.configmap.obj ka.req.container.image ka.req.container.privileged
		ka.req.container.host_network ka.req.container.image.repository ka.req.pod.host_ipc ka.req.pod.host_network
		ka.req.pod.host_pid ka.req.pod.run_as_user ka.req.pod.run_as_group ka.req.pod.fs_group
		ka.req.service.type ka.resp.name ka.response.code ka.response.reason ka.useragent ka.cluster.name
		jevt.obj jevt.rawtime json.obj json.rawtime
		evt.time evt.time.s evt.time.iso8601 evt.datetime evt.datetime.s evt.pluginname evt.plugininfo evt.source evt.asynctype evt.hostname`)
	keyFields  = words(`ka.uri.param ka.req.binding.subject.has_name ka.req.volume.hostpath jevt.value json.value`)
	listFields = words(`ka.user.groups ka.req.binding.subjects ka.req.binding.subjects.user_names
		ka.req.binding.subjects.serviceaccount_names ka.req.binding.subjects.serviceaccount_ns_names
		ka.req.binding.subjects.group_names ka.req.pod.supplemental_groups ka.req.role.rules`)
	indexFields = words(`args command name image image.repository host_port privileged allow_privilege_escalation read_only_fs
		run_as_user eff_run_as_user run_as_group eff_run_as_group proc_mount add_capabilities`)
	otherIndexFields = words(`ka.req.role.rules.apiGroups ka.req.role.rules.nonResourceURLs ka.req.role.rules.verbs
		ka.req.role.rules.resources ka.req.service.ports ka.req.pod.volumes.hostpath ka.req.pod.volumes.flexvolume_driver
		ka.req.pod.volumes.volume_type ka.sourceips`)
	timeFields = words(`evt.rawtime evt.rawtime.s evt.rawtime.ns`)
	relFields  = words(`evt.reltime evt.reltime.s evt.reltime.ns`)
)

func words(s string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(s) {
		set[w] = true
	}
	return set
}

func (auditFields) Field(name string) (condition.FieldInfo, bool) {
	info := condition.FieldInfo{Name: name}
	_, part, container := strings.Cut(name, "ontainers.")
	switch {
	case plainFields[name]:
	case keyFields[name]:
		info.ArgAllowed, info.ArgRequired = true, true
	case listFields[name]:
		info.List = true
	case container && strings.HasPrefix(name, "ka.req.pod.") && indexFields[part], otherIndexFields[name]:
		info.List, info.ArgAllowed, info.ArgIndex = true, true, true
	case name == "evt.num":
		info.Type = condition.TypeUint64
	case name == "evt.is_async":
		info.Type = condition.TypeBool
	case timeFields[name]:
		info.Type = condition.TypeAbsTime
	case relFields[name]:
		info.Type = condition.TypeRelTime
	default:
		return info, false
	}
	return info, true
}
