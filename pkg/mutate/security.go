package mutate

import (
	"maps"
	"slices"
	"strings"
)

// security sets what security contexts do not say.
type security struct {
	containers bool // of these, else of the pod
	defaults   map[string]any
}

// shared are the members that a container's context takes from the pod's.
var shared = []string{"appArmorProfile", "runAsGroup", "runAsNonRoot", "runAsUser", "seLinuxOptions", "seccompProfile", "windowsOptions"}

func (a *security) apply(t *target) error {
	if t.pod == nil || !t.made {
		return nil
	}
	spec, err := t.pod.member("spec")
	if err != nil || spec.object == nil {
		return err
	}
	os, err := spec.member("os")
	if err != nil || os.text("name") == "windows" { // it has members of its own, and all others are refused
		return err
	}
	pod, err := spec.member("securityContext")
	if err != nil {
		return err
	}
	if !a.containers {
		return a.into(t, pod, nil)
	}
	all, err := t.listed("containers", "initContainers")
	if err != nil {
		return err
	}
	for _, c := range all {
		context, err := c.member("securityContext")
		if err != nil {
			return err
		}
		if err := a.into(t, context, pod.object); err != nil {
			return err
		}
	}
	return nil
}

// into sets the defaults in a context, which takes over members of the pod's.
func (a *security) into(t *target, context *place, pod map[string]any) error {
	for _, key := range slices.Sorted(maps.Keys(a.defaults)) {
		value := a.defaults[key]
		if key == "capabilities" {
			if err := capabilities(context, value); err != nil {
				return err
			}
			continue
		}
		if context.has(key) || slices.Contains(shared, key) && pod[key] != nil {
			continue
		}
		refused, err := a.contradicts(t, context, pod, key, value)
		if err != nil {
			return err
		}
		if !refused {
			context.set(key, value)
		}
	}
	return nil
}

// capabilities sets the lists that are missing.
func capabilities(context *place, value any) error {
	there, err := context.member("capabilities")
	if err != nil {
		return err
	}
	lists, _ := value.(map[string]any)
	for _, key := range slices.Sorted(maps.Keys(lists)) {
		if !there.has(key) {
			there.set(key, lists[key])
		}
	}
	return nil
}

// contradicts tells whether a value cannot stand beside what is there: the API server or the
// node would refuse the pod.
func (a *security) contradicts(t *target, context *place, pod map[string]any, key string, value any) (bool, error) {
	switch {
	case key == "allowPrivilegeEscalation" && value == false:
		added, err := context.path("capabilities")
		if err != nil {
			return false, err
		}
		list, err := added.list("add")
		return context.object["privileged"] == true || slices.Contains(list, any("SYS_ADMIN")) || slices.Contains(list, any("CAP_SYS_ADMIN")), err
	case key == "runAsNonRoot" && value == true:
		user := context.object["runAsUser"]
		if user == nil {
			user = pod["runAsUser"]
		}
		if isRoot(user) || a.containers {
			return isRoot(user), nil
		}
		return rootContainer(t)
	case key == "appArmorProfile": // it can be said in an annotation, too
		annotations, err := t.pod.path("metadata", "annotations")
		if err != nil {
			return false, err
		}
		for name := range annotations.object {
			if strings.HasPrefix(name, "container.apparmor.security.beta.kubernetes.io/") {
				return true, nil
			}
		}
	}
	return false, nil
}

func isRoot(user any) bool { return user != nil && string(encode(user)) == "0" }

// rootContainer tells whether a container says that it runs as root, and would take the rest
// from the pod.
func rootContainer(t *target) (bool, error) {
	all, err := t.listed("containers", "initContainers")
	for _, c := range all {
		context, err := c.member("securityContext")
		if err != nil {
			return false, err
		}
		if isRoot(context.object["runAsUser"]) && !context.has("runAsNonRoot") {
			return true, nil
		}
	}
	return false, err
}

// tokenless keeps the token of the service account out of a pod.
type tokenless struct{}

// tokenVolume begins the names of the volumes that the API server puts the token in.
const tokenVolume = "kube-api-access-"

func (tokenless) apply(t *target) error {
	const member = "automountServiceAccountToken"
	if t.pod == nil || !t.made {
		return nil
	}
	spec, err := t.pod.member("spec")
	if err != nil || spec.object == nil || spec.has(member) {
		return err
	}
	spec.set(member, false)
	if !t.isPod {
		return nil
	}
	// It is in a pod already before a webhook is asked.
	volumes, err := spec.elements("volumes")
	if err != nil {
		return err
	}
	for i, v := range slices.Backward(volumes) {
		name := v.text("name")
		if !strings.HasPrefix(name, tokenVolume) || !v.has("projected") {
			continue
		}
		if err := spec.remove("volumes", i); err != nil {
			return err
		}
		if err := unmount(t, name); err != nil {
			return err
		}
	}
	return nil
}

// unmount takes the mounts of a volume away.
func unmount(t *target, volume string) error {
	all, err := t.listed(containerLists...)
	if err != nil {
		return err
	}
	for _, c := range all {
		mounts, err := c.elements("volumeMounts")
		if err != nil {
			return err
		}
		for i, m := range slices.Backward(mounts) {
			if m.text("name") != volume {
				continue
			}
			if err := c.remove("volumeMounts", i); err != nil {
				return err
			}
		}
	}
	return nil
}
