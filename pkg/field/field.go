package field

import (
	"errors"
	"math"
	"net/netip"
	"strconv"
	"time"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/condition"
)

// Arg is the argument of a field, the text in brackets. The zero Arg is none.
// One from [Field.ParseArg] is the fastest.
type Arg struct {
	Present bool
	Key     string // where the field takes a key
	Index   int    // where the field takes an index; 0-based

	pointer *pointerSteps // where the key is a JSON pointer: it, read; nil: not yet
}

// Item is one value found in an event. Its text can be a piece of the event's.
type Item struct {
	Text   string       // as printed, for every type
	Num    uint64       // numbers, times (nanoseconds unless the field says otherwise); true is 1
	Prefix netip.Prefix // addresses: the address with all its bits
}

// Context is an event and what a field can need to know besides it. It is used
// by one goroutine at a time; the next event gets a new one.
type Context struct {
	Event    *audit.Event
	Num      uint64    // evt.num: 1 for the first event
	First    time.Time // time of the first event, the base of evt.reltime; zero: this event's
	Hostname string    // evt.hostname; "" for none
	Strict   bool      // answer exactly as Falco, faults included

	Correlation *Correlation // what several events are together; nil where the event is judged alone
	Seen        *SeenPod     // what is known of the pod that the request is about; nil: nothing

	pod   pod          // that Event writes, if podOf is Event
	podOf *audit.Event // nil: not looked for yet
}

// root is the event as the ka.*, json.* and jevt.* fields see it: of two equal
// keys Falco's parser finds the first, the API server obeys the last.
func (c *Context) root() audit.Value {
	if c.Strict {
		return c.Event.Root().FirstKeys()
	}
	return c.Event.Root()
}

// extractor appends what a field finds in an event; nothing where it is absent.
type extractor func(dst []Item, c *Context, a Arg) []Item

// Field is one entry of the catalogue.
type Field struct {
	Name        string
	Class       string // heading in the documentation
	Doc         string // what it holds, in one or two sentences
	Example     string // a condition that uses it; "" for none
	Type        condition.Type
	List        bool     // yields a list
	ArgRequired bool     // must have an argument
	ArgAllowed  bool     // may have one; also set where ArgRequired is
	ArgIndex    bool     // the argument is an index, else a key
	Paths       []string // where it looks, as JSON pointers; * is each element
	JSONNum     bool     // output_fields hold Num though the type is text
	Ours        bool     // unknown to Falco
	Deprecated  bool     // kept for old rules
	State       condition.State

	extract extractor
	pointer bool // the argument is a JSON pointer
	inBody  bool // see InBody
	ofPod   bool // see OfPod
}

// Append appends the items that the field finds to dst, and nothing when it is
// absent. Fields that are no lists append at most one. What is behind the length
// of dst can be overwritten either way.
//
// Memory is asked for only when dst is too short, and for texts that do not
// stand in the event as they are: those put together or decoded.
func (f *Field) Append(dst []Item, c *Context, a Arg) []Item { return f.extract(dst, c, a) }

// Extract gives the items that the field finds; nil when it is absent.
func (f *Field) Extract(c *Context, a Arg) []Item {
	items := f.Append(nil, c, a)
	if len(items) == 0 {
		return nil
	}
	return items
}

// InBody tells whether the field, with that argument, can look into the request
// or the response object, in one of the modes at least. Most events need no look
// into them, and to read them costs more than all the rest.
func (f *Field) InBody(a Arg) bool {
	if f.pointer {
		return a.steps().inBody()
	}
	return f.inBody
}

// OfPod tells whether the field is about nothing but the pod that a request writes:
// see [Context.WritesPod].
func (f *Field) OfPod() bool { return f.ofPod }

// Info is what conditions need to know of the field.
func (f *Field) Info() condition.FieldInfo {
	return condition.FieldInfo{
		Name: f.Name, Type: f.Type, List: f.List,
		ArgRequired: f.ArgRequired, ArgAllowed: f.ArgAllowed, ArgIndex: f.ArgIndex,
		State: f.State,
	}
}

// ParseArg reads an argument, the text between the brackets. The error is
// Falco's message about an argument that the field does not take.
func (f *Field) ParseArg(text string) (Arg, error) {
	if msg := f.Info().CheckArg(f.Name+"["+text+"]", text, true); msg != "" {
		return Arg{}, errors.New(msg)
	}
	if f.pointer {
		return pointerArg(text), nil
	}
	if !f.ArgIndex {
		return Arg{Present: true, Key: text}, nil
	}
	i, err := strconv.Atoi(text)
	if err != nil { // fits 64 bits, but no array is that long
		i = math.MaxInt
	}
	return Arg{Present: true, Index: i}, nil
}

// NoArg is ParseArg for a field written without brackets: the error is Falco's
// message when the field requires an argument.
func (f *Field) NoArg() (Arg, error) {
	if msg := f.Info().CheckArg(f.Name, "", false); msg != "" {
		return Arg{}, errors.New(msg)
	}
	return Arg{}, nil
}
