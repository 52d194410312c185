package gcp

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// entry is what is used of a LogEntry.
type entry struct {
	logName, insertID string
	digest            string    // of the payload, where there is no insertId
	row               bool      // of BigQuery
	at                time.Time // timestamp
	received          string    // receiveTimestamp
	assumedAt         bool      // there is no timestamp, at is receiveTimestamp
	labels            audit.Value
	resource          audit.Value // resource.labels
	operation         operation
	part              part

	payload           audit.Value // AuditLog
	request, response audit.Value // of it
	native            audit.Value // an event as the API server wrote it, instead of a payload
	unread            []string    // bodies that are there and cannot be read
}

// operation ties entries of one request together.
type operation struct {
	id          string
	first, last bool
}

// part says which part of a larger entry an entry is.
type part struct {
	uid   string
	index int
	total int // 0: a whole entry
	found int // of the parts, in this entry
}

func (p part) missing() bool { return p.found < p.total }

const kubernetesService = "k8s.io"

// readEntry finds an entry's members and decides whether it is one of ours.
func readEntry(v audit.Value) (_ *entry, err error) {
	defer caught(&err)
	if !isEntry(v) {
		return nil, malformed("it has no payload, neither protoPayload nor jsonPayload nor textPayload")
	}
	e := &entry{
		logName: text(v.Get("logName")), insertID: text(v.Get("insertId")), received: text(v.Get("receiveTimestamp")),
		labels: v.Get("labels"), resource: v.Path("resource", "labels"),
	}
	if err := e.readPayload(v); err != nil {
		return nil, err
	}
	if err := e.readTime(v); err != nil {
		return nil, err
	}
	op := v.Get("operation")
	e.operation = operation{id: text(op.Get("id")), first: yes(op.Get("first")), last: yes(op.Get("last"))}
	if err := e.readSplit(v.Get("split")); err != nil {
		return nil, err
	}
	return e, e.readDigest()
}

// readDigest makes up for an insertId that somebody took out: Cloud Logging gives one to each entry.
func (e *entry) readDigest() error {
	switch {
	case e.insertID != "":
		return nil
	case e.part.total > 0:
		return malformed("it is a part and has no insertId, by which parts are told from those of others")
	}
	payload := e.payload
	if e.native.Exists() {
		payload = e.native
	}
	sum := sha256.Sum256(appendSorted(nil, payload))
	e.digest = hex.EncodeToString(sum[:])
	return nil
}

// isEntry tells whether a value looks like a LogEntry.
func isEntry(v audit.Value) bool {
	return v.Get("protoPayload").Exists() || v.Get(rowPayload).Kind() == audit.Object || v.Get("logName").Exists() && (v.Get("jsonPayload").Exists() || v.Get("textPayload").Exists()) ||
		v.Get("insertId").Exists() && v.Get("jsonPayload").Exists()
}

// readPayload finds the AuditLog, in protoPayload or, as other writers put it, in jsonPayload.
func (e *entry) readPayload(v audit.Value) error {
	p := v.Get("protoPayload")
	if row := v.Get(rowPayload); !p.Exists() && row.Kind() == audit.Object {
		p, e.row = row, true
	}
	if p.Exists() && p.Kind() != audit.Object {
		return malformed("protoPayload is no object but a JSON %s", p.Kind())
	}
	if !p.Exists() {
		p = v.Get("jsonPayload")
		if isEvent(p) {
			e.native = p
			return nil
		}
	}
	if !isAuditLog(p) {
		return &NotKubernetes{strings.Clone(e.origin(p))}
	}
	e.payload = p
	e.request, e.response = e.body("request"), e.body("response")
	return nil
}

func isEvent(p audit.Value) bool {
	return text(p.Get("kind")) == "Event" && strings.HasPrefix(text(p.Get("apiVersion")), "audit.k8s.io/")
}

func isAuditLog(p audit.Value) bool {
	if typ := text(p.Get("@type")); typ != "" && !strings.HasSuffix(typ, "google.cloud.audit.AuditLog") {
		return false
	}
	service := text(p.Get("serviceName"))
	return service == kubernetesService || service == "" && strings.HasPrefix(text(p.Get("methodName")), "io.k8s.")
}

// origin says in a word what an entry is that is not ours.
func (e *entry) origin(p audit.Value) string {
	if service := text(p.Get("serviceName")); service != "" {
		return service
	}
	if log := e.log(); log != "" {
		return log
	}
	return "unknown"
}

