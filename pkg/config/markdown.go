package config

import (
	"fmt"
	"slices"
	"strings"
)

const intro = "# Configuration\n\n" +
	"What `kubewitness serve` can be told. This page is what `kubewitness config docs` prints.\n\n" +
	"A value is taken from the first of these that has one: a flag, the environment, the file, the default.\n" +
	"`kubewitness config print` shows the outcome with the source of each value, `kubewitness config check` everything that is wrong with it.\n" +
	"[kubewitness.yaml](../examples/config/kubewitness.yaml) is a small example.\n\n" +
	"## The file\n\n" +
	"`--config FILE`, or the variable `" + EnvFile + "`, names a YAML file of one document. A dot in a key below is a section: `webhook.tls.cert_file` is\n\n" +
	"```yaml\nwebhook:\n  tls:\n    cert_file: /etc/kubewitness/tls.crt\n```\n\n" +
	"- Unknown keys, keys that stand there twice and values of a wrong type are errors. Keys are lower-case.\n" +
	"- A key without a value, or with `null`, counts as not written; an empty text is `\"\"`.\n" +
	"- Sizes are `64MiB`, `8GiB`, or bytes. Units: B, KiB, MiB, GiB, TiB.\n" +
	"- Times are `5ms`, `10s`, `1m30s`.\n" +
	"- Secrets stand in files of their own, and only their names here. User info in URLs is possible, and masked wherever it is printed.\n" +
	"- Numbers, dates and `true` are no texts: as the value of a label they stand in quotes.\n\n" +
	"## The environment\n\n" +
	"Every single value has a variable, lists have none. An empty variable counts as not set.\n" +
	"A variable that begins with `" + envPrefix + "` and sets nothing is told as a warning, but for those that Kubernetes makes of a Service named kubewitness.\n\n"

// Markdown returns the documentation of all settings: docs/configuration.md.
func Markdown() string {
	var b strings.Builder
	b.WriteString(intro)
	flagTable(&b)
	b.WriteString("## Settings\n\n")
	defaults := Default()
	table(&b, root, &defaults)
	for _, s := range root.below {
		switch s.kind {
		case section:
			chapter(&b, s, &defaults)
		case items:
			listChapter(&b, s)
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func flagTable(b *strings.Builder) {
	b.WriteString("## Flags\n\n")
	b.WriteString("Enough for a trial, without a file: `kubewitness serve --data DIR --webhook-listen 127.0.0.1:9443 --insecure --stdout`.\n" +
		"Flags that may be repeated replace the whole list of the file.\n\n")
	b.WriteString("| flag | sets | meaning |\n|--|--|--|\n")
	for _, f := range flags {
		name := "`--" + f.Name + "`"
		if f.Short != "" {
			name = "`-" + f.Short + "`, " + name
		}
		fmt.Fprintf(b, "| %s | `%s` | %s |\n", name, f.Key, cell(strings.ReplaceAll(f.Doc, "`", "")))
	}
	b.WriteByte('\n')
}

func chapter(b *strings.Builder, sec *setting, defaults *Config) {
	fmt.Fprintf(b, "### %s\n\n%s\n\n", sec.key, sec.doc)
	if slices.ContainsFunc(sec.below, func(s *setting) bool { return s.kind != section }) {
		table(b, sec, defaults)
	}
	for _, s := range sec.below {
		switch s.kind {
		case section:
			chapter(b, s, defaults)
		case items:
			listChapter(b, s)
		}
	}
}

// table lists the settings of a section that are no sections themselves.
func table(b *strings.Builder, sec *setting, defaults *Config) {
	b.WriteString("| key | environment | default | meaning |\n|--|--|--|--|\n")
	for _, s := range sec.below {
		if s.kind == section {
			continue
		}
		env, value := "", "none"
		if s.scalar() {
			env, value = "`"+s.env()+"`", shownDefault(s.in(defaults).Interface())
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", s.key, env, value, meaning(s))
	}
	b.WriteByte('\n')
}

// listChapter lists what an entry of a list holds.
func listChapter(b *strings.Builder, list *setting) {
	fmt.Fprintf(b, "### %s\n\n%s A list; each entry has\n\n", list.key, list.doc)
	b.WriteString("| key | default | meaning |\n|--|--|--|\n")
	zero := list.zero()
	for i, s := range list.below {
		value := "none"
		if s.scalar() {
			value = shownDefault(zero.Field(i).Interface())
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", s.key, value, meaning(s))
	}
	b.WriteByte('\n')
	for _, s := range list.below {
		if s.kind == items {
			listChapter(b, s)
		}
	}
}

func shownDefault(v any) string {
	if t := format(v); t != "" {
		return "`" + t + "`"
	}
	return "empty"
}

func meaning(s *setting) string {
	doc := s.doc
	if s.one != nil {
		doc += " One of " + strings.Join(s.one, ", ") + "."
	}
	if s.kind == priority {
		doc += " One of " + strings.Join(priorities(), ", ") + "."
	}
	if s.least != nil {
		doc += " At least " + format(s.least) + "."
	}
	return cell(doc)
}

// cell keeps a text within its cell.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
