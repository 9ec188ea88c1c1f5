package page

import (
	"bytes"
	"encoding/ascii85"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"
)

// block is text that is read by a script only, or by Files, gzipped.
func block(id, text string) (template.HTML, error) {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return "", err
	}
	if _, err := z.Write([]byte(text)); err != nil {
		return "", err
	}
	if err := z.Close(); err != nil {
		return "", err
	}
	return bytesBlock(id, b.Bytes()), nil
}

func bytesBlock(id string, data []byte) template.HTML {
	return template.HTML(blockOpen(id) + encoded(data) + blockEnd)
}

// blockOpen begins a block. A name from outside cannot imitate it: '<' is escaped
// wherever one is printed.
func blockOpen(id string) string { return fmt.Sprintf(`<script type="text/x-ascii85" id="%s">`, id) }

const blockEnd = "</script>"

// encoded is ascii85, a quarter more than the bytes where base64 takes a third, with
// 'v' for '<': nothing in it ends an element. assets/page.js reads it, too.
func encoded(data []byte) string {
	out := make([]byte, ascii85.MaxEncodedLen(len(data)))
	out = out[:ascii85.Encode(out, data)]
	return string(bytes.ReplaceAll(out, []byte("<"), []byte("v")))
}

func decoded(text []byte) ([]byte, error) {
	text = bytes.ReplaceAll(text, []byte("v"), []byte("<"))
	out := make([]byte, 4*len(text)) // a 'z' stands for four zeros
	n, _, err := ascii85.Decode(out, text, true)
	return out[:n], err
}

// blockOf returns what stands between an opening and the end of its element, and
// at which byte of a page.
func blockOf(doc []byte, open string) (data []byte, at int, ok bool) {
	before, rest, found := bytes.Cut(doc, []byte(open))
	data, _, closed := bytes.Cut(rest, []byte(blockEnd))
	return data, len(before) + len(open), found && closed
}

// maxFiles bounds the names of files that are read of a page, in bytes.
const maxFiles = 4 << 20

// Files returns the files that a page names as those beside it, none if it is no
// page of ours.
func Files(doc []byte) []string {
	text, _, _ := blockOf(doc, blockOpen("files"))
	data, err := decoded(text)
	if err != nil {
		return nil
	}
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil
	}
	names, err := io.ReadAll(io.LimitReader(z, maxFiles))
	if err != nil {
		return nil
	}
	return strings.Split(string(names), "\n")
}
