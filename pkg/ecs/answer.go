package ecs

import (
	"github.com/kubewitness/kubewitness/pkg/audit"
)

// answered appends who, what, when and where, but for what documents have elsewhere,
// where the answer's names are aliases, and what the users' extra has.
func (w *writer) answered(dst []byte) []byte {
	dst = w.who(dst)
	dst = w.what(dst)
	if latency := w.answer.When.Latency; latency > 0 {
		dst = number(dst, `"when":{"latency_ns":`, int64(latency))
		dst[len(dst)-1] = '}'
		dst = append(dst, ',')
	}
	dst = w.where(dst)
	dst = w.flattened(dst, `"user_extra":`, "user_extra", w.root.Path("user", "extra"))
	return w.flattened(dst, `"impersonated_extra":`, "impersonated_extra", w.root.Path("impersonatedUser", "extra"))
}

func (w *writer) who(dst []byte) []byte {
	who := &w.answer.Who
	mark := len(dst)
	dst = openObject(dst, `"who":`)
	dst = member(dst, `"kind":`, string(who.Kind))
	if account := who.ServiceAccount; account != nil {
		inner := len(dst)
		dst = openObject(dst, `"service_account":`)
		dst = member(dst, `"namespace":`, account.Namespace)
		dst = member(dst, `"name":`, account.Name)
		dst = closeObject(dst, inner)
	}
	if as := who.Impersonated; as != nil {
		dst = member(dst, `"impersonated":{"kind":`, string(as.Kind))
		dst[len(dst)-1] = '}'
		dst = append(dst, ',')
	}
	dst = member(dst, `"pod":`, who.Pod)
	dst = member(dst, `"node":`, who.Node)
	dst = member(dst, `"credential_id":`, who.CredentialID)
	dst = member(dst, `"client":`, who.Client)
	return closeObject(dst, mark)
}

func (w *writer) where(dst []byte) []byte {
	p := &w.answer.Where
	mark := len(dst)
	dst = openObject(dst, `"where":`)
	dst = member(dst, `"namespace":`, p.Namespace)
	dst = member(dst, `"object":`, p.Object)
	dst = member(dst, `"uid":`, p.UID)
	dst = member(dst, `"node":`, p.Node)
	dst = member(dst, `"container":`, p.Container)
	return closeObject(dst, mark)
}

func (w *writer) what(dst []byte) []byte {
	q := &w.answer.What
	mark := len(dst)
	dst = openObject(dst, `"what":`)
	dst = member(dst, `"action":`, string(q.Action))
	dst = member(dst, `"outcome":`, string(q.Outcome))
	dst = member(dst, `"name":`, q.Name)
	dst = member(dst, `"generate_name":`, q.GenerateName)
	dst = member(dst, `"path":`, q.Path)
	dst = member(dst, `"field_selector":`, q.FieldSelector)
	dst = member(dst, `"label_selector":`, q.LabelSelector)
	if q.Items != nil {
		dst = number(dst, `"items":`, int64(*q.Items))
	}
	dst = yes(dst, `"dry_run":`, q.DryRun)
	dst = yes(dst, `"dry_run_claimed":`, q.DryRunClaimed)
	dst = member(dst, `"review_uid":`, q.ReviewUID)
	dst = list(dst, `"command":`, q.Command)
	dst = yes(dst, `"stdin":`, q.Stdin)
	dst = yes(dst, `"tty":`, q.TTY)
	dst = yes(dst, `"follow":`, q.Follow)
	dst = yes(dst, `"previous":`, q.Previous)
	dst = list(dst, `"ports":`, q.Ports)
	dst = list(dst, `"patch":`, q.Patch)
	dst = list(dst, `"privileges":`, q.Privileges)
	if q.Replicas != nil {
		dst = number(dst, `"replicas":`, *q.Replicas)
	}
	dst = yes(dst, `"terminating":`, q.Terminating)
	dst = appendDetail(dst, q)
	dst = appendGrant(dst, q)
	return closeObject(dst, mark)
}

