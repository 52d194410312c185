package rules

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"runtime"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxAliased bounds the nodes that aliases may add to a file.
const maxAliased = 1_000_000

// yamlError is a file that is not YAML; line is 0 where it is not known.
type yamlError struct {
	line int
	msg  string
}

func (e *yamlError) Error() string {
	if e.line == 0 {
		return "yaml: error: " + e.msg
	}
	return fmt.Sprintf("yaml: error at line %d: %s", e.line, e.msg)
}

// parseDocuments reads all YAML documents of a file. A document without
// content gives a null node.
func parseDocuments(c *content) ([]node, *yamlError) {
	if len(c.text) >= minPieces {
		if root := parsePieces(c, runtime.GOMAXPROCS(0)); root != nil {
			return []node{newNode(root, c)}, nil
		}
	}
	return parseWhole(c)
}

// parseWhole is parseDocuments for files of every kind.
func parseWhole(c *content) (docs []node, err *yamlError) {
	anchored := strings.Contains(c.text, "&")
	err = eachDocument(c.text, func(root *yaml.Node) *yamlError {
		if anchored {
			if e := checkAliases(root); e != nil {
				return e
			}
		}
		docs = append(docs, newNode(root, c))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return docs, nil
}

// eachDocument parses a text and hands over the content of its documents, as
// long as take gives no error.
func eachDocument(text string, take func(root *yaml.Node) *yamlError) (err *yamlError) {
	defer func() {
		// The library has panics for states that it takes for impossible; a
		// rules file must not end the process.
		if r := recover(); r != nil {
			err = &yamlError{msg: fmt.Sprint(r)}
		}
	}()
	dec := yaml.NewDecoder(strings.NewReader(text))
	for {
		var doc yaml.Node
		if e := dec.Decode(&doc); errors.Is(e, io.EOF) {
			return nil
		} else if e != nil {
			return newYAMLError(e)
		}
		if len(doc.Content) == 0 {
			continue
		}
		if e := take(doc.Content[0]); e != nil {
			return e
		}
	}
}

// yamlMessage takes apart the library's messages, which have the line only in
// their text.
var yamlMessage = regexp.MustCompile(`(?s)^yaml: (?:line (\d+): )?(.*)$`)

func newYAMLError(err error) *yamlError {
	m := yamlMessage.FindStringSubmatch(err.Error())
	if m == nil {
		return &yamlError{msg: err.Error()}
	}
	line, _ := strconv.Atoi(m[1]) // "" where the message has no line
	return &yamlError{line: line, msg: m[2]}
}

// checkAliases refuses a tree that contains itself or that a few aliases blow up
// beyond measure, so that everything after it may follow aliases blindly.
func checkAliases(root *yaml.Node) *yamlError {
	a := aliasCheck{sizes: map[*yaml.Node]int{}}
	if n := a.size(root); n < 0 || n-len(a.sizes) > maxAliased {
		return &yamlError{line: a.line, msg: "aliases refer to themselves or expand to too many nodes"}
	}
	return nil
}

type aliasCheck struct {
	sizes map[*yaml.Node]int // of the nodes seen; 0 while one is being measured
	line  int                // of the first bad alias
}

// size counts the nodes below y, aliases followed; -1 when there is no end.
func (a *aliasCheck) size(y *yaml.Node) int {
	if n, seen := a.sizes[y]; seen {
		if n == 0 {
			return -1
		}
		return n
	}
	a.sizes[y] = 0
	total := 1
	children := y.Content
	if y.Kind == yaml.AliasNode {
		children = []*yaml.Node{y.Alias}
	}
	for _, child := range children {
		n := a.size(child)
		if n < 0 || total > maxAliased*10 {
			if a.line == 0 {
				a.line = y.Line
			}
			return -1
		}
		total += n
	}
	a.sizes[y] = total
	return total
}
