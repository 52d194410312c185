package ruledoc

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/ruletest"
)

// Page is a file of the documentation.
type Page struct {
	Name    string // such as exec-or-attach-to-pod.md
	Content string
}

// Index is the name of the page that lists the others.
const Index = "README.md"

// Options say what pages are made of.
type Options struct {
	Rules  *rules.Ruleset
	Runner *ruletest.Runner // of these rules
	Suites []*ruletest.Suite
	// Source gives a link to a rules file, seen from the pages; "": its name without a link.
	Source func(file string) string
	// Made says, at the end of the list, how the pages are made; may be "".
	Made string
}

// Pages makes the pages of the enabled rules in the suites' files.
func Pages(opt Options) []Page {
	w := writer{opt: opt, about: map[string]*ruletest.About{}, suites: map[string]*ruletest.Suite{}}
	for _, s := range opt.Suites {
		w.suites[s.Rules] = s
		if s.File == nil {
			continue
		}
		for _, a := range s.File.About {
			w.about[a.Rule] = a
		}
	}
	var pages []Page
	for _, r := range opt.Rules.Rules {
		if s := w.suites[r.File]; r.Enabled && s != nil {
			e := w.entry(r, s)
			w.entries = append(w.entries, e)
			pages = append(pages, Page{FileName(r.Name), w.page(e)})
		}
	}
	return append(pages, Page{Index, w.index()})
}

// FileName is the name of a rule's page.
func FileName(rule string) string {
	name := notWord.ReplaceAllString(strings.ToLower(rule), "-")
	return strings.Trim(name, "-") + ".md"
}

var notWord = regexp.MustCompile(`[^a-z0-9]+`)

type writer struct {
	opt     Options
	about   map[string]*ruletest.About
	suites  map[string]*ruletest.Suite
	entries []entry
}

// entry is what is known of a rule.
type entry struct {
	rule             *rules.Rule
	about            ruletest.About
	example, output  string // what an alert says; "" without a positive test
	fires, keepQuiet []string
}

func (w *writer) entry(r *rules.Rule, s *ruletest.Suite) entry {
	e := entry{rule: r}
	if a := w.about[r.Name]; a != nil {
		e.about = *a
	}
	if s.File == nil {
		return e
	}
	for _, t := range s.File.Tests {
		name, _, _ := strings.Cut(t.Name, "/")
		wanted := slices.ContainsFunc(t.Want, func(n ruletest.Want) bool { return n.Rule == r.Name })
		about := slices.ContainsFunc(t.Rules, func(n ruletest.Named) bool { return n.Rule == r.Name })
		switch {
		case wanted && !slices.Contains(e.fires, name):
			e.fires = append(e.fires, name)
			if e.example == "" {
				e.example, e.output = w.example(r, t)
			}
		case about && !wanted && !slices.Contains(e.keepQuiet, name):
			e.keepQuiet = append(e.keepQuiet, name)
		}
	}
	return e
}

// example is what an alert of a rule says in a test.
func (w *writer) example(r *rules.Rule, t *ruletest.Test) (sentence, output string) {
	for _, f := range w.opt.Runner.Detections(t) {
		if f.Rule.Name == r.Name {
			return f.Event.Answer().String(), f.Output
		}
	}
	return "", ""
}

var technique = regexp.MustCompile(`^T\d{4}(\.\d{3})?$`)

// page writes the page of a rule.
func (w *writer) page(e entry) string {
	var b strings.Builder
	r := e.rule
	fmt.Fprintf(&b, "# %s\n\n%s\n\n%s\n", inline(r.Name), w.facts(r), inline(r.Desc))
	section(&b, "Why", e.about.Why)
	if e.example != "" {
		fmt.Fprintf(&b, "\n## Example\n\nAs an answer, and as Falco's line:\n\n%s\n%s", block(e.example), block(e.output))
	}
	list(&b, "False positives", e.about.FalsePositives, false)
	list(&b, "Response", e.about.Response, true)
	if len(r.Exceptions) > 0 {
		var items []string
		for _, ex := range r.Exceptions {
			items = append(items, fmt.Sprintf("`%s`: %s", ex.Name, codes(ex.Fields)))
		}
		list(&b, "Exceptions", items, false)
	}
	if len(e.fires)+len(e.keepQuiet) > 0 {
		b.WriteString("\n## Tested\n")
		bullets(&b, "It fires on:", e.fires)
		bullets(&b, "It keeps quiet on:", e.keepQuiet)
	}
	fmt.Fprintf(&b, "\n## Condition\n\n%s", block(r.Written))
	list(&b, "References", references(r, e.about), false)
	return b.String()
}

