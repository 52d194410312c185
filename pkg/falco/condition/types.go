package condition

// Type is the type of a field's values, or of each element of a list.
type Type uint8

// The types that fields of an audit event have.
const (
	TypeString  Type = iota // text
	TypeUint64              // unsigned number
	TypeRelTime             // duration in nanoseconds
	TypeAbsTime             // nanoseconds since the epoch
	TypeBool                // true or false
	TypeIPNet               // address, comparable with addresses and CIDR ranges
)

// String gives Falco's name of the type.
func (t Type) String() string {
	switch t {
	case TypeString:
		return "CHARBUF"
	case TypeUint64:
		return "UINT64"
	case TypeRelTime:
		return "RELTIME"
	case TypeAbsTime:
		return "ABSTIME"
	case TypeBool:
		return "BOOL"
	case TypeIPNet:
		return "IPNET"
	}
	return "NONE"
}

// Numeric tells whether values of the type compare as unsigned numbers.
func (t Type) Numeric() bool {
	return t == TypeUint64 || t == TypeRelTime || t == TypeAbsTime
}

// FieldInfo is what checks need to know of a field.
type FieldInfo struct {
	Name        string
	Type        Type
	List        bool // yields a list
	ArgRequired bool // must have an argument
	ArgAllowed  bool // may have an argument; set where ArgRequired is
	ArgIndex    bool // the argument is an index, else a key
	State       State
}

// State tells whether a field can be told from one event alone.
type State uint8

// What a field holds, by where it is from.
const (
	OfEvent  State = iota // what stands in the event
	OfBefore              // what events before it have told
	OfCount               // what several events are together, once they are a detection
)

// Catalogue tells which fields exist.
type Catalogue interface {
	Field(name string) (FieldInfo, bool)
}

// CheckArg tells what is wrong with the argument of a field, in Falco's words;
// "" when nothing is. The field is named by its text as written.
func (f FieldInfo) CheckArg(text, arg string, has bool) string {
	switch {
	case !has && f.ArgRequired:
		return "filter '" + text + "': " + f.Name + " requires an argument but none provided"
	case has && !f.ArgAllowed && !f.ArgRequired:
		return "filter '" + text + "': " + f.Name + " does not allow nor require an argument but one is provided: " + arg
	case has && f.ArgIndex:
		if msg := checkIndex(arg); msg != "" {
			return "filter " + text + " " + f.Name + " has an invalid index argument " + msg + arg
		}
	}
	return ""
}

func checkIndex(arg string) string {
	if digits(arg) != len(arg) || arg == "" {
		return "not composed only by digits: "
	}
	if arg[0] == '0' && len(arg) > 1 {
		return "starting with 0: "
	}
	if len(arg) > len("18446744073709551615") || len(arg) == len("18446744073709551615") && arg > "18446744073709551615" {
		return "not representable on 64 bit: "
	}
	return ""
}

// OperandType is the type of an operand's value.
type OperandType struct {
	Type Type
	List bool
}

// String gives the type as Falco's messages name it.
func (t OperandType) String() string {
	if t.List {
		return t.Type.String() + " (list)"
	}
	return t.Type.String()
}
