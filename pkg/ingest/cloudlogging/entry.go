package cloudlogging

import (
	"fmt"
	"hash/maphash"

	"cloud.google.com/go/logging/apiv2/loggingpb"
	auditpb "google.golang.org/genproto/googleapis/cloud/audit"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// auditLogName is the type of what a protoPayload of an audit log holds.
var auditLogName = (*auditpb.AuditLog)(nil).ProtoReflect().Descriptor().FullName()

// spellEntry spells an entry as JSON, as exports and log sinks do. Messages of a type that is not known here, or that are
// broken, are kept as {"@type": "...", "value": "base64"}. The entry is changed.
func spellEntry(e *loggingpb.LogEntry) ([]byte, error) {
	if text := spellQuickly(e); text != nil {
		return text, nil
	}
	types := &resolver{}
	if payload := e.GetProtoPayload(); payload != nil {
		if err := types.payload(payload); err != nil {
			return nil, err
		}
	}
	text, err := protojson.MarshalOptions{AllowPartial: true, Resolver: types}.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("the entry has no form in JSON: %w", err)
	}
	return text, nil
}

// resolver finds the types of messages within messages. Those in opaque were put into a BytesValue each, which JSON has as
// {"@type", "value"}.
type resolver struct {
	opaque map[string]bool // by URL of the type
}

// payload prepares an entry's payload: what it holds that cannot be spelled is made opaque.
func (r *resolver) payload(payload *anypb.Any) error {
	if payload.MessageName() != auditLogName {
		return r.hide(payload)
	}
	if !hasInner(payload.GetValue()) {
		return nil
	}
	log := new(auditpb.AuditLog)
	if err := proto.Unmarshal(payload.GetValue(), log); err != nil {
		return fmt.Errorf("the AuditLog in it cannot be read: %w", err)
	}
	inner := log.GetStatus().GetDetails()
	//lint:ignore SA1019 old entries have it
	if service := log.GetServiceData(); service != nil {
		inner = append(inner[:len(inner):len(inner)], service)
	}
	for _, a := range inner {
		if err := r.hide(a); err != nil {
			return err
		}
	}
	value, err := proto.MarshalOptions{AllowPartial: true}.Marshal(log)
	if err != nil {
		return fmt.Errorf("the AuditLog in it cannot be written: %w", err)
	}
	payload.Value = value
	return nil
}

// Numbers of the fields of an AuditLog that hold messages of any type.
const (
	statusField  protowire.Number = 2
	detailsField protowire.Number = 3 // of status
	serviceField protowire.Number = 15
)

// hasInner tells whether an AuditLog holds messages of any type: most do not, and need not be read for it.
func hasInner(log []byte) (has bool) {
	fields(log, func(n protowire.Number, value []byte) {
		switch n {
		case serviceField:
			has = true
		case statusField:
			fields(value, func(n protowire.Number, _ []byte) { has = has || n == detailsField })
		}
	})
	return has
}

// fields goes through the fields of a message that are messages or texts.
func fields(message []byte, field func(protowire.Number, []byte)) {
	for len(message) > 0 {
		number, typ, n := protowire.ConsumeTag(message)
		if n < 0 {
			return // whoever reads it tells
		}
		message = message[n:]
		if n = protowire.ConsumeFieldValue(number, typ, message); n < 0 {
			return
		}
		if typ == protowire.BytesType {
			value, _ := protowire.ConsumeBytes(message)
			field(number, value)
		}
		message = message[n:]
	}
}

// hide makes a message opaque. Nothing of what an event is made of is in one: that some types are known here is no reason
// to read them.
func (r *resolver) hide(a *anypb.Any) error {
	if a.GetTypeUrl() == "" {
		if len(a.GetValue()) == 0 {
			return nil // {} in JSON
		}
		a.TypeUrl = untyped
	}
	value, err := proto.Marshal(wrapperspb.Bytes(a.GetValue()))
	if err != nil {
		return err
	}
	if r.opaque == nil {
		r.opaque = map[string]bool{}
	}
	r.opaque[a.GetTypeUrl()] = true
	a.Value = value
	return nil
}

// untyped stands for the type of a message that says none.
const untyped = "type.googleapis.com/google.protobuf.BytesValue"

var bytesType = (*wrapperspb.BytesValue)(nil).ProtoReflect().Type()

// FindMessageByURL implements the resolver of protojson.
func (r *resolver) FindMessageByURL(url string) (protoreflect.MessageType, error) {
	if r.opaque[url] {
		return bytesType, nil
	}
	return protoregistry.GlobalTypes.FindMessageByURL(url)
}

// FindMessageByName implements the resolver of protojson.
func (r *resolver) FindMessageByName(name protoreflect.FullName) (protoreflect.MessageType, error) {
	return protoregistry.GlobalTypes.FindMessageByName(name)
}

// FindExtensionByName implements the resolver of protojson.
func (r *resolver) FindExtensionByName(name protoreflect.FullName) (protoreflect.ExtensionType, error) {
	return protoregistry.GlobalTypes.FindExtensionByName(name)
}

// FindExtensionByNumber implements the resolver of protojson.
func (r *resolver) FindExtensionByNumber(message protoreflect.FullName, n protoreflect.FieldNumber) (protoreflect.ExtensionType, error) {
	return protoregistry.GlobalTypes.FindExtensionByNumber(message, n)
}

// key is an entry's identity, for this process.
type key [2]uint64

var seeds = [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}

// identity is what Cloud Logging tells entries apart by: log, time, insertId; and which part it is.
type identity struct {
	log, insertID string
	seconds       int64
	nanos, part   int32
}

func keyOf(e *loggingpb.LogEntry) key {
	id := identity{e.GetLogName(), e.GetInsertId(), e.GetTimestamp().GetSeconds(), e.GetTimestamp().GetNanos(), e.GetSplit().GetIndex()}
	return key{maphash.Comparable(seeds[0], id), maphash.Comparable(seeds[1], id)}
}
