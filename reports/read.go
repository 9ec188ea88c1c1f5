package reports

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"

	"xfrmscope/analyze"
)

// Bounds of what is read, far above what is written: a page or a results.json
// comes from somebody else's mail.
const (
	maxPageBytes = 64 << 20
	maxJSONBytes = 1 << 30
)

// ErrNoResults says that a page holds no results: it is not one of ours, or it
// was written without them.
var ErrNoResults = errors.New(`the page holds no results: it is no report.html, or its end was cut off; use the results.json written beside it`)

// ReadJSON reads a results.json. Profiles are not in it: those of the runs are
// the *.pb.gz files beside it.
func ReadJSON(r io.Reader) (*analyze.Result, error) {
	limited := &io.LimitedReader{R: r, N: maxJSONBytes}
	d := json.NewDecoder(limited)
	var out analyze.Result
	if err := d.Decode(&out); err != nil {
		if limited.N <= 0 {
			return nil, fmt.Errorf("reading results: more than %d bytes", maxJSONBytes)
		}
		return nil, fmt.Errorf("reading results: byte %d: %w", d.InputOffset(), err)
	}
	if out.Schema != analyze.SchemaVersion {
		return nil, fmt.Errorf("reading results: schema %d, this program reads %d: write them again from the runs with `xfrmscope report`", out.Schema, analyze.SchemaVersion)
	}
	return &out, nil
}

// ReadHTML reads the results that a report.html carries. Of many runs they are
// the shortened ones (see embedded); the error wraps ErrNoResults if there are
// none.
func ReadHTML(r io.Reader) (*analyze.Result, error) {
	page, err := io.ReadAll(io.LimitReader(r, maxPageBytes+1))
	if err != nil {
		return nil, fmt.Errorf("reading the page: %w", err)
	}
	if len(page) > maxPageBytes {
		return nil, fmt.Errorf("reading the page: more than %d bytes", maxPageBytes)
	}
	_, rest, found := bytes.Cut(page, []byte(resultsOpen))
	data, _, closed := bytes.Cut(rest, []byte("</script>"))
	if !found || !closed {
		return nil, ErrNoResults
	}
	packed, err := base64.StdEncoding.DecodeString(string(data))
	if err != nil {
		return nil, fmt.Errorf("reading the page's results, which begin at byte %d: %w", len(page)-len(rest), err)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("reading the page's results: %w", err)
	}
	defer z.Close()
	return ReadJSON(z)
}
