package indices

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Finding is something about a connection that somebody should know.
type Finding struct {
	Problem bool   // documents are not indexed, or will not be, before it is put right; else it is good to know
	Text    string // one sentence, or two: what is, what to do
}

// skew is by how much clocks may differ. Beyond it "the last five minutes" of Kibana and
// of rules are not those of the events.
const skew = 30 * time.Second

// Check looks at a connection as the sink uses it and tells what is wrong, most
// important first; nothing when all is well. It changes nothing. Without an answer from
// the cluster that is all it tells.
func (s *Setup) Check(ctx context.Context) []Finding {
	if err := s.Options.Validate(); err != nil {
		return []Finding{{true, err.Error()}}
	}
	info, err := s.Client.Info(ctx)
	var found []Finding
	switch {
	case status(err) == http.StatusForbidden:
		found = append(found, Finding{false, "the key may not ask for the version of the cluster (monitor), so that it is not known whether it is new enough"})
	case err != nil:
		return []Finding{{true, Reason(err)}}
	case tooOld(info.Version):
		return []Finding{{true, oldSentence(info.Version)}}
	}
	rights, see := s.checkRights(ctx)
	found = append(found, rights...)
	if see {
		for _, k := range s.Options.kinds() {
			found = append(found, s.checkStream(ctx, k)...)
		}
	}
	for _, k := range s.Options.kinds() {
		found = append(found, s.checkTemplate(ctx, k)...)
	}
	found = append(found, s.checkClock(ctx)...)
	slices.SortStableFunc(found, func(a, b Finding) int { return order(a) - order(b) })
	return found
}

func order(f Finding) int {
	if f.Problem {
		return 0
	}
	return 1
}

// checkRights tells what the sink may not do, and whether we may look at the streams.
func (s *Setup) checkRights(ctx context.Context) (found []Finding, see bool) {
	missing, off, err := s.missing(ctx, SinkRole())
	switch {
	case err != nil:
		return []Finding{{true, "asking for rights: " + Reason(err)}}, false
	case off:
		return []Finding{{false, "security is off: whoever reaches the cluster can read and delete all that is in it"}}, true
	}
	see = true
	for _, stream := range s.Options.streams() {
		for _, m := range missing {
			right, on, _ := strings.Cut(m, " on ")
			switch {
			case on != stream:
			case right == "create_doc":
				found = append(found, Finding{true, fmt.Sprintf("there is no right to create documents in %s; give the key the privilege create_doc on it, as %s of setup --print has it", stream, SinkRole().Name)})
			case right == "read":
				found = append(found, Finding{false, fmt.Sprintf("there is no right to read %s: around a rollover an event that is sent again may be indexed twice (the service counts these)", stream)})
			case right == "view_index_metadata":
				see = false
				found = append(found, Finding{false, fmt.Sprintf("there is no right to look at %s (view_index_metadata), so that it was not checked", stream)})
			}
		}
	}
	return found, see
}

// checkStream tells what is wrong with a data stream.
func (s *Setup) checkStream(ctx context.Context, k kind) []Finding {
	name := s.Options.stream(k)
	there, err := s.look(ctx, name)
	switch {
	case err != nil:
		return []Finding{{true, name + ": " + Reason(err)}}
	case there.is == "":
		return []Finding{{true, fmt.Sprintf("the data stream %s is not there; run kubewitness elastic setup", name)}}
	case there.is != "data stream":
		return []Finding{{true, wrongSentence(there)}}
	}
	var found []Finding
	switch have, err := s.markOf(ctx, there.writeIndex()); {
	case err != nil:
		found = append(found, Finding{true, name + ": " + Reason(err)})
	case k == entries && s.isElastics(ctx):
	case have.Version == 0 && k == entries:
		found = append(found, Finding{false, fmt.Sprintf("the data stream %s was made of a template that is not kubewitness'; that is well if it was the one of Elastic's integration for Google Cloud (%s), else run kubewitness elastic setup", name, elasticsTemplate)})
	case have.Version == 0:
		found = append(found, Finding{true, fmt.Sprintf("the data stream %s was made of a template that is not kubewitness', so that fields are missing or of other types; run kubewitness elastic setup", name)})
	case have.Version < Version:
		found = append(found, Finding{true, fmt.Sprintf("the data stream %s has version %d of the mapping and this program writes %d; run kubewitness elastic setup", name, have.Version, Version)})
	case have.Version == Version && have.Mapping != digest(k):
		found = append(found, Finding{true, fmt.Sprintf("the data stream %s has another mapping than the one this program writes; run kubewitness elastic setup", name)})
	case have.Version > Version:
		found = append(found, Finding{false, fmt.Sprintf("the data stream %s has version %d of the mapping and this program writes %d; upgrade it", name, have.Version, Version)})
	}
	return append(found, s.checkBlocks(ctx, there)...)
}

