package page

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// A page's results are packed column by column, which takes a fifth less than JSON:
// all values of one path stand below each other, "runs[].n". A column is a line with
// its length in lines and its path, then its lines: a scalar as JSON has it, "[" and
// the length of an array, "{" and the keys of an object. What is in arrays and objects
// is in columns of its own, in order. Numbers keep their text: nothing is rounded.

// columnsOpen begins them; results of earlier versions begin with "{".
const columnsOpen = "columns\n"

// How deep values are nested and how long a path is: results take some 15 levels and
// 100 bytes.
const (
	maxDepth = 64
	maxPath  = 1024
)

// toColumns turns JSON into columns.
func toColumns(doc []byte) ([]byte, error) {
	w := columnWriter{lines: map[string]*column{}, in: json.NewDecoder(bytes.NewReader(doc))}
	w.in.UseNumber()
	if err := w.value("", 0); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	out.WriteString(columnsOpen)
	for _, path := range w.order {
		c := w.lines[path]
		fmt.Fprintf(&out, "%d %s\n", c.n, quoted(path))
		out.Write(c.text.Bytes())
	}
	return out.Bytes(), nil
}

type column struct {
	text bytes.Buffer
	n    int
}

type columnWriter struct {
	in    *json.Decoder
	lines map[string]*column
	order []string
}

func (w *columnWriter) value(path string, depth int) error {
	if w.lines[path] == nil {
		w.lines[path] = &column{}
		w.order = append(w.order, path)
	}
	token, err := w.in.Token()
	if err = errors.Join(err, bounded(path, depth)); err != nil {
		return err
	}
	line := ""
	switch t := token.(type) {
	case json.Delim:
		keys, n := []string(nil), 0
		for ; w.in.More(); n++ {
			under := path + "[]"
			if t == '{' {
				key, err := w.in.Token()
				if err != nil {
					return err
				}
				keys, under = append(keys, quoted(key)), path+"."+key.(string)
			}
			if err := w.value(under, depth+1); err != nil {
				return err
			}
		}
		if _, err := w.in.Token(); err != nil {
			return err
		}
		if line = "[" + strconv.Itoa(n); t == '{' {
			line = "{" + strings.Join(keys, ",")
		}
	default:
		line = quoted(t)
	}
	c := w.lines[path]
	c.text.WriteString(line + "\n")
	c.n++
	return nil
}

// quoted is a scalar as JSON.
func quoted(scalar any) string {
	text, err := json.Marshal(scalar)
	if err != nil { // of no token
		return "null"
	}
	return string(text)
}

func bounded(path string, depth int) error {
	if depth > maxDepth || len(path) > maxPath {
		return fmt.Errorf("values are nested more than %d deep, or names are too long", maxDepth)
	}
	return nil
}

// fromColumns turns columns into JSON again. Each value takes a line, so what is written
// is no longer than what is read.
func fromColumns(text []byte) ([]byte, error) {
	text, ok := bytes.CutPrefix(text, []byte(columnsOpen))
	if !ok {
		return nil, errors.New("the columns have no beginning")
	}
	r := columnReader{lines: map[string][]byte{}}
	for len(text) > 0 {
		head, rest, _ := bytes.Cut(text, []byte("\n"))
		length, name, _ := bytes.Cut(head, []byte(" "))
		n, err := strconv.Atoi(string(length))
		var path string
		if err != nil || json.Unmarshal(name, &path) != nil || n < 0 {
			return nil, fmt.Errorf("%.40q is no head of a column", head)
		}
		at := 0
		for ; n > 0; n-- {
			end := bytes.IndexByte(rest[at:], '\n')
			if end < 0 {
				return nil, fmt.Errorf("column %.40q ends early", path)
			}
			at += end + 1
		}
		r.lines[path], text = rest[:at], rest[at:]
	}
	err := r.value("", 0)
	return r.out.Bytes(), err
}

type columnReader struct {
	lines map[string][]byte // not yet read, by path
	out   bytes.Buffer
}

func (r *columnReader) value(path string, depth int) error {
	if err := bounded(path, depth); err != nil {
		return err
	}
	line, rest, ok := bytes.Cut(r.lines[path], []byte("\n"))
	if !ok || len(line) == 0 {
		return fmt.Errorf("column %.40q ends early", path)
	}
	r.lines[path] = rest
	switch line[0] {
	case '[':
		n, err := strconv.Atoi(string(line[1:]))
		if err != nil {
			return fmt.Errorf("column %.40q has an array of %.40q", path, line[1:])
		}
		r.out.WriteByte('[')
		for i := range n {
			if i > 0 {
				r.out.WriteByte(',')
			}
			if err := r.value(path+"[]", depth+1); err != nil {
				return err
			}
		}
		r.out.WriteByte(']')
	case '{':
		var keys []string
		if err := json.Unmarshal([]byte("["+string(line[1:])+"]"), &keys); err != nil {
			return fmt.Errorf("column %.40q has an object of %.40q", path, line[1:])
		}
		r.out.WriteByte('{')
		for i, key := range keys {
			if i > 0 {
				r.out.WriteByte(',')
			}
			r.out.WriteString(quoted(key) + ":")
			if err := r.value(path+"."+key, depth+1); err != nil {
				return err
			}
		}
		r.out.WriteByte('}')
	default:
		r.out.Write(line)
	}
	return nil
}
