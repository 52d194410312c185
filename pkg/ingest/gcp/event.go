package gcp

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// event is an audit.k8s.io/v1 Event in the making.
type event struct {
	entry         *entry
	target        target
	status        status
	level, stage  string
	auditID       string
	uri           string
	user          string
	impersonated  string
	address       string
	request       body
	response      body
	received      string // requestReceivedTimestamp
	staged        string // stageTimestamp
	annotations   map[string]string
	reconstructed []string
	unknown       []string
}

// Keys of annotations and labels.
const (
	ours         = "gcp.kubewitness.io/"
	commandLabel = "command.gke.io/command"
	dryRunLabel  = "command.gke.io/dryRun"
	truncated    = "audit.k8s.io/truncated" // as the API server says it when it cuts bodies out
)

func newEvent(e *entry) *event {
	v := &event{entry: e, annotations: map[string]string{}, unknown: []string{"user.groups"}}
	v.copyLabels()
	v.readTarget()
	decision, labelled := e.decision()
	if decision != "" && !labelled {
		v.annotations[decisionLabel] = decision
		v.rebuilt("annotations." + decisionLabel)
	}
	v.readStatus(decision)
	v.readUser()
	v.readAddress()
	v.readBodies()
	v.readStage()
	v.readTimes()
	v.readPart()
	v.annotate("insert-id", e.insertID)
	v.annotate("log", e.log())
	v.annotate("reconstructed", list(v.reconstructed))
	v.annotate("unknown", list(v.unknown))
	return v
}

func list(members []string) string {
	slices.Sort(members)
	return strings.Join(slices.Compact(members), ",")
}

func (v *event) rebuilt(member string) { v.reconstructed = append(v.reconstructed, member) }

// annotate adds an annotation of ours, if there is something to say.
func (v *event) annotate(key, value string) {
	if value != "" {
		v.annotations[ours+key] = value
	}
}

// copyLabels makes annotations of the labels, which an API server and its webhooks choose, and of those that say which
// cluster it is, which they do not.
func (v *event) copyLabels() {
	for key, value := range v.entry.labels.Members() {
		if value.Kind() == audit.String && !strings.HasPrefix(key, ours) {
			v.annotations[v.entry.labelOf(key)] = value.Text()
		}
	}
	for _, key := range placeLabels {
		delete(v.annotations, key)
		if value := text(v.entry.resource.Get(key)); value != "" {
			v.annotations[key] = value
		}
	}
}

func (v *event) readTarget() {
	methodName, resourceName := text(v.entry.payload.Get("methodName")), text(v.entry.payload.Get("resourceName"))
	info := v.entry.payload.Get("authorizationInfo").Index(0)
	if methodName == "" {
		methodName = text(info.Get("permission"))
	}
	if resourceName == "" {
		resourceName = text(info.Get("resource"))
	}
	v.target = parseTarget(methodName, resourceName)
	if v.target.doubt {
		v.annotate("method-name", methodName)
		v.annotate("resource-name", resourceName)
	}
	t := &v.target
	if t.verb != "" {
		v.rebuilt("verb")
	} else {
		v.unknown = append(v.unknown, "verb")
	}
	if t.resource != "" {
		v.rebuilt("objectRef")
		t.completeFrom(v.entry.request)
	} else if t.path == "" {
		v.unknown = append(v.unknown, "objectRef")
	}
	if t.nameless {
		v.unknown = append(v.unknown, "requestURI")
		if t.resource != "" && t.name == "" {
			v.unknown = append(v.unknown, "objectRef.name", "objectRef.namespace")
		}
		return
	}
	v.uri = t.uri(v.query())
	v.rebuilt("requestURI")
	v.unknown = append(v.unknown, "requestURI.query") // but for what labels tell
}

// readStage tells the begin of an answer from its end. An entry can be all that there is of a request that goes on for
// long: then it stands for the begin, which is what comes first and is looked for. Requests that are refused have ended.
func (v *event) readStage() {
	op, code := v.entry.operation, v.status.code
	v.stage = "ResponseComplete"
	switch {
	case op.first && !op.last:
		v.stage = "ResponseStarted"
	case op.last && !op.first:
	case code == 401: // the API server reports no other stage then
		v.stage = "ResponseStarted"
	case v.target.lasting() && code != 403:
		v.stage = "ResponseStarted"
	}
	v.rebuilt("stage")
}

