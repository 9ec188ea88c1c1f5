package bundle

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
)

// noSum stands in a table of contents while its sum is computed: the sum is the
// SHA-256 of the file with this in its place.
var noSum = strings.Repeat("0", hex.EncodedLen(sha256.Size))

// sumKey begins the last line but one of a table of contents.
const sumKey = "\n  \"sum\": \""

// marshalSummed returns v, whose field Sum is noSum and has the key sum, as
// indented JSON that holds its own sum.
func marshalSummed(v any) ([]byte, error) {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return nil, err
	}
	data = append(data, '\n')
	at := sumAt(data)
	if at < 0 {
		return nil, errors.New("it has no field for its sum")
	}
	copy(data[at:], sumOf(data, at))
	return data, nil
}

// sumAt returns where the hex digits of the sum begin, -1 if there are none.
func sumAt(data []byte) int {
	at := bytes.LastIndex(data, []byte(sumKey))
	if at < 0 || at+len(sumKey)+len(noSum) > len(data) {
		return -1
	}
	return at + len(sumKey)
}

func sumOf(data []byte, at int) string {
	h := sha256.New()
	h.Write(data[:at])
	io.WriteString(h, noSum)
	h.Write(data[at+len(noSum):])
	return hex.EncodeToString(h.Sum(nil))
}

// verifySum compares a table of contents with its own sum, which it has from
// schema version 2 on.
func verifySum(fsys fs.FS, name string, schema int) error {
	if schema < 2 {
		return nil
	}
	data, err := readBounded(fsys, name)
	if err != nil {
		return err
	}
	at := sumAt(data)
	if at < 0 {
		return errors.New("it lacks its own sum")
	}
	if got := sumOf(data, at); got != string(data[at:at+len(noSum)]) {
		return fmt.Errorf("its sha256 is %s, and it says %s", got, data[at:at+len(noSum)])
	}
	return nil
}
