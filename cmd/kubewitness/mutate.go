package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/ingest/admission"
	"github.com/kubewitness/kubewitness/pkg/mutate"
	"github.com/kubewitness/kubewitness/pkg/yamlnode"
)

func newMutate(io stdio) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "mutate",
		Short: "Check what is changed in objects at admission, and try it",
		Args:  cobra.NoArgs, // or else an unknown command is taken for a wish for help
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newMutateCheck(io), newMutateTest(io))
	return cmd
}

func newMutateCheck(io stdio) *cobra.Command {
	var f ruleFlags
	cmd := &cobra.Command{
		Use:   "check FILE",
		Short: "Tell everything that is wrong with a file of mutations",
		Long: `check reads a file of mutations and tells every error with its place. Conditions may use
the macros and lists of the rules. The exit code is 2 when the file has errors.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New("name one file of mutations")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			m, err := f.mutations(io.err, args[0])
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(io.out, "%s: Ok, %s\n", args[0], entries(len(m.Entries())))
			return err
		},
	}
	f.register(cmd.Flags())
	return cmd
}

// mutations reads a file; what is wrong with it is told on stderr.
func (f *ruleFlags) mutations(stderr io.Writer, file string) (*mutate.File, error) {
	set, err := f.load(stderr)
	if err != nil {
		return nil, err
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, &exitError{code: exitUnreadable, err: err}
	}
	m, err := mutate.Parse(file, content, set.Rules)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return nil, &exitError{code: exitUsage}
	}
	return m, nil
}

type mutateCommand struct {
	stdio
	rules     ruleFlags
	cluster   string
	user      string
	groups    []string
	namespace string
	old       string
	sub       string
	output    string
	file      *mutate.File
	before    []*yamlnode.Node // of --old
}

func newMutateTest(io stdio) *cobra.Command {
	c := &mutateCommand{stdio: io}
	cmd := &cobra.Command{
		Use:   "test FILE OBJECT.yaml...",
		Short: "Say what a file of mutations does to objects",
		Long: `test applies a file of mutations to objects, as the service would if somebody made them,
and prints what is changed by which entries: a line for each operation, or with --output
yaml the objects as they are then. Nothing is sent anywhere. An API server puts defaults
into objects first; see them with kubectl apply --dry-run=server.`,
		Example: `  kubewitness mutate test mutate.yaml deployment.yaml --user jane --cluster prod
  kubectl get deployment web -o yaml | kubewitness mutate test mutate.yaml - --output yaml`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) < 2 {
				return errors.New("name a file of mutations, and objects; - is stdin")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error { return c.run(args[0], args[1:]) },
	}
	fs := cmd.Flags()
	fs.StringVar(&c.cluster, "cluster", "", "the `cluster` that is asked")
	fs.StringVar(&c.user, "user", "somebody", "the `user` who asks")
	fs.StringSliceVar(&c.groups, "group", nil, "a `group` of the user; repeat for more")
	fs.StringVarP(&c.namespace, "namespace", "n", "default", "the `namespace` of objects that name none")
	fs.StringVar(&c.old, "old", "", "`file` with the objects as they were before, in the same order: they are updated, not made")
	fs.StringVar(&c.sub, "subresource", "", "the `subresource`, as ephemeralcontainers")
	fs.StringVarP(&c.output, "output", "o", "text", "`text` (what is changed), yaml (the objects as they are then), or patch (RFC 6902, a line for each object)")
	c.rules.register(fs)
	return cmd
}

func (c *mutateCommand) run(file string, objects []string) (err error) {
	if c.output != "text" && c.output != "yaml" && c.output != "patch" {
		return fmt.Errorf("--output %q: text, yaml or patch", c.output)
	}
	if c.file, err = c.rules.mutations(c.err, file); err != nil {
		return err
	}
	if c.old != "" {
		if c.before, err = c.read(c.old); err != nil {
			return err
		}
	}
	n := 0
	for _, name := range objects {
		docs, err := c.read(name)
		if err != nil {
			return err
		}
		for _, doc := range docs {
			var old *yamlnode.Node
			if n < len(c.before) {
				old = c.before[n]
			}
			n++
			if err := c.one(name, doc, old, n > 1); err != nil {
				return err
			}
		}
	}
	return nil
}

// read reads the objects of a file.
func (c *mutateCommand) read(name string) ([]*yamlnode.Node, error) {
	content, err := readNamed(c.in, name)
	if err != nil {
		return nil, &exitError{code: exitUnreadable, err: err}
	}
	docs, err := yamlnode.ParseAll(content)
	var bad *yamlnode.Problem
	if errors.As(err, &bad) {
		bad.File = name
		return nil, &exitError{code: exitUnreadable, err: bad}
	}
	var objects []*yamlnode.Node
	for _, d := range docs {
		if kind, items := d.Get("kind"), d.Get("items"); kind != nil && kind.Text == "List" && items != nil { // as kubectl prints several
			objects = append(objects, items.Items...)
			continue
		}
		objects = append(objects, d)
	}
	for _, d := range objects {
		if d.Kind != yamlnode.Mapping {
			return nil, &exitError{code: exitUnreadable, err: &yamlnode.Problem{File: name, Line: d.Line, Column: d.Column, Text: "is no object"}}
		}
	}
	return objects, err
}

func readNamed(in io.Reader, name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(in)
	}
	return os.ReadFile(name)
}

// one applies the file to an object.
func (c *mutateCommand) one(name string, doc, old *yamlnode.Node, more bool) error {
	r, err := c.request(doc, old)
	if err != nil {
		return &exitError{code: exitUnreadable, err: fmt.Errorf("%s:%d: %w", name, doc.Line, err)}
	}
	change, err := c.file.Apply(r)
	if err != nil {
		return &exitError{code: exitUsage, err: fmt.Errorf("%s:%d: %w", name, doc.Line, err)}
	}
	switch c.output {
	case "yaml":
		text := change.Object
		if text == nil {
			text = r.Object.Raw()
		}
		out, err := yamlnode.Format(text)
		if err != nil {
			return err
		}
		if more {
			out = append([]byte("---\n"), out...)
		}
		_, err = c.out.Write(out)
		return err
	case "patch":
		if change.Patch == nil {
			change.Patch = []byte("[]")
		}
		_, err := fmt.Fprintf(c.out, "%s\n", change.Patch)
		return err
	}
	return c.text(name, doc, change, r.Object)
}

// text writes what is changed, a line for each operation.
func (c *mutateCommand) text(name string, doc *yamlnode.Node, change mutate.Change, object audit.Value) error {
	by := "left as it is"
	if change.Patch != nil {
		by = "changed by " + strings.Join(change.Entries, ", ")
	}
	var ops []struct {
		Op, Path string
		Value    json.RawMessage
	}
	if change.Patch != nil {
		if err := json.Unmarshal(change.Patch, &ops); err != nil {
			return err
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d: %s %s: %s\n", name, doc.Line, printable(object.Get("kind").Text()), printable(object.Path("metadata", "name").Text()), by)
	for _, op := range ops {
		sign := map[string]string{"add": "+", "replace": "~", "remove": "-"}[op.Op]
		fmt.Fprintf(&b, "  %s %s %s", sign, printable(op.Path), printable(string(op.Value)))
		fmt.Fprintln(&b)
	}
	_, err := io.WriteString(c.out, b.String())
	return err
}

// request is one to make the object, or to update it.
func (c *mutateCommand) request(doc, old *yamlnode.Node) (*mutate.Request, error) {
	object, err := objectOf(doc)
	if err != nil {
		return nil, err
	}
	r := &mutate.Request{Object: object, Subresource: c.sub}
	review := map[string]any{"uid": "test", "operation": "CREATE", "subResource": c.sub, "userInfo": map[string]any{"username": c.user, "groups": c.groups}}
	if old != nil {
		if r.Old, err = objectOf(old); err != nil {
			return nil, err
		}
		review["operation"], review["oldObject"] = "UPDATE", json.RawMessage(r.Old.Raw())
	}
	group, version, found := strings.Cut(object.Get("apiVersion").Text(), "/")
	if !found {
		group, version = "", group
	}
	kind := object.Get("kind").Text()
	if kind == "" || version == "" {
		return nil, errors.New("the object has no kind, or no apiVersion")
	}
	review["kind"] = map[string]string{"group": group, "version": version, "kind": kind}
	review["resource"] = map[string]string{"group": group, "version": version, "resource": resourceOf(kind)}
	review["name"], review["namespace"] = object.Path("metadata", "name").Text(), c.namespaceOf(object)
	r.Event = func(object audit.Value) (*audit.Event, error) {
		review["object"] = json.RawMessage(object.Raw())
		b, err := json.Marshal(map[string]any{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": review})
		if err != nil {
			return nil, err
		}
		return admission.Event(b, admission.Origin{Cluster: c.cluster, Sender: admission.Unauthenticated, Received: time.Now()})
	}
	return r, nil
}

func (c *mutateCommand) namespaceOf(object audit.Value) string {
	if ns := object.Path("metadata", "namespace").Text(); ns != "" {
		return ns
	}
	return c.namespace
}

func objectOf(n *yamlnode.Node) (audit.Value, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(n.Plain()); err != nil {
		return audit.Value{}, err
	}
	return audit.ParseValue(b.Bytes())
}

// resourceOf is the resource of a kind, as API servers name theirs.
func resourceOf(kind string) string {
	s := strings.ToLower(kind)
	switch {
	case strings.HasSuffix(s, "endpoints"):
		return s
	case strings.HasSuffix(s, "y") && !strings.HasSuffix(s, "ay"):
		return strings.TrimSuffix(s, "y") + "ies"
	case strings.HasSuffix(s, "s"), strings.HasSuffix(s, "x"):
		return s + "es"
	}
	return s + "s"
}
