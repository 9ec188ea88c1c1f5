package reports

import (
	"bytes"
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
	d := json.NewDecoder(&objects{r: limited})
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

// objects refuses JSON of many objects that are too short to be results: one of a
// few bytes becomes one of a kilobyte.
type objects struct {
	r          io.Reader
	size, many int
}

const (
	fewObjects  = 100_000
	shortObject = 32 // bytes on average; those written have 150
)

func (o *objects) Read(p []byte) (int, error) {
	n, err := o.r.Read(p)
	o.size, o.many = o.size+n, o.many+bytes.Count(p[:n], []byte("{"))
	if o.many > fewObjects && o.size/o.many < shortObject {
		return 0, fmt.Errorf("%d objects of %d bytes on average, less than the %d of a result", o.many,
			o.size/o.many, shortObject)
	}
	return n, err
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
