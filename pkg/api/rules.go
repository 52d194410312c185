package api

// Rules are the rules in force.
type Rules struct {
	Rules []Rule `json:"rules"` // in the order in which they match
}

// Rule is one of them.
type Rule struct {
	Name      string   `json:"name"`
	Desc      string   `json:"desc"`
	Priority  string   `json:"priority"`
	Source    string   `json:"source"`
	Tags      []string `json:"tags"`
	Condition string   `json:"condition"` // as written
	Output    string   `json:"output"`    // as written
	Enabled   bool     `json:"enabled"`
	Stateful  bool     `json:"stateful,omitempty"` // about several events
	State     string   `json:"state,omitempty"`    // the key that says how: kw_threshold, kw_sequence, kw_new_terms, kw_absence
}

// Explanation says why a rule fires on an event, or why it does not, judged by the rules
// in force.
type Explanation struct {
	EventID   string      `json:"event_id"`
	Rule      string      `json:"rule"`
	Condition string      `json:"condition,omitempty"` // as written
	Verdict   bool        `json:"verdict"`
	Note      string      `json:"note,omitempty"` // what speaks against taking it for the verdict of the day
	Tree      Clause      `json:"tree"`
	Redacted  []string    `json:"redacted,omitempty"` // as of Event: clauses on these places saw no secret
	Stored    []Detection `json:"stored"`             // what the rule said when the event came
}

// Clause is a node of a condition with what an event makes of it.
type Clause struct {
	Text    string        `json:"text"` // "and", "or", "not", or the check as written
	Verdict bool          `json:"verdict"`
	Values  []ClauseValue `json:"values,omitempty"` // of a check: what its fields yield
	Terms   []Clause      `json:"terms,omitempty"`
}

// ClauseValue is what a field or transformer yields for an event.
type ClauseValue struct {
	Operand string   `json:"operand"`
	Absent  bool     `json:"absent,omitempty"`
	List    bool     `json:"list,omitempty"`
	Items   []string `json:"items"`
}
