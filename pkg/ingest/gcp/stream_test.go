package gcp

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

const (
	podRead = `{"insertId":"a1","timestamp":"2026-11-19T08:00:00Z","resource":{"labels":{"cluster_name":"shop-eu","project_id":"p"}},` +
		`"protoPayload":{"serviceName":"k8s.io","methodName":"io.k8s.core.v1.pods.get","resourceName":"core/v1/namespaces/shop/pods/web"}}`
	clusterMade = `{"insertId":"a2","timestamp":"2026-11-19T08:00:00Z","protoPayload":{"serviceName":"container.googleapis.com"}}`
	plainEvent  = `{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"plain","stage":"ResponseComplete","stageTimestamp":"2026-11-19T08:00:00Z"}`
)

// readAll reads an input with a stream, as replay and import do.
func readAll(t *testing.T, s *Stream, input string) (events []*audit.Event, rejections []*audit.Rejection) {
	t.Helper()
	r := audit.NewReader(bytes.NewReader([]byte(input)), "input", audit.Limits{})
	r.ConvertWith(s)
	for {
		e, err := r.Next()
		var rej *audit.Rejection
		switch {
		case err == nil:
			events = append(events, e)
		case errors.As(err, &rej):
			rejections = append(rejections, rej)
		default:
			require.Equal(t, io.EOF, err)
			return events, rejections
		}
	}
}

func TestStreamReadsWhateverEntriesComeIn(t *testing.T) {
	message := func(data string) string {
		return `{"message":{"data":"` + base64.StdEncoding.EncodeToString([]byte(data)) + `","messageId":"1"},"subscription":"s"}`
	}
	for name, c := range map[string]struct {
		input string
		ids   []string // auditIDs
	}{
		"one":                            {podRead, []string{"a1"}},
		"lines":                          {podRead + "\n" + podRead + "\n", []string{"a1", "a1"}},
		"an array, as gcloud prints it":  {"[\n  " + podRead + ",\n  " + podRead + "\n]\n", []string{"a1", "a1"}},
		"a page of the API":              {`{"entries":[` + podRead + `,` + clusterMade + `],"nextPageToken":"x"}`, []string{"a1"}},
		"a message of Pub/Sub":           {message(podRead), []string{"a1"}},
		"messages that were pulled":      {`[{"ackId":"1",` + message(podRead)[1:] + `]`, []string{"a1"}},
		"the answer of a pull":           {`{"receivedMessages":[{"ackId":"1",` + message(podRead)[1:] + `,{"ackId":"2",` + message(clusterMade)[1:] + `]}`, []string{"a1"}},
		"a message alone":                {strings.TrimSuffix(strings.TrimPrefix(message(podRead), `{"message":`), `,"subscription":"s"}`), []string{"a1"}},
		"a message, the old spelling":    {strings.Replace(message(podRead), "messageId", "message_id", 1), []string{"a1"}},
		"a row of BigQuery":              {strings.Replace(podRead, "protoPayload", rowPayload, 1), []string{"a1"}},
		"among audit events":             {plainEvent + "\n" + podRead + "\n" + plainEvent, []string{"plain", "a1", "plain"}},
		"with what is not ours":          {clusterMade + podRead + clusterMade, []string{"a1"}},
		"in parts, with others between":  {string(partOf("u", 1, 2, "", "")) + podRead + string(partOf("u", 0, 2, "", "")), []string{"a1", "u"}},
		"in parts, one of which is lost": {string(partOf("u", 1, 2, "", "")) + podRead, []string{"a1", "u"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := new(Stream)
			assert.True(t, s.Concerns([]byte(c.input)))
			events, rejections := readAll(t, s, c.input)
			assert.Empty(t, rejections)
			var ids []string
			for _, e := range events {
				ids = append(ids, e.AuditID)
			}
			assert.Equal(t, c.ids, ids)
		})
	}
	assert.False(t, new(Stream).Concerns([]byte(plainEvent)))
	const event = `{"kind":"Event","auditID":"a","annotations":{"protoPayload":"x","logName":"y"}}` + "\n"
	assert.False(t, new(Stream).Concerns([]byte(event+event)), "a kind makes it an event, whatever is in it")
	assert.True(t, new(Stream).Concerns([]byte(event+`{"insertId":"a","logName":"y"}`)), "an entry behind events")
	assert.True(t, new(Stream).Concerns([]byte(event+"[\n  {\n    \"insertId\": \"a\",\n    \"logName\": \"y\"\n  }\n]")), "an entry over several lines")
}