// log is the end of the log's name: "activity", "data_access".
func (e *entry) log() string {
	name := slashed(e.logName)
	return name[strings.LastIndexByte(name, '/')+1:]
}

// slashed is a log's name in one of its two spellings.
func slashed(name string) string {
	return strings.NewReplacer("%2F", "/", "%2f", "/").Replace(name)
}

func (e *entry) readTime(v audit.Value) error {
	stamp := text(v.Get("timestamp"))
	if stamp == "" {
		stamp, e.assumedAt = e.received, true
	}
	if stamp == "" {
		return malformed("it has no timestamp")
	}
	at, err := parseTime(stamp)
	if err != nil {
		return malformed("timestamp %.40q is no RFC 3339 time", stamp)
	}
	e.at = at.UTC()
	if year := e.at.Year(); year < 1 || year > 9999 {
		return malformed("timestamp %.40q is out of range", stamp)
	}
	return nil
}

// parseTime reads a time as Cloud Logging writes it, or as databases do to which entries are exported: with a space, and
// in UTC unless it says otherwise.
func parseTime(stamp string) (time.Time, error) {
	at, err := time.Parse(time.RFC3339Nano, stamp)
	if err == nil || !strings.Contains(stamp, " ") {
		return at, err
	}
	stamp = strings.TrimSuffix(stamp, " UTC")
	if at, err := time.Parse("2006-01-02 15:04:05Z07:00", stamp); err == nil {
		return at, nil
	}
	return time.Parse("2006-01-02 15:04:05", stamp)
}

// maxParts bounds what is believed of an entry's parts: each is of some 100 KB at least.
const maxParts = 1000

func (e *entry) readSplit(split audit.Value) error {
	if split.Kind() != audit.Object {
		return nil
	}
	index, okIndex := count(split.Get("index"))
	total, okTotal := count(split.Get("totalSplits"))
	e.part = part{uid: text(split.Get("uid")), index: index, total: total, found: 1}
	switch {
	case !okIndex || !okTotal || total > maxParts || index > 0 && index >= total:
		return malformed("split says part %.20s of %.20s", split.Get("index").Text(), split.Get("totalSplits").Text())
	case total <= 1:
		e.part = part{}
		return nil
	case e.part.uid == "":
		return malformed("split has no uid")
	}
	e.insertID = wholeID(e.insertID, index)
	return nil
}

// wholeID is the insertId of a split entry without the number of the part that stands at its end.
func wholeID(id string, index int) string {
	whole, ok := strings.CutSuffix(id, strconv.Itoa(index))
	if !ok || whole == "" {
		return id
	}
	if cut := strings.TrimRight(whole, ".-_/"); cut != "" {
		return cut
	}
	return whole
}

// count reads an integer, which can be spelled as a string; absent is 0.
func count(v audit.Value) (int, bool) {
	if !v.Exists() {
		return 0, true
	}
	n, err := strconv.Atoi(v.Text())
	return n, err == nil && n >= 0
}

// clusterName is what names of clusters look like. GKE's have no dots and 40 characters; other writers are given more.
var clusterName = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$`)

func (e *entry) cluster() string {
	if name := text(e.resource.Get("cluster_name")); clusterName.MatchString(name) {
		return strings.Clone(name) // texts are views of the entry
	}
	return ""
}

// placeLabels are the labels of a resource that say which cluster it is.
var placeLabels = []string{"cluster_name", "location", "project_id"}

func (e *entry) clusterLabels() map[string]string {
	var out map[string]string
	for _, key := range placeLabels {
		if value := text(e.resource.Get(key)); value != "" {
			if out == nil {
				out = make(map[string]string, len(placeLabels))
			}
			out[key] = strings.Clone(value)
		}
	}
	return out
}

// text is the content of a JSON string; "" for everything else.
func text(v audit.Value) string {
	if v.Kind() != audit.String {
		return ""
	}
	return v.Text()
}

// yes reads a truth, which exports of databases spell as a text.
func yes(v audit.Value) bool {
	b, ok := v.Bool()
	return ok && b || text(v) == "true"
}

// textsJSON is a JSON array of texts as a text.
func textsJSON(list []string) string {
	b, err := json.Marshal(list)
	if err != nil {
		return ""
	}
	return string(b)
}