// isElastics tells whether the stream of entries is known to be made of the template of
// Elastic's integration: keys that index may not look.
func (s *Setup) isElastics(ctx context.Context) bool {
	theirs, err := s.elastics(ctx)
	return err == nil && theirs
}

// checkBlocks tells whether the disk of a node is full.
func (s *Setup) checkBlocks(ctx context.Context, t stream) []Finding {
	var answer map[string]struct {
		Settings map[string]any `json:"settings"`
	}
	path := "/" + url.PathEscape(t.writeIndex()) + "/_settings/index.blocks.*?flat_settings=true"
	if err := s.Client.Do(ctx, "GET", path, nil, &answer); err != nil {
		return []Finding{{true, t.name + ": " + Reason(err)}}
	}
	blocks := answer[t.writeIndex()].Settings
	for _, block := range []string{"index.blocks.read_only_allow_delete", "index.blocks.read_only", "index.blocks.write"} {
		switch {
		case fmt.Sprint(blocks[block]) != "true":
		case block == "index.blocks.read_only_allow_delete":
			return []Finding{{true, fmt.Sprintf("%s takes no documents: the disk of a node is above the flood-stage watermark; make room there, the block ends by itself", t.name)}}
		default:
			return []Finding{{true, fmt.Sprintf("%s takes no documents: somebody has set %s on %s; take it away, or roll the data stream over", t.name, block, t.writeIndex())}}
		}
	}
	return nil
}

// checkTemplate tells what the next index behind a stream would lack. Keys that index
// may not look at templates, which is as it should be; then there is nothing to tell.
func (s *Setup) checkTemplate(ctx context.Context, k kind) []Finding {
	name := s.Options.template(k)
	given, err := s.given(ctx, resource("index template", name, "/_index_template/", "", nil))
	if err == nil && given == nil && k == entries && s.isElastics(ctx) {
		return nil
	}
	switch there := versionOf(given); {
	case status(err) == http.StatusForbidden:
		return nil
	case err != nil:
		return []Finding{{true, "index template " + name + ": " + Reason(err)}}
	case given == nil:
		return []Finding{{true, fmt.Sprintf("the index template %s is not there; run kubewitness elastic setup", name)}}
	case there < Version:
		return []Finding{{true, fmt.Sprintf("the index template %s is of version %d and this program writes %d; run kubewitness elastic setup", name, there, Version)}}
	}
	return nil
}

// checkClock compares the nodes' clocks with ours. Where that may not be asked for
// there is nothing to tell.
func (s *Setup) checkClock(ctx context.Context) []Finding {
	var answer struct {
		Nodes map[string]struct {
			Name      string
			Timestamp int64 // milliseconds
		}
	}
	before := s.Now()
	if err := s.Client.Do(ctx, "GET", "/_nodes/stats/os?filter_path=nodes.*.name,nodes.*.timestamp", nil, &answer); err != nil {
		return nil
	}
	after := s.Now()
	var found []Finding
	for _, n := range answer.Nodes {
		at := time.UnixMilli(n.Timestamp)
		off := max(before.Sub(at), at.Sub(after))
		if n.Timestamp == 0 || off <= skew {
			continue
		}
		way := "behind"
		if at.After(after) {
			way = "ahead of"
		}
		found = append(found, Finding{false, fmt.Sprintf("the clock of node %s is %v %s the clock here; have both follow a time server, or times of searches and of events do not agree",
			strconv.Quote(n.Name), off.Round(time.Second), way)})
	}
	slices.SortFunc(found, func(a, b Finding) int { return strings.Compare(a.Text, b.Text) })
	return found
}

// Oldest version that works: bulk requests may ask for a data stream (require_data_stream).
const leastMajor, leastMinor = 8, 13

func tooOld(version string) bool {
	var major, minor int
	if n, _ := fmt.Sscanf(version, "%d.%d", &major, &minor); n != 2 {
		return false // serverless, or a build of somebody's own
	}
	return major < leastMajor || major == leastMajor && minor < leastMinor
}

func oldSentence(version string) string {
	return fmt.Sprintf("the cluster is Elasticsearch %s, which is too old; %d.%d or newer is needed", version, leastMajor, leastMinor)
}

func wrongSentence(t stream) string {
	return fmt.Sprintf("%s is an %s, not a data stream; documents were sent there before the templates were put up: reindex them elsewhere, delete it, and run kubewitness elastic setup", t.name, t.is)
}
