package cloudlogging

import (
	"math"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"cloud.google.com/go/logging/apiv2/loggingpb"
	auditpb "google.golang.org/genproto/googleapis/cloud/audit"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// speller writes the entries that nearly all are, as protojson would and several times as quickly. What it does not know to
// write it leaves to protojson: ok is false then.
type speller struct {
	out []byte
	ok  bool
}

// spellQuickly spells an audit entry; nil if it holds anything uncommon.
func spellQuickly(e *loggingpb.LogEntry) []byte {
	payload := e.GetProtoPayload()
	if payload == nil || payload.MessageName() != auditLogName || e.GetHttpRequest() != nil || e.GetSourceLocation() != nil ||
		e.GetResource().GetType() == "" {
		return nil
	}
	log := new(auditpb.AuditLog)
	if proto.Unmarshal(payload.GetValue(), log) != nil || uncommon(log) {
		return nil
	}
	s := &speller{out: make([]byte, 0, 2*len(payload.GetValue())+1024), ok: true}
	s.entry(e, payload.GetTypeUrl(), log)
	if !s.ok {
		return nil
	}
	return s.out
}

// uncommon tells whether an AuditLog has what entries of the Kubernetes API do not have, or seldom.
func uncommon(log *auditpb.AuditLog) bool {
	//lint:ignore SA1019 old entries have it
	if log.GetServiceData() != nil || log.GetResourceLocation() != nil || log.GetResourceOriginalState() != nil ||
		log.GetPolicyViolationInfo() != nil || len(log.GetStatus().GetDetails()) > 0 {
		return true
	}
	who, how := log.GetAuthenticationInfo(), log.GetRequestMetadata()
	return who.GetThirdPartyPrincipal() != nil || len(who.GetServiceAccountDelegationInfo()) > 0 || how.GetRequestAttributes() != nil ||
		how.GetDestinationAttributes() != nil || slices.ContainsFunc(log.GetAuthorizationInfo(), func(a *auditpb.AuthorizationInfo) bool {
		return a.GetResourceAttributes() != nil
	})
}

func (s *speller) entry(e *loggingpb.LogEntry, typ string, log *auditpb.AuditLog) {
	s.raw('{')
	s.text("logName", e.GetLogName())
	s.key("resource")
	s.raw('{')
	s.text("type", e.GetResource().GetType())
	s.texts("labels", e.GetResource().GetLabels())
	s.raw('}')
	s.time("timestamp", e.GetTimestamp())
	s.time("receiveTimestamp", e.GetReceiveTimestamp())
	if n := e.GetSeverity(); n != 0 {
		s.text("severity", n.String())
	}
	s.text("insertId", e.GetInsertId())
	s.texts("labels", e.GetLabels())
	if op := e.GetOperation(); op != nil {
		s.key("operation")
		s.raw('{')
		s.text("id", op.GetId())
		s.text("producer", op.GetProducer())
		s.yes("first", op.GetFirst())
		s.yes("last", op.GetLast())
		s.raw('}')
	}
	s.text("trace", e.GetTrace())
	s.text("spanId", e.GetSpanId())
	s.yes("traceSampled", e.GetTraceSampled())
	if split := e.GetSplit(); split != nil {
		s.key("split")
		s.raw('{')
		s.text("uid", split.GetUid())
		s.number("index", int64(split.GetIndex()))
		s.number("totalSplits", int64(split.GetTotalSplits()))
		s.raw('}')
	}
	s.key("protoPayload")
	s.payload(typ, log)
	s.raw('}')
}

func (s *speller) payload(typ string, log *auditpb.AuditLog) {
	s.raw('{')
	s.text("@type", typ)
	s.text("serviceName", log.GetServiceName())
	s.text("methodName", log.GetMethodName())
	s.text("resourceName", log.GetResourceName())
	if n := log.GetNumResponseItems(); n != 0 {
		s.text("numResponseItems", strconv.FormatInt(n, 10))
	}
	if st := log.GetStatus(); st != nil {
		s.key("status")
		s.raw('{')
		s.number("code", int64(st.GetCode()))
		s.text("message", st.GetMessage())
		s.raw('}')
	}
	s.authentication(log.GetAuthenticationInfo())
	if len(log.GetAuthorizationInfo()) > 0 {
		s.key("authorizationInfo")
		s.raw('[')
		for _, a := range log.GetAuthorizationInfo() {
			s.next()
			s.raw('{')
			s.text("resource", a.GetResource())
			s.text("permission", a.GetPermission())
			s.yes("granted", a.GetGranted())
			s.raw('}')
		}
		s.raw(']')
	}
	if how := log.GetRequestMetadata(); how != nil {
		s.key("requestMetadata")
		s.raw('{')
		s.text("callerIp", how.GetCallerIp())
		s.text("callerSuppliedUserAgent", how.GetCallerSuppliedUserAgent())
		s.text("callerNetwork", how.GetCallerNetwork())
		s.raw('}')
	}
	for _, body := range []struct {
		key string
		of  *structpb.Struct
	}{{"request", log.GetRequest()}, {"response", log.GetResponse()}, {"metadata", log.GetMetadata()}} {
		if body.of != nil {
			s.key(body.key)
			s.object(body.of)
		}
	}
	s.raw('}')
}

func (s *speller) authentication(who *auditpb.AuthenticationInfo) {
	if who == nil {
		return
	}
	s.key("authenticationInfo")
	s.raw('{')
	s.text("principalEmail", who.GetPrincipalEmail())
	s.text("authoritySelector", who.GetAuthoritySelector())
	s.text("serviceAccountKeyName", who.GetServiceAccountKeyName())
	s.text("principalSubject", who.GetPrincipalSubject())
	s.raw('}')
}

func (s *speller) raw(c byte) { s.out = append(s.out, c) }

// next separates from what stands before, if anything does.
func (s *speller) next() {
	if last := s.out[len(s.out)-1]; last != '{' && last != '[' && last != ':' {
		s.raw(',')
	}
}

// key writes a name that needs no escapes.
func (s *speller) key(name string) {
	s.next()
	s.out = append(append(append(s.out, '"'), name...), '"', ':')
}

func (s *speller) text(key, v string) {
	if v != "" {
		s.key(key)
		s.string(v)
	}
}

func (s *speller) yes(key string, v bool) {
	if v {
		s.key(key)
		s.out = append(s.out, "true"...)
	}
}

func (s *speller) number(key string, v int64) {
	if v != 0 {
		s.key(key)
		s.out = strconv.AppendInt(s.out, v, 10)
	}
}

// Times that have a form in JSON.
const (
	firstSecond = -62135596800
	lastSecond  = 253402300799
)

func (s *speller) time(key string, v *timestamppb.Timestamp) {
	switch {
	case v == nil:
		return
	case v.GetSeconds() < firstSecond || v.GetSeconds() > lastSecond || v.GetNanos() < 0 || v.GetNanos() > 999_999_999:
		s.ok = false
		return
	}
	s.key(key)
	s.raw('"')
	s.out = time.Unix(v.GetSeconds(), int64(v.GetNanos())).UTC().AppendFormat(s.out, time.RFC3339Nano)
	s.raw('"')
}

func (s *speller) texts(key string, m map[string]string) {
	if len(m) == 0 {
		return
	}
	s.key(key)
	s.raw('{')
	for k, v := range m { // who reads it sorts
		s.next()
		s.string(k)
		s.raw(':')
		s.string(v)
	}
	s.raw('}')
}

const hexDigits = "0123456789abcdef"

// string writes a text.
func (s *speller) string(v string) {
	s.raw('"')
	begin, ascii := 0, true
	for i := range len(v) {
		switch c := v[i]; {
		case c >= utf8.RuneSelf:
			ascii = false
		case c < ' ', c == 0x7f:
			s.out = append(append(s.out, v[begin:i]...), '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
			begin = i + 1
		case c == '"', c == '\\':
			s.out = append(append(s.out, v[begin:i]...), '\\')
			begin = i
		}
	}
	s.out = append(append(s.out, v[begin:]...), '"')
	s.ok = s.ok && (ascii || utf8.ValidString(v))
}

func (s *speller) object(o *structpb.Struct) {
	s.raw('{')
	// Sorted, as protojson does: of a body not only who reads it here may see it.
	keys := make([]string, 0, len(o.GetFields()))
	for k := range o.GetFields() {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		s.next()
		s.string(k)
		s.raw(':')
		s.value(o.GetFields()[k])
	}
	s.raw('}')
}

func (s *speller) value(v *structpb.Value) {
	switch v := v.GetKind().(type) {
	case *structpb.Value_StructValue:
		s.object(v.StructValue)
	case *structpb.Value_ListValue:
		s.raw('[')
		for _, item := range v.ListValue.GetValues() {
			s.next()
			s.value(item)
		}
		s.raw(']')
	case *structpb.Value_StringValue:
		s.string(v.StringValue)
	case *structpb.Value_BoolValue:
		s.out = strconv.AppendBool(s.out, v.BoolValue)
	case *structpb.Value_NumberValue:
		if math.IsNaN(v.NumberValue) || math.IsInf(v.NumberValue, 0) {
			s.ok = false
			return
		}
		s.float(v.NumberValue)
	case *structpb.Value_NullValue:
		s.out = append(s.out, "null"...)
	default: // a value of no kind has no form
		s.ok = false
	}
}

// float writes a number as JSON has it everywhere: with an exponent only where it is very large or small.
func (s *speller) float(f float64) {
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	s.out = strconv.AppendFloat(s.out, f, format, -1, 64)
	if n := len(s.out); format == 'e' && n >= 4 && s.out[n-4] == 'e' && s.out[n-3] == '-' && s.out[n-2] == '0' {
		s.out[n-2] = s.out[n-1]
		s.out = s.out[:n-1]
	}
}
