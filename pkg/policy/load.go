package policy

import (
	"errors"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	auditinternal "k8s.io/apiserver/pkg/apis/audit"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
	"k8s.io/apiserver/pkg/audit"
	"k8s.io/apiserver/pkg/audit/policy"
)

// Policy is an audit policy as the API server understands it. It is immutable.
type Policy struct {
	Name     string   // of the file, for messages
	Warnings []string // what the API server passes over, such as an unknown field

	omitStages []string // of the whole policy
	rules      []policyRule
	whole      evaluator
}

// policyRule is one rule of a policy, asked on its own.
type policyRule struct {
	rule  auditinternal.PolicyRule
	alone evaluator // whether the rule fits a request
	reach evaluator // likewise, whatever the user, the namespace and the name
}

// evaluator is the API server's.
type evaluator = audit.PolicyRuleEvaluator

// LoadError is a policy that the API server would not start with.
type LoadError struct {
	Name string // of the file
	Err  error
}

// Error names the file, and the field as the API server does: rules[0].level.
func (e *LoadError) Error() string { return fmt.Sprintf("%s: no audit policy: %v", e.Name, e.Err) }

// Unwrap gives the API server's error.
func (e *LoadError) Unwrap() error { return e.Err }

// Load reads a policy, YAML or JSON, by the API server's own loader. The name is for messages. The error is a *[LoadError].
func Load(name string, text []byte) (*Policy, error) {
	known, warnings, err := withoutUnknown(text)
	if err != nil {
		return nil, &LoadError{name, err}
	}
	loaded, err := policy.LoadPolicyFromBytes(known)
	if err != nil {
		return nil, &LoadError{name, err}
	}
	p := compile(name, loaded)
	p.Warnings = warnings
	return p, nil
}

// withoutUnknown gives the policy without the fields that the API server does not know: it passes over them, and says so in
// its log only.
func withoutUnknown(text []byte) (known []byte, warnings []string, err error) {
	strict := serializer.NewCodecFactory(audit.Scheme, serializer.EnableStrict).UniversalDecoder()
	_, _, err = strict.Decode(text, nil, &auditinternal.Policy{})
	if _, _, untyped := audit.Codecs.UniversalDeserializer().Decode(text, nil, nil); runtime.IsMissingKind(untyped) || runtime.IsMissingVersion(untyped) {
		return nil, nil, errors.New("it does not begin with apiVersion: audit.k8s.io/v1 and kind: Policy")
	}
	unknown, ok := runtime.AsStrictDecodingError(err)
	if !ok {
		return text, nil, nil // right, or wrong in another way, which the loader tells
	}
	for _, u := range unknown.Errors() {
		warnings = append(warnings, u.Error()+"; the API server passes over it")
	}
	obj, _, err := audit.Codecs.UniversalDecoder(auditv1.SchemeGroupVersion).Decode(text, nil, nil)
	if err != nil {
		return nil, nil, err
	}
	known, err = runtime.Encode(audit.Codecs.LegacyCodec(auditv1.SchemeGroupVersion), obj)
	if err == nil && len(known) == 0 {
		err = errors.New("nothing is left of it")
	}
	return known, warnings, err
}

func compile(name string, loaded *auditinternal.Policy) *Policy {
	p := &Policy{Name: name, omitStages: stageTexts(loaded.OmitStages)}
	for i := range loaded.Rules {
		rule := loaded.Rules[i].DeepCopy()
		asked := rule.DeepCopy()
		asked.Level = auditinternal.LevelRequestResponse
		reach := asked.DeepCopy()
		reach.Users, reach.UserGroups, reach.Namespaces = nil, nil, nil
		for j := range reach.Resources {
			reach.Resources[j].ResourceNames = nil
		}
		if len(reach.Resources) == 0 && len(rule.Namespaces) > 0 {
			reach.Namespaces = nil // resources of any kind; paths are sorted out by alone
		}
		p.rules = append(p.rules, policyRule{rule: *rule, alone: evaluatorOf(asked), reach: evaluatorOf(reach)})
	}
	p.whole = policy.NewPolicyRuleEvaluator(loaded.DeepCopy())
	return p
}

func evaluatorOf(rule *auditinternal.PolicyRule) evaluator {
	return policy.NewPolicyRuleEvaluator(&auditinternal.Policy{Rules: []auditinternal.PolicyRule{*rule}})
}

func stageTexts(stages []auditinternal.Stage) []string {
	out := make([]string, len(stages))
	for i, s := range stages {
		out[i] = string(s)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Recording is what a policy records of a request.
type Recording struct {
	Level             Level
	OmitStages        []string // sorted
	OmitManagedFields bool
	Rule              int // the policy's rule that fits, from 1; 0 where none does
}

// Record tells what the policy records of a request.
func (p *Policy) Record(r *Request) Recording {
	attrs := r.attributes()
	got := p.whole.EvaluatePolicyRule(attrs)
	rec := Recording{Level: levelOf(got.Level), OmitStages: stageTexts(got.OmitStages), OmitManagedFields: got.OmitManagedFields}
	for i := range p.rules {
		if fits(p.rules[i].alone, attrs) {
			rec.Rule = i + 1
			break
		}
	}
	return rec
}

// Rules is the number of rules.
func (p *Policy) Rules() int { return len(p.rules) }

// Level is how much of a request is recorded, the more the higher.
type Level uint8

// The levels of audit.k8s.io.
const (
	None            Level = iota // nothing
	Metadata                     // who, what, when, and how it ended
	WithRequest                  // and the request's object: Request
	RequestResponse              // and the answer's
)

var levelNames = [...]string{"None", "Metadata", "Request", "RequestResponse"}

// String gives the level as policies write it.
func (l Level) String() string { return levelNames[l] }

func levelOf(l auditinternal.Level) Level {
	return Level(max(0, slices.Index(levelNames[:], string(l))))
}

// The stages of a request.
const (
	RequestReceived  = "RequestReceived"
	ResponseStarted  = "ResponseStarted"
	ResponseComplete = "ResponseComplete"
	Panic            = "Panic"
)

var allStages = []string{RequestReceived, ResponseStarted, ResponseComplete, Panic}