// facts are priority, tags and file, in a line.
func (w *writer) facts(r *rules.Rule) string {
	parts := []string{"**" + r.Priority.String() + "**"}
	for _, tag := range r.Tags {
		parts = append(parts, "`"+tag+"`")
	}
	if r.Stateful() {
		parts = append(parts, "about several events")
	}
	if r.SkipIfUnknownFilter {
		parts = append(parts, "skipped by Falco")
	}
	return strings.Join(append(parts, w.source(r.File)), " · ")
}

func (w *writer) source(file string) string {
	name := path.Base(file)
	if w.opt.Source != nil {
		if link := w.opt.Source(file); link != "" {
			return "[" + name + "](" + link + ")"
		}
	}
	return "`" + name + "`"
}

// references are the techniques' pages and what the tests name.
func references(r *rules.Rule, a ruletest.About) (all []string) {
	for _, tag := range r.Tags {
		if technique.MatchString(tag) {
			all = append(all, "https://attack.mitre.org/techniques/"+strings.ReplaceAll(tag, ".", "/")+"/")
		}
	}
	for _, ref := range a.References {
		if !slices.Contains(all, ref) {
			all = append(all, ref)
		}
	}
	for i, ref := range all {
		all[i] = "<" + ref + ">"
	}
	return all
}

// index writes the list of all rules.
func (w *writer) index() string {
	var b strings.Builder
	b.WriteString("# Rules\n\nA page for each rule: what it means, what an alert looks like, what else makes it fire, and what to do.\n")
	file := ""
	for _, e := range w.entries {
		r := e.rule
		if r.File != file {
			file = r.File
			fmt.Fprintf(&b, "\n## %s\n\n| rule | priority | for example |\n|--|--|--|\n", title(file))
		}
		fmt.Fprintf(&b, "| [%s](%s) | %s | %s |\n", cell(r.Name), FileName(r.Name), r.Priority, cell(e.example))
	}
	if w.opt.Made != "" {
		b.WriteString("\n" + w.opt.Made + "\n")
	}
	return b.String()
}

// title is a file's name as words.
func title(file string) string {
	name := strings.ReplaceAll(strings.TrimSuffix(path.Base(file), path.Ext(file)), "-", " ")
	if name == "" {
		return file
	}
	return strings.ToUpper(name[:1]) + name[1:]
}

func section(b *strings.Builder, name, text string) {
	if text != "" {
		fmt.Fprintf(b, "\n## %s\n\n%s\n", name, inline(text))
	}
}

func list(b *strings.Builder, name string, items []string, numbered bool) {
	if len(items) == 0 {
		return
	}
	fmt.Fprintf(b, "\n## %s\n\n", name)
	for i, item := range items {
		mark := "-"
		if numbered {
			mark = fmt.Sprint(i+1, ".")
		}
		if !strings.HasPrefix(item, "<http") && !strings.HasPrefix(item, "`") {
			item = inline(item)
		}
		fmt.Fprintf(b, "%s %s\n", mark, item)
	}
}

func bullets(b *strings.Builder, head string, items []string) {
	if len(items) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s\n\n", head)
	for _, item := range items {
		fmt.Fprintf(b, "- %s\n", inline(item))
	}
}

func codes(all []string) string {
	out := make([]string, len(all))
	for i, s := range all {
		out[i] = "`" + s + "`"
	}
	return strings.Join(out, ", ")
}

// marks are characters that would mean something to Markdown or HTML.
var marks = strings.NewReplacer("<", "&lt;", "*", `\*`, "_", `\_`, "`", "\\`", "[", `\[`)

// inline is a text in a line of Markdown.
func inline(text string) string { return marks.Replace(strings.Join(strings.Fields(text), " ")) }

// cell is a text in a table.
func cell(text string) string { return strings.ReplaceAll(inline(text), "|", `\|`) }

// block is a text as it is.
func block(text string) string {
	var b strings.Builder
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		b.WriteString(strings.TrimRight("    "+line, " ") + "\n")
	}
	return b.String()
}
