package indices

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/kubewitness/kubewitness/pkg/elasticsearch"
)

// stream is what stands under a name that is to be a data stream.
type stream struct {
	name    string
	is      string   // "data stream", "index", "alias"; "": nothing is there
	backing []string // indices behind it, the one that is written to last
}

// look asks what stands under a name.
func (s *Setup) look(ctx context.Context, name string) (stream, error) {
	var answer struct {
		Indices []struct{ Name string }
		Aliases []struct{ Name string }
		Streams []struct {
			Name    string
			Backing []string `json:"backing_indices"`
		} `json:"data_streams"`
	}
	err := s.Client.Do(ctx, "GET", "/_resolve/index/"+url.PathEscape(name), nil, &answer)
	found := stream{name: name}
	switch {
	case status(err) == http.StatusNotFound:
		return found, nil
	case err != nil:
		return found, err
	}
	for _, d := range answer.Streams {
		if d.Name == name {
			found.is, found.backing = "data stream", d.Backing
		}
	}
	for _, i := range answer.Indices {
		if i.Name == name {
			found.is = "index"
		}
	}
	for _, a := range answer.Aliases {
		if a.Name == name {
			found.is = "alias"
		}
	}
	return found, nil
}

// writeIndex is the index that takes new documents; "" where there is none.
func (t *stream) writeIndex() string {
	if len(t.backing) == 0 {
		return ""
	}
	return t.backing[len(t.backing)-1]
}

// elasticsTemplate is the index template of Elastic's integration for Google Cloud.
const elasticsTemplate = "logs-gcp.audit"

// elastics tells whether the stream of entries is made of that template. False as well
// where there is to be none.
func (s *Setup) elastics(ctx context.Context) (bool, error) {
	if !s.Options.GCPAudit {
		return false, nil
	}
	given, err := s.given(ctx, resource("index template", elasticsTemplate, "/_index_template/", "", nil))
	return given != nil, err
}

// create makes a data stream. Where the server has no call for it a document does it
// that is then refused, because it has no time.
func (s *Setup) create(ctx context.Context, name string) error {
	err := s.Client.Do(ctx, "PUT", "/_data_stream/"+url.PathEscape(name), nil, nil)
	if !absent(err) {
		return err
	}
	items, err := s.Client.Bulk(ctx, name, []byte("{\"create\":{}}\n{}\n"), 1)
	switch {
	case err != nil:
		return err
	case len(items) == 1 && items[0].Status == http.StatusBadRequest:
	default:
		return fmt.Errorf("the server took a document without a time into %s; it is no data stream", name)
	}
	switch made, err := s.look(ctx, name); {
	case err != nil:
		return err
	case made.is != "data stream":
		return fmt.Errorf("the server did not make %s: status %d, %s", name, items[0].Status, items[0].Reason)
	}
	return nil
}

// mark is what an index tells of the template that it was made of.
type mark struct {
	Version int    `json:"version"`
	Mapping string `json:"mapping"` // digest
}

// markOf reads the mark of an index; its version is 0 when it has none.
func (s *Setup) markOf(ctx context.Context, index string) (mark, error) {
	var answer map[string]struct {
		Mappings struct {
			Meta struct {
				Mark mark `json:"kubewitness"`
			} `json:"_meta"`
		} `json:"mappings"`
	}
	if err := s.Client.Do(ctx, "GET", "/"+url.PathEscape(index)+"/_mapping", nil, &answer); err != nil {
		return mark{}, err
	}
	return answer[index].Mappings.Meta.Mark, nil
}

// status is the status of an answer that refuses; 0 for anything else.
func status(err error) int {
	var refused *elasticsearch.Refused
	if errors.As(err, &refused) {
		return refused.Status
	}
	return 0
}
