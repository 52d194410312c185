package ruletest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// The event as the API server writes it, members in its order.
type (
	eventRecord struct {
		Kind             string            `json:"kind"`
		APIVersion       string            `json:"apiVersion"`
		Level            string            `json:"level"`
		AuditID          string            `json:"auditID"`
		Stage            string            `json:"stage"`
		RequestURI       string            `json:"requestURI"`
		Verb             string            `json:"verb"`
		User             *identity         `json:"user"`
		ImpersonatedUser *identity         `json:"impersonatedUser,omitempty"`
		SourceIPs        []string          `json:"sourceIPs,omitempty"`
		UserAgent        string            `json:"userAgent,omitempty"`
		ObjectRef        *objectRef        `json:"objectRef,omitempty"`
		ResponseStatus   *responseStatus   `json:"responseStatus,omitempty"`
		RequestObject    any               `json:"requestObject,omitempty"`
		ResponseObject   any               `json:"responseObject,omitempty"`
		Received         string            `json:"requestReceivedTimestamp"`
		StageTimestamp   string            `json:"stageTimestamp"`
		Annotations      map[string]string `json:"annotations,omitempty"`
	}

	objectRef struct {
		Resource        string `json:"resource,omitempty"`
		Namespace       string `json:"namespace,omitempty"`
		Name            string `json:"name,omitempty"`
		UID             string `json:"uid,omitempty"`
		APIGroup        string `json:"apiGroup,omitempty"`
		APIVersion      string `json:"apiVersion,omitempty"`
		ResourceVersion string `json:"resourceVersion,omitempty"`
		Subresource     string `json:"subresource,omitempty"`
	}

	responseStatus struct {
		Metadata struct{}       `json:"metadata"`
		Status   string         `json:"status,omitempty"`
		Message  string         `json:"message,omitempty"`
		Reason   string         `json:"reason,omitempty"`
		Details  *statusDetails `json:"details,omitempty"`
		Code     int            `json:"code,omitempty"`
	}

	statusDetails struct {
		Name  string `json:"name,omitempty"`
		Group string `json:"group,omitempty"`
		Kind  string `json:"kind,omitempty"`
	}
)

// microTime is how the API server writes times.
const microTime = "2006-01-02T15:04:05.000000Z"

// after is when a stage comes, after the request.
var after = map[string]time.Duration{
	"ResponseStarted": 3 * time.Millisecond, "ResponseComplete": 8 * time.Millisecond, "Panic": 8 * time.Millisecond,
}

// stagesOf are the stages that the request has, in their order.
func (q *request) stagesOf() []string {
	switch {
	case q.stages != nil:
		return q.stages
	case q.code == 401:
		return []string{"ResponseStarted"}
	case q.open():
		return []string{"RequestReceived", "ResponseStarted", "ResponseComplete"}
	}
	return []string{"RequestReceived", "ResponseComplete"}
}

// record gives the event of a stage.
func (q *request) record(stage string) *eventRecord {
	e := &eventRecord{
		Kind: "Event", APIVersion: "audit.k8s.io/v1", Level: q.level, AuditID: q.auditID, Stage: stage,
		RequestURI: q.requestURI(), Verb: q.verb, User: q.user, ImpersonatedUser: q.as, SourceIPs: q.sourceIPs, UserAgent: q.agent,
		Received: q.begin.Format(microTime), StageTimestamp: q.begin.Add(after[stage]).Format(microTime),
	}
	if q.code == 401 {
		e.User, e.ImpersonatedUser = &identity{}, nil
	}
	if stage == "RequestReceived" {
		e.ImpersonatedUser = nil // that is found out later
	}
	if q.typ.resource != "" {
		e.ObjectRef = q.reference(stage)
	}
	if stage == "RequestReceived" {
		return e
	}
	status := q.responseStatus()
	e.ResponseStatus = &status
	if q.code != 401 {
		e.Annotations = q.notes()
	}
	if stage == "ResponseStarted" && q.code != 401 && q.code < 400 {
		return e
	}
	if q.level != "Metadata" {
		e.RequestObject = q.body
	}
	if q.level == "RequestResponse" {
		e.ResponseObject = q.answer
	}
	return e
}

// reference is the objectRef. At first it is what the path says; the object of the request,
// once that was read, completes it.
func (q *request) reference(stage string) *objectRef {
	ref := &objectRef{
		Resource: q.typ.resource, Namespace: q.namespace, APIGroup: q.typ.group, APIVersion: q.typ.version, Subresource: q.sub,
	}
	if q.verb != "create" || q.sub != "" {
		ref.Name = q.name
	}
	if q.typ.resource == "namespaces" && q.typ.group == "" && ref.Name != "" {
		ref.Namespace = ref.Name // as its path reads
	}
	body, _ := q.body.(map[string]any)
	if stage == "RequestReceived" || !q.writes() || body == nil {
		return ref
	}
	meta, _ := body["metadata"].(map[string]any)
	for _, m := range []struct {
		key string
		to  *string
	}{{"name", &ref.Name}, {"namespace", &ref.Namespace}, {"uid", &ref.UID}, {"resourceVersion", &ref.ResourceVersion}} {
		if text, ok := meta[m.key].(string); ok && *m.to == "" {
			*m.to = text
		}
	}
	return ref
}

// notes are the annotations.
func (q *request) notes() map[string]string {
	const decision, reason = "authorization.k8s.io/decision", "authorization.k8s.io/reason"
	notes := map[string]string{decision: q.decision, reason: ""}
	if q.decision == "allow" {
		notes[reason] = fmt.Sprintf("RBAC: allowed by ClusterRoleBinding %q of ClusterRole %q to User %q", "test", "test", q.actor().Username)
	}
	for key, value := range q.annotations {
		notes[key] = value
	}
	return notes
}

// events gives the events of the request, ready to be judged.
func (q *request) events(file string, line int) ([]*audit.Event, error) {
	var all []*audit.Event
	for _, stage := range q.stagesOf() {
		text, err := json.Marshal(q.record(stage))
		if err != nil {
			return nil, err
		}
		e, err := audit.NewReader(bytes.NewReader(text), file, audit.Limits{}).Next()
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, err
		}
		e.Line, e.Cluster = int64(line), q.cluster
		all = append(all, e)
	}
	return all, nil
}
