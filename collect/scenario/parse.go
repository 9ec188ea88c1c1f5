package scenario

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"xfrmscope/collect/bundle"
)

// maxText bounds a scenario file.
const maxText = 1 << 20

// An Error is a mistake in a scenario.
type Error struct {
	File string
	Line int // 0: of --set, or of no line
	What string
	Fix  string // "" if What says it
}

func (e *Error) Error() string {
	s := e.File
	if e.Line > 0 {
		s += ":" + strconv.Itoa(e.Line)
	}
	s += ": " + e.What
	if e.Fix != "" {
		s += "; " + e.Fix
	}
	return s
}

// ReadFile parses a scenario file; see Parse.
func ReadFile(name string, set []string) (*Scenario, error) {
	text, err := bundle.ReadRegular(name, maxText)
	if err != nil {
		return nil, err
	}
	return Parse(text, name, set)
}

// Parse reads a scenario; file is its name in errors, which are *Error. Each of
// set is KEY=VALUE and replaces or adds a value: load.cpus=0-3,
// modes.pcpu.setup=..., the value in YAML.
func Parse(text []byte, file string, set []string) (*Scenario, error) {
	p := parser{file: file}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, p.yamlError(err)
	}
	if len(doc.Content) != 1 {
		return nil, &Error{File: file, What: "is empty", Fix: "`xfrmscope scenario list` names examples"}
	}
	p.root = doc.Content[0]
	for _, assignment := range set {
		if err := p.set(assignment); err != nil {
			return nil, err
		}
	}
	if err := p.known(p.root, reflect.TypeFor[Scenario]()); err != nil {
		return nil, err
	}
	var s Scenario
	if err := p.root.Decode(&s); err != nil {
		return nil, p.yamlError(err)
	}
	if bad := s.check(); bad != nil {
		return nil, &Error{file, p.lineOf(bad.path), bad.what, bad.fix}
	}
	return &s, nil
}

type parser struct {
	file string
	root *yaml.Node
}

var yamlLine = regexp.MustCompile(`^(?:yaml: )?(?:unmarshal errors:\s*)?line (\d+): (?s:(.*))$`)

// yamlError takes the line out of an error of the YAML library.
func (p *parser) yamlError(err error) error {
	text := err.Error()
	var types *yaml.TypeError
	if errors.As(err, &types) && len(types.Errors) > 0 {
		text = types.Errors[0]
	}
	// Of the first line the library says none.
	e := &Error{File: p.file, Line: 1, What: strings.TrimPrefix(text, "yaml: ")}
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		e.Line, _ = strconv.Atoi(m[1])
		e.What = m[2]
		// Lines of its parser count from 0, those of its scanner from 1
		// (decode.go, parser.fail, 3.0.6).
		if strings.HasPrefix(e.What, "did not find expected") {
			e.Line++
		}
	}
	return e
}

// known reports the first key below node that type t does not have.
func (p *parser) known(node *yaml.Node, t reflect.Type) error {
	if node.Kind == yaml.AliasNode || node.Anchor != "" {
		return &Error{p.file, node.Line, "anchors and aliases are not read", "write the value out"}
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == reflect.TypeFor[Counts]():
		return nil
	case node.Kind == yaml.SequenceNode && t.Kind() == reflect.Slice:
		for _, item := range node.Content {
			if err := p.known(item, t.Elem()); err != nil {
				return err
			}
		}
	case node.Kind == yaml.MappingNode && t.Kind() == reflect.Map:
		for _, part := range node.Content {
			if err := p.known(part, t.Elem()); err != nil {
				return err
			}
		}
	case node.Kind == yaml.MappingNode && t.Kind() == reflect.Struct:
		for i := 0; i+1 < len(node.Content); i += 2 {
			key := node.Content[i]
			field, ok := fieldOf(t, key.Value)
			if !ok {
				return &Error{p.file, key.Line, fmt.Sprintf("there is no key %q here", key.Value),
					suggest(key.Value, keysOf(t))}
			}
			if err := p.known(node.Content[i+1], field.Type); err != nil {
				return err
			}
		}
	case t.Kind() == reflect.Struct && node.Tag != "!!null":
		return &Error{p.file, node.Line, fmt.Sprintf("want keys here (%s)", strings.Join(keysOf(t), ", ")), ""}
	}
	return nil
}

