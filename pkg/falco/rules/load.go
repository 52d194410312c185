package rules

// Load reads rules files in order and compiles them. There is one result for
// each file, in order. The ruleset is nil where a result has errors.
//
// A file is compiled right after it has been read, together with all before it:
// what it uses must not come in a later file. Nothing is told twice.
func Load(files []File, opt Options) (*Ruleset, []*Result) {
	l := loader{opt: opt, all: &collection{catalogue: opt.catalogue}, told: map[problem]bool{}}
	var rules []*Rule
	ok := true
	for _, f := range files {
		rules = l.file(f)
		ok = ok && l.results[len(l.results)-1].Successful
	}
	if !ok {
		return nil, l.results
	}
	if l.last != nil && !opt.Strict {
		l.warnUnused()
	}
	rs := &Ruleset{Rules: l.choose(rules)}
	if l.last != nil {
		rs.terms = &terms{c: &compiler{lists: l.last.lists, named: l.last.named, macros: l.last.macros}}
	}
	return rs, l.results
}

type loader struct {
	opt     Options
	all     *collection
	told    map[problem]bool
	results []*Result
	files   []*content // one for each result
	last    *compiler  // of the last file
}

// file reads and compiles one file.
func (l *loader) file(f File) []*Rule {
	res := &Result{Name: f.Name, Errors: []Diagnostic{}, Warnings: []Diagnostic{}}
	l.results = append(l.results, res)
	rec := &recorder{result: res, told: l.told}
	in := newContent(f.Name, f.Content)
	l.files = append(l.files, in)
	if f.Err != nil {
		rec.fail(ErrFileRead, fileChain(in), f.Err.Error())
		return nil
	}
	required := len(l.all.required)
	(&reader{recorder: rec, in: in, all: l.all, strict: l.opt.Strict}).read()
	l.last = &compiler{recorder: rec, all: l.all, strict: l.opt.Strict}
	rules := l.last.compile()
	for _, q := range l.all.required[required:] {
		if msg := q.missing(); msg != "" {
			rec.fail(ErrValidate, q.at, msg)
		}
	}
	res.Successful = len(res.Errors) == 0
	if res.Successful && l.opt.Strict {
		for _, u := range l.last.unused() {
			rec.warn(u.code, u.at, u.msg)
		}
	}
	return rules
}

// warnUnused tells of what no file uses, each in the result of its own file.
func (l *loader) warnUnused() {
	for _, u := range l.last.unused() {
		for i, in := range l.files {
			if in == u.at.last().in {
				(&recorder{result: l.results[i], told: l.told}).warn(u.code, u.at, u.msg)
			}
		}
	}
}

// choose leaves the rules that are loaded: of a source that is read, urgent
// enough, enabled or not as selected.
func (l *loader) choose(all []*Rule) []*Rule {
	rules := []*Rule{}
	for _, r := range all {
		if l.opt.reads(r.Source) && (l.opt.MinPriority == nil || r.Priority <= *l.opt.MinPriority) {
			rules = append(rules, r)
		}
	}
	l.opt.apply(rules)
	return rules
}
