package indices

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/kubewitness/kubewitness/pkg/elasticsearch"
)

// Client is the part of an elasticsearch.Client that is needed here.
type Client interface {
	Info(ctx context.Context) (elasticsearch.Info, error)
	Do(ctx context.Context, method, path string, body []byte, out any) error
	Bulk(ctx context.Context, target string, body []byte, n int) ([]elasticsearch.BulkItem, error)
}

// Setup puts up what is missing on a cluster, and tells what is wrong with it.
type Setup struct {
	Client  Client
	Options Options
	Now     func() time.Time
}

// Deed is what became of something that has to be there.
type Deed string

// Deeds.
const (
	Unchanged  Deed = "unchanged"
	Created    Deed = "created"
	Updated    Deed = "updated"
	RolledOver Deed = "rolled over" // new documents go into a new index, of the new mapping
	Left       Deed = "left alone"  // and Why tells the reason
)

// Step is one thing that has to be there.
type Step struct {
	What string // "data stream logs-kubernetes.audit_logs-prod"
	Deed Deed
	Why  string // a sentence; "" when there is nothing to explain
}

// Run puts up what is missing or of an older version. What it did before it failed is
// returned with the error, which is one sentence that says what to do.
func (s *Setup) Run(ctx context.Context) ([]Step, error) {
	if err := s.Options.Validate(); err != nil {
		return nil, err
	}
	info, err := s.Client.Info(ctx)
	switch {
	case status(err) == http.StatusForbidden: // what is missing besides is told at once
	case err != nil:
		return nil, errors.New(Reason(err))
	case tooOld(info.Version):
		return nil, errors.New(oldSentence(info.Version))
	}
	if err := s.allowed(ctx); err != nil {
		return nil, err
	}
	age, err := s.aging(ctx)
	if err != nil {
		return nil, errors.New(Reason(err))
	}
	steps := s.aged(age)
	theirs, err := s.elastics(ctx)
	if err != nil {
		return steps, errors.New(Reason(err))
	}
	ours := s.Options.kinds()
	if theirs {
		steps = append(steps, Step{"index template " + elasticsTemplate, Left, "it is that of Elastic's integration for Google Cloud, and " + s.Options.stream(entries) + " is made of it"})
		ours = slices.DeleteFunc(ours, func(k kind) bool { return k == entries })
	}
	for _, r := range s.Options.resources(age, ours) {
		step, err := s.put(ctx, r)
		if err != nil {
			return steps, fmt.Errorf("%s: %s", r.What, Reason(err))
		}
		steps = append(steps, step)
	}
	for _, k := range s.Options.kinds() {
		step, err := s.stream(ctx, k, k == entries && theirs)
		if err != nil {
			return steps, fmt.Errorf("data stream %s: %s", s.Options.stream(k), Reason(err))
		}
		steps = append(steps, step)
	}
	return steps, nil
}

// allowed tells which rights are missing before half of the work is done.
func (s *Setup) allowed(ctx context.Context) error {
	role := SetupRole()
	missing, _, err := s.missing(ctx, role)
	switch {
	case err != nil:
		return errors.New(Reason(err))
	case len(missing) > 0:
		return fmt.Errorf("whoever asks may not set up; missing: %s. The role %s that setup --print writes has these rights",
			strings.Join(missing, ", "), role.Name)
	}
	return nil
}

// aging asks what the server has to delete old documents.
func (s *Setup) aging(ctx context.Context) (aging, error) {
	err := s.Client.Do(ctx, "GET", "/_ilm/status", nil, nil)
	switch {
	case err == nil:
		return policies, nil
	case !absent(err):
		return nothing, err
	}
	err = s.Client.Do(ctx, "GET", "/_data_stream/"+url.PathEscape(s.Options.stream(events))+"/_lifecycle", nil, nil)
	switch {
	case err == nil, status(err) == http.StatusNotFound && !absent(err): // the call is there, the stream is not yet
		return lifecycle, nil
	case !absent(err):
		return nothing, err
	}
	return nothing, nil
}