func keyOf(f reflect.StructField) string {
	key, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	return key
}

func fieldOf(t reflect.Type, key string) (reflect.StructField, bool) {
	for f := range t.Fields() {
		if keyOf(f) == key {
			return f, true
		}
	}
	return reflect.StructField{}, false
}

func keysOf(t reflect.Type) []string {
	var keys []string
	for f := range t.Fields() {
		keys = append(keys, keyOf(f))
	}
	return keys
}

// suggest names the key that was probably meant, else all.
func suggest(got string, keys []string) string {
	best, least := "", 3
	for _, key := range keys {
		if d := distance(strings.ToLower(got), strings.ToLower(key)); d < least {
			best, least = key, d
		}
	}
	if best != "" {
		return "did you mean " + best + "?"
	}
	return "there are " + strings.Join(keys, ", ")
}

// distance is Levenshtein's: how many letters to add, drop or change.
func distance(a, b string) int {
	if len(a) > 64 {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}

// set carries out one --set.
func (p *parser) set(assignment string) error {
	key, text, ok := strings.Cut(assignment, "=")
	if !ok || key == "" {
		return &Error{File: "--set " + assignment, What: "want KEY=VALUE", Fix: "for example --set window=5s"}
	}
	value, err := parseValue(text)
	if err != nil {
		return &Error{File: "--set " + assignment,
			What: "the value is no YAML: " + strings.TrimPrefix(err.Error(), "yaml: ")}
	}
	node := p.root
	parts := strings.Split(key, ".")
	for i, part := range parts {
		slot, err := child(node, part)
		if err != nil {
			return &Error{File: "--set " + assignment, What: err.Error()}
		}
		if i == len(parts)-1 {
			*slot = *value
		} else if slot.Kind == 0 || slot.Tag == "!!null" {
			*slot = yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
		}
		node = slot
	}
	return nil
}

// parseValue reads a value of --set: YAML if it begins as a list, a map or a
// quoted string does, else a word as it stands, so that a command may hold
// anything.
func parseValue(text string) (*yaml.Node, error) {
	var doc yaml.Node
	err := yaml.Unmarshal([]byte(text), &doc)
	if strings.IndexAny(text, "[{\"'") == 0 {
		if err != nil {
			return nil, err
		}
	} else if err != nil || len(doc.Content) != 1 || doc.Content[0].Value != text {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}, nil
	}
	unline(doc.Content[0])
	return doc.Content[0], nil
}

// unline takes the lines from nodes that are not of the file.
func unline(n *yaml.Node) {
	n.Line = 0
	for _, c := range n.Content {
		unline(c)
	}
}

// child returns the value of key in a mapping, made if it is not there, or an
// element of a sequence, by its index or by its name.
func child(node *yaml.Node, key string) (*yaml.Node, error) {
	switch node.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == key {
				return node.Content[i+1], nil
			}
		}
		slot := &yaml.Node{}
		node.Content = append(node.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}, slot)
		return slot, nil
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(key); err == nil && i >= 0 && i < len(node.Content) {
			return node.Content[i], nil
		}
		for _, item := range node.Content {
			if at := lookup(item, "name"); at != nil && at.Value == key {
				return item, nil
			}
		}
		return nil, fmt.Errorf("the list has no element %q: give its number from 0, or its name", key)
	}
	return nil, fmt.Errorf("there is nothing below it to set %q in", key)
}

func lookup(node *yaml.Node, key string) *yaml.Node {
	if node.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == key {
			return node.Content[i+1]
		}
	}
	return nil
}

// lineOf returns the line of the value at path, or of the nearest part of the
// path that is there.
func (p *parser) lineOf(path []string) int {
	node, line := p.root, p.root.Line
	for _, part := range path {
		next := lookup(node, part)
		if i, err := strconv.Atoi(part); err == nil && node.Kind == yaml.SequenceNode && i < len(node.Content) {
			next = node.Content[i]
		}
		if next == nil {
			return line
		}
		node, line = next, next.Line
	}
	return line
}

// enumOf returns the values a key may have, nil if any.
func enumOf(f reflect.StructField) []string {
	values, ok := f.Tag.Lookup("enum")
	if !ok {
		return nil
	}
	return slices.Collect(strings.SplitSeq(values, ","))
}
