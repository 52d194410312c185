package rules

// Exceptions become part of a rule's condition as text, before lists are
// substituted: (COND) and not (EX1) and not (EX2).

// withExceptions gives the condition of a rule with its exceptions. It is not
// ok where one of them has an error, which has been told or is one of the
// faults, and is left out.
func withExceptions(item *ruleItem) (cond script, faults []finding, ok bool) {
	if len(item.exceptions) == 0 {
		return item.cond, nil, true
	}
	ok = true
	var b scriptBuilder
	b.add(item.cond.instead(0, "("))
	b.add(item.cond)
	b.add(item.cond.instead(len(item.cond.text), ")"))
	for i := range item.exceptions {
		ex := &item.exceptions[i]
		if ex.bad {
			ok = false
			continue
		}
		text, msg := ex.script()
		switch {
		case msg != "":
			faults = append(faults, finding{code: ErrValidate, at: ex.at, msg: msg})
			ok = false
		case text.text != "":
			b.add(scriptAt(" and not ", ex.at.last()))
			b.add(text)
		}
	}
	return b.script(), faults, ok
}

// script gives the exception as a condition, empty where it has no values; msg
// tells what is wrong with it.
func (ex *exception) script() (cond script, msg string) {
	if len(ex.values) == 0 {
		return script{}, ""
	}
	glue := func(text string) script { return scriptAt(text, ex.at.last()) }
	if !ex.fields.list {
		parts := []script{glue("("), ex.fields.script(), glue(" "), ex.comps.script(), glue(" (")}
		for i, v := range ex.values {
			if v.list {
				return script{}, "Expected values array to contain a list of strings"
			}
			if i > 0 {
				parts = append(parts, glue(", "))
			}
			parts = append(parts, v.quoted())
		}
		return join(append(parts, glue("))"))...), ""
	}
	parts := []script{glue("(")}
	for i, row := range ex.values {
		if len(row.items) != len(ex.fields.items) {
			return script{}, "Fields and values lists must have equal length"
		}
		if i > 0 {
			parts = append(parts, glue(" or "))
		}
		parts = append(parts, glue("("), ex.row(row, glue), glue(")"))
	}
	return join(append(parts, glue(")"))...), ""
}

// row gives one row of values as checks that must all hold.
func (ex *exception) row(row entry, glue func(string) script) script {
	var parts []script
	for k, field := range ex.fields.items {
		if k > 0 {
			parts = append(parts, glue(" and "))
		}
		op := ex.comps.items[k]
		parts = append(parts, field.script(), glue(" "), op.script(), glue(" "), row.items[k].operand(op.text))
	}
	return join(parts...)
}

// operand gives a value as the right-hand side of an operator.
func (e entry) operand(op string) script {
	switch {
	case e.list:
		parts := []script{scriptAt("(", e.at)}
		for i, item := range e.items {
			if i > 0 {
				parts = append(parts, scriptAt(", ", item.at))
			}
			parts = append(parts, item.quoted())
		}
		return join(append(parts, scriptAt(")", e.at))...)
	case !wantsList(op):
		return e.quoted()
	case e.text != "" && e.text[0] == '(':
		return e.script()
	}
	return scriptAt("("+e.text+")", e.at)
}

func (e entry) script() script { return scriptAt(e.text, e.at) }
func (e entry) quoted() script { return scriptAt(quoteItem(e.text), e.at) }