// aged says how documents end, where that is not as usual.
func (s *Setup) aged(a aging) []Step {
	switch a {
	case lifecycle:
		return []Step{{"ILM policy", Left, "the server has no index lifecycle management; the data streams' own lifecycle takes its place"}}
	case nothing:
		return []Step{{"ILM policy", Left, "the server has no index lifecycle management and no data stream lifecycle: roll over and delete old indices yourself"}}
	}
	return nil
}

// put puts up what is not there, or not as it should be.
func (s *Setup) put(ctx context.Context, r Resource) (Step, error) {
	given, err := s.given(ctx, r)
	if err != nil {
		return Step{}, err
	}
	step := Step{What: r.What, Deed: Updated}
	switch there := versionOf(given); {
	case given == nil:
		step.Deed = Created
	case there > Version:
		return Step{r.What, Left, fmt.Sprintf("it is of version %d, and this program knows %d", there, Version)}, nil
	case holds(given, r.Body):
		return Step{What: r.What, Deed: Unchanged}, nil
	}
	return step, s.Client.Do(ctx, "PUT", r.Path, r.Body, nil)
}

// given is what the server has in the shape in which it was put; nil for nothing.
func (s *Setup) given(ctx context.Context, r Resource) (json.RawMessage, error) {
	var answer map[string]json.RawMessage
	err := s.Client.Do(ctx, "GET", r.get, nil, &answer)
	switch {
	case status(err) == http.StatusNotFound:
		return nil, nil
	case err != nil:
		return nil, err
	}
	for name, value := range answer {
		var list []map[string]json.RawMessage
		switch name {
		case "component_templates", "index_templates":
			if err := json.Unmarshal(value, &list); err != nil || len(list) != 1 {
				return nil, fmt.Errorf("the server gives %d of %s", len(list), r.What)
			}
			return list[0][strings.TrimSuffix(name, "s")], nil
		}
		return value, nil // policies stand under their names
	}
	return nil, nil
}

// versionOf reads our mark out of a template or a policy; 0 when it has none.
func versionOf(given json.RawMessage) int {
	type marked struct {
		Mark mark `json:"kubewitness"`
	}
	var of struct {
		Meta   marked `json:"_meta"`
		Policy struct {
			Meta marked `json:"_meta"`
		} `json:"policy"`
	}
	if json.Unmarshal(given, &of) != nil {
		return 0
	}
	return max(of.Meta.Mark.Version, of.Policy.Meta.Mark.Version)
}

// stream makes a data stream, or has it take a new mapping: that of an index cannot be
// changed in all ways, so new documents go into a new one. One of somebody else's template
// has theirs.
func (s *Setup) stream(ctx context.Context, k kind, theirs bool) (Step, error) {
	name := s.Options.stream(k)
	what := "data stream " + name
	there, err := s.look(ctx, name)
	if err != nil {
		return Step{}, err
	}
	switch there.is {
	case "":
		return Step{What: what, Deed: Created}, s.create(ctx, name)
	case "index", "alias":
		return Step{}, errors.New(wrongSentence(there))
	}
	if theirs {
		return Step{What: what, Deed: Unchanged}, nil
	}
	have, err := s.markOf(ctx, there.writeIndex())
	if err != nil {
		return Step{}, err
	}
	switch {
	case have.Version > Version:
		return Step{what, Left, fmt.Sprintf("its mapping is of version %d, and this program knows %d", have.Version, Version)}, nil
	case have.Mapping == digest(k) && have.Version == Version:
		return Step{What: what, Deed: Unchanged}, nil
	}
	why := fmt.Sprintf("%s was made of version %d of the mapping", there.writeIndex(), have.Version)
	switch have.Version {
	case 0:
		why = there.writeIndex() + " was made of a template that is not kubewitness'"
	case Version:
		why = there.writeIndex() + " was made of another mapping"
	}
	return Step{what, RolledOver, why}, s.Client.Do(ctx, "POST", "/"+url.PathEscape(name)+"/_rollover", nil, nil)
}

// absent reports whether a server lacks the call itself, and not what it asks for.
func absent(err error) bool {
	var refused *elasticsearch.Refused
	if !errors.As(err, &refused) {
		return false
	}
	return refused.Status == http.StatusMethodNotAllowed || refused.Status == http.StatusGone ||
		strings.Contains(refused.Reason, "no handler found for uri") || refused.Type == "api_not_available_exception"
}
