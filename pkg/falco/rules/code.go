package rules

import (
	"github.com/kubewitness/kubewitness/pkg/falco/condition"
	"github.com/kubewitness/kubewitness/pkg/falco/format"
)

// The codes of errors, which are Falco's.
const (
	ErrFileRead         = "LOAD_ERR_FILE_READ"
	ErrYAMLParse        = "LOAD_ERR_YAML_PARSE"
	ErrYAMLValidate     = "LOAD_ERR_YAML_VALIDATE"
	ErrCompileCondition = "LOAD_ERR_COMPILE_CONDITION"
	ErrCompileOutput    = "LOAD_ERR_COMPILE_OUTPUT"
	ErrValidate         = "LOAD_ERR_VALIDATE"
)

// The codes of warnings, which are Falco's. Two more are our own: [WarnStateInFalco],
// and [format.WarnCut] of package format.
const (
	WarnUnknownSource    = "LOAD_UNKNOWN_SOURCE"
	WarnUnsafeNA         = condition.WarnUnsafeNA
	WarnNoEvttype        = "LOAD_NO_EVTTYPE"
	WarnUnknownFilter    = "LOAD_UNKNOWN_FILTER"
	WarnUnusedMacro      = "LOAD_UNUSED_MACRO"
	WarnUnusedList       = "LOAD_UNUSED_LIST"
	WarnUnknownItem      = "LOAD_UNKNOWN_ITEM"
	WarnDeprecatedItem   = "LOAD_DEPRECATED_ITEM"
	WarnAppendNoValues   = "LOAD_APPEND_NO_VALUES"
	WarnExceptionName    = "LOAD_EXCEPTION_NAME_NOT_UNIQUE"
	WarnMacroName        = "LOAD_INVALID_MACRO_NAME"
	WarnListName         = "LOAD_INVALID_LIST_NAME"
	WarnCompileCondition = condition.WarnCondition
	WarnUnknownKey       = "LOAD_UNKNOWN_KEY"
)

// WarnStateInFalco is about a rule with a stateful key that Falco would not skip.
const WarnStateInFalco = "LOAD_STATE_IN_FALCO"

// description says what a code stands for: short as a title, long as a sentence.
type description struct{ short, long string }

var descriptions = map[string]description{
	ErrFileRead:         {"File read error", ""},
	ErrYAMLParse:        {"YAML parse error", ""},
	ErrYAMLValidate:     {"Error validating internal structure of YAML file", ""},
	ErrCompileCondition: {"Error compiling condition", ""},
	ErrCompileOutput:    {"Error compiling output", ""},
	ErrValidate:         {"Error validating rule/macro/list/exception objects", ""},

	WarnUnknownSource:    {"Unknown event source", "The rule is for events of a source that is not read here. It is skipped."},
	WarnUnsafeNA:         {"Unsafe <NA> comparison in condition", "<NA> is how an absent field is printed; no field ever has that value in a condition. Use the exists operator."},
	WarnNoEvttype:        {"Condition has no event-type restriction", "The rule is tried on system calls of every type, which is slow."},
	WarnUnknownFilter:    {"Unknown field or event-type in condition or output", "The rule asks for a field that does not exist. It has skip-if-unknown-filter, so it is skipped."},
	WarnUnusedMacro:      {"Unused macro", "No rule and no other macro uses the macro."},
	WarnUnusedList:       {"Unused list", "No rule, macro or other list uses the list."},
	WarnUnknownItem:      {"Unknown rules file item", "The item is no list, macro, rule or version requirement. It is ignored."},
	WarnDeprecatedItem:   {"Used deprecated item", "A list, macro or rule uses something that a later version will not understand."},
	WarnAppendNoValues:   {"Overriding/appending with no values", "An exception is appended or overridden without values, which does nothing."},
	WarnExceptionName:    {"Multiple exceptions defined with the same name", "A rule has several exceptions of one name. Each of them applies."},
	WarnMacroName:        {"Invalid macro name", "No condition can refer to a macro of that name."},
	WarnListName:         {"Invalid list name", "No condition can be sure to refer to a list of that name."},
	WarnCompileCondition: {"Warning in rule condition", "The condition may not mean what it says, or could say it better."},
	format.WarnCut:       {"Field name cut short in output", "The output goes on right behind the name of a field, as if it meant a longer one."},
	WarnStateInFalco:     {"Rule about several events that Falco would not skip", "Falco does not know the kw_ keys: it would judge the rule on each event alone."},
	WarnUnknownKey:       {"Unknown key in item definition", "The item has a key that means nothing there: a misspelling, or a key of another kind of item. It is ignored."},
}
