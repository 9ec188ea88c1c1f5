package reports

import (
	"encoding/json"
	"fmt"
	"io"

	"xfrmscope/analyze"
	"xfrmscope/analyze/result"
	"xfrmscope/reports/page"
)

// maxJSONBytes bounds what is read, far above what is written: a results.json
// comes from somebody else's mail.
const maxJSONBytes = 1 << 30

// ReadJSON reads a results.json. Profiles are not in it: those of the runs are
// the *.pb.gz files beside it.
func ReadJSON(r io.Reader) (*result.Result, error) {
	limited := &io.LimitedReader{R: r, N: maxJSONBytes}
	d := json.NewDecoder(limited)
	var out result.Result
	if err := d.Decode(&out); err != nil {
		if limited.N <= 0 {
			return nil, fmt.Errorf("reading results: more than %d bytes", maxJSONBytes)
		}
		return nil, fmt.Errorf("reading results: byte %d: %w", d.InputOffset(), err)
	}
	if out.Schema != result.SchemaVersion {
		return nil, fmt.Errorf("reading results: schema %d, this program reads %d: write them again from the "+
			"runs with `xfrmscope report`", out.Schema, result.SchemaVersion)
	}
	analyze.Restore(&out)
	return &out, nil
}

// ReadHTML reads the results that a report.html carries. Of many runs they are
// the shortened ones (see embedded); the error wraps ErrNoResults if there are
// none.
func ReadHTML(r io.Reader) (*result.Result, error) {
	results, err := page.Results(r)
	if err != nil {
		return nil, err
	}
	return ReadJSON(results)
}