func TestStreamRejectsWithAReason(t *testing.T) {
	for name, c := range map[string]struct {
		input  string
		reason audit.Reason
	}{
		"malformed":                   {`{"insertId":"a","protoPayload":{"serviceName":"k8s.io"},"timestamp":"yesterday"}`, audit.ReasonEntry},
		"malformed in a page":         {`{"entries":[{"protoPayload":[]},` + podRead + `]}`, audit.ReasonEntry},
		"a pull with no base64":       {`{"receivedMessages":[{"message":{"data":"?","messageId":"1"}}]}`, audit.ReasonEntry},
		"a message that is no base64": {`{"message":{"data":"?","messageId":"1"}}`, audit.ReasonEntry},
		"a message with nothing":      {`{"message":{"data":"e30=","messageId":"1"}}`, audit.ReasonEntry},
		"another object":              {`{"a":1}`, audit.ReasonKind},
		"no JSON":                     {`{"protoPayload":}`, audit.ReasonSyntax},
	} {
		t.Run(name, func(t *testing.T) {
			events, rejections := readAll(t, new(Stream), "\n"+c.input+"\n"+podRead)
			require.Len(t, rejections, 1)
			assert.Equal(t, c.reason, rejections[0].Reason)
			assert.EqualValues(t, 2, rejections[0].Line)
			assert.NotEmpty(t, events, "what follows is read")
		})
	}
}

func TestStreamCounts(t *testing.T) {
	s := new(Stream)
	input := podRead + clusterMade + clusterMade + string(partOf("u", 0, 2, "", "")) + `{"logName":"projects/p/logs/stdout","textPayload":"x"}`
	for i := range 2 * maxNames {
		input += fmt.Sprintf(`{"insertId":"a","protoPayload":{"serviceName":"s%d.googleapis.com"}}`, i)
	}
	_, rejections := readAll(t, s, input)
	require.Empty(t, rejections)
	c := s.Counts()
	assert.EqualValues(t, 5+2*maxNames, c.Entries)
	assert.EqualValues(t, 2, c.Events)
	assert.EqualValues(t, 1, c.Truncated)
	assert.EqualValues(t, 2, c.Skipped["container.googleapis.com"])
	assert.EqualValues(t, 1, c.Skipped["stdout"])
	assert.EqualValues(t, maxNames+2, c.Skipped[otherName])
	assert.Len(t, c.Skipped, maxNames+1)
}

// TestEventsKeepWhatTheyAreMadeOf holds that events outlive the memory of the reader, and carry the entry's identity.
func TestEventsKeepWhatTheyAreMadeOf(t *testing.T) {
	var input bytes.Buffer
	for i := range 3000 { // more than the reader holds at once
		fmt.Fprintf(&input, `{"insertId":"id-%d","timestamp":"2026-11-19T08:00:00Z","resource":{"labels":{"cluster_name":"c-%d","project_id":"p-%d"}},`+
			`"protoPayload":{"serviceName":"k8s.io","methodName":"io.k8s.core.v1.pods.get","resourceName":"core/v1/namespaces/shop/pods/web-%d"}}`+"\n", i, i, i, i)
	}
	lines := bytes.Split(bytes.TrimSpace(input.Bytes()), []byte("\n"))
	events, _ := readAll(t, new(Stream), input.String())
	require.Len(t, events, len(lines))
	for i, e := range events {
		r, err := Converter{}.Convert(lines[i])
		require.NoError(t, err)
		assert.Equal(t, string(r.Raw), string(e.Raw))
		assert.Equal(t, r.Identity, e.Identity())
		assert.Equal(t, r.Identity, e.Clone().Identity())
		assert.Equal(t, fmt.Sprint("c-", i), e.Cluster)
		assert.Equal(t, map[string]string{"cluster_name": fmt.Sprint("c-", i), "project_id": fmt.Sprint("p-", i)}, e.Labels)
		assert.EqualValues(t, i+1, e.Line)
		assert.Equal(t, fmt.Sprint("web-", i), e.Root().Path("objectRef", "name").Text())
	}
}

func BenchmarkConvert(b *testing.B) {
	var entries [][]byte
	size := 0
	for _, x := range examples(b) {
		if _, err := (Converter{}).Convert(x.entry); err == nil {
			entries = append(entries, x.entry)
			size += len(x.entry)
		}
	}
	b.SetBytes(int64(size / len(entries)))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := (Converter{}).Convert(entries[i%len(entries)]); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "entries/s")
}