// appendDetail appends the parts of an answer that only requests of one kind have.
func appendDetail(dst []byte, q *audit.What) []byte {
	mark := len(dst)
	if p := q.Proxy; p != nil {
		dst = openObject(dst, `"proxy":`)
		dst = member(dst, `"scheme":`, p.Scheme)
		dst = member(dst, `"port":`, p.Port)
		dst = member(dst, `"path":`, p.Path)
		dst = closeObject(dst, mark)
	}
	mark = len(dst)
	if t := q.Token; t != nil {
		dst = openObject(dst, `"token":`)
		dst = list(dst, `"audiences":`, t.Audiences)
		if t.ExpirationSeconds != 0 {
			dst = number(dst, `"expiration_seconds":`, t.ExpirationSeconds)
		}
		dst = member(dst, `"bound_kind":`, t.BoundKind)
		dst = member(dst, `"bound_name":`, t.BoundName)
		dst = member(dst, `"credential_id":`, t.CredentialID)
		dst = closeObject(dst, mark)
	}
	mark = len(dst)
	if c := q.Certificate; c != nil {
		dst = openObject(dst, `"certificate":`)
		dst = member(dst, `"signer":`, c.Signer)
		dst = member(dst, `"requester":`, c.Requester)
		dst = list(dst, `"usages":`, c.Usages)
		dst = yes(dst, `"approved":`, c.Approved)
		dst = yes(dst, `"denied":`, c.Denied)
		dst = closeObject(dst, mark)
	}
	mark = len(dst)
	if d := q.Denied; d != nil {
		dst = openObject(dst, `"denied_impersonation":`)
		dst = member(dst, `"kind":`, d.Kind)
		dst = member(dst, `"name":`, d.Name)
		dst = closeObject(dst, mark)
	}
	return appendAccess(dst, q.Access)
}

func appendAccess(dst []byte, a *audit.Access) []byte {
	if a == nil {
		return dst
	}
	mark := len(dst)
	dst = openObject(dst, `"access":`)
	dst = member(dst, `"user":`, a.User)
	dst = member(dst, `"verb":`, a.Verb)
	dst = member(dst, `"api_group":`, a.APIGroup)
	dst = member(dst, `"resource":`, a.Resource)
	dst = member(dst, `"subresource":`, a.Subresource)
	dst = member(dst, `"namespace":`, a.Namespace)
	dst = member(dst, `"name":`, a.Name)
	dst = member(dst, `"path":`, a.Path)
	switch {
	case a.Allowed == nil:
	case *a.Allowed:
		dst = append(dst, `"allowed":true,`...)
	default:
		dst = append(dst, `"allowed":false,`...)
	}
	return closeObject(dst, mark)
}

// appendGrant appends what a role or a role binding gives.
func appendGrant(dst []byte, q *audit.What) []byte {
	mark := len(dst)
	if g := q.Grant; g != nil {
		dst = openObject(dst, `"grant":`)
		dst = member(dst, `"role_kind":`, g.RoleKind)
		dst = member(dst, `"role":`, g.Role)
		dst = appendObjects(dst, `"subjects":`, g.Subjects, func(dst []byte, s *audit.Subject) []byte {
			dst = member(dst, `"kind":`, s.Kind)
			dst = member(dst, `"namespace":`, s.Namespace)
			return member(dst, `"name":`, s.Name)
		})
		dst = closeObject(dst, mark)
	}
	return appendObjects(dst, `"rules":`, q.Rules, func(dst []byte, r *audit.Rule) []byte {
		dst = list(dst, `"verbs":`, r.Verbs)
		dst = list(dst, `"api_groups":`, r.APIGroups)
		dst = list(dst, `"resources":`, r.Resources)
		dst = list(dst, `"resource_names":`, r.ResourceNames)
		return list(dst, `"non_resource_urls":`, r.NonResourceURLs)
	})
}

// appendObjects appends an array of objects, those without members left out; nothing
// where none is left.
func appendObjects[T any](dst []byte, key string, all []T, one func([]byte, *T) []byte) []byte {
	start := len(dst)
	dst = append(dst, key...)
	dst = append(dst, '[')
	for i := range all {
		mark := len(dst)
		dst = one(append(dst, '{'), &all[i])
		dst = closeObject(dst, mark)
	}
	if dst[len(dst)-1] == '[' {
		return dst[:start]
	}
	dst[len(dst)-1] = ']'
	return append(dst, ',')
}