func (v *event) readStatus(decision string) {
	v.status = v.entry.readStatus(&v.target, decision)
	switch {
	case v.status.code == 0:
		v.unknown = append(v.unknown, "responseStatus.code")
	case v.status.reconstructed:
		v.rebuilt("responseStatus.code")
	}
}

func (v *event) readUser() {
	who := v.entry.payload.Get("authenticationInfo")
	v.user = text(who.Get("principalEmail"))
	subject := text(who.Get("principalSubject"))
	name := subject
	for _, kind := range []string{"user:", "serviceAccount:"} {
		name = strings.TrimPrefix(name, kind)
	}
	if v.user == "" && name != "" {
		v.user = name
		v.rebuilt("user.username")
	}
	if subject != v.user && name != v.user {
		v.annotate("principal-subject", subject)
	}
	if v.user == "" {
		v.unknown = append(v.unknown, "user.username")
	}
	v.impersonated = text(who.Get("authoritySelector"))
	if v.impersonated != "" {
		v.unknown = append(v.unknown, "impersonatedUser.groups")
	}
	v.annotate("key", text(who.Get("serviceAccountKeyName")))
	if chain := delegation(who.Get("serviceAccountDelegationInfo")); len(chain) > 0 {
		v.annotate("delegation", textsJSON(chain))
	}
}

// delegation names those who acted through one another, in the order of the entry.
func delegation(chain audit.Value) (names []string) {
	for link := range chain.Elems() {
		name := text(link.Get("principalSubject"))
		if name == "" {
			name = text(link.Path("firstPartyPrincipal", "principalEmail"))
		}
		if claims := link.Path("thirdPartyPrincipal", "thirdPartyClaims"); name == "" && claims.Exists() {
			name = claims.Text()
		}
		if name != "" {
			names = append(names, name)
		}
	}
	return names
}

// readAddress takes the caller's address. Google leaves out some: there is a word instead.
func (v *event) readAddress() {
	caller := text(v.entry.payload.Path("requestMetadata", "callerIp"))
	if a, err := netip.ParseAddr(caller); err == nil && a.Zone() == "" {
		v.address = caller
		return
	}
	v.annotate("caller-ip", caller)
	v.unknown = append(v.unknown, "sourceIPs")
}

func (v *event) readBodies() {
	v.request = readBody(v.entry.request, v.target.verb == "patch")
	v.response = readBody(v.entry.response, false)
	if v.request.kind != "" {
		v.rebuilt("requestObject.kind")
	}
	if v.response.kind != "" {
		v.rebuilt("responseObject.kind")
	}
	switch {
	case v.response.there:
		v.level = "RequestResponse"
	case v.request.there, v.target.connect(): // streams have no body at any level; GKE's policy has them at Request or above
		v.level = "Request"
	default:
		v.level = "Metadata"
	}
	v.rebuilt("level")
	v.unknown = append(v.unknown, v.entry.unread...)
}

// micro is how the API server spells times: with six digits, whatever they are.
const micro = "2006-01-02T15:04:05.000000Z"

func (v *event) readTimes() {
	e := v.entry
	v.staged = e.at.Format(micro)
	if e.assumedAt {
		v.rebuilt("stageTimestamp")
	}
	v.received = v.staged
	begin, err := parseTime(text(e.payload.Path("requestMetadata", "requestAttributes", "time")))
	if begin = begin.UTC(); err == nil && begin.Year() >= 1 && !begin.After(e.at) {
		v.received = begin.Format(micro)
	} else {
		v.rebuilt("requestReceivedTimestamp")
	}
	v.annotate("receive-timestamp", e.received)
	v.readAuditID()
}

// uuid is what an API server takes for the id of a request by itself.
var uuid = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// readAuditID takes the id of the operation, which GKE makes of that of the request.
func (v *event) readAuditID() {
	e := v.entry
	v.auditID = e.operation.id
	if v.auditID == "" {
		v.auditID = e.insertID
	}
	if v.auditID == "" {
		v.auditID = "sha256:" + e.digest
	}
	if !uuid.MatchString(e.operation.id) { // of whoever wrote the entry, it may be
		v.rebuilt("auditID")
	}
}
