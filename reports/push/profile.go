package push

import (
	"bytes"
	"fmt"
	"strconv"

	"xfrmscope/analyze/profile"
	"xfrmscope/analyze/result"
	"xfrmscope/reports"
)

// Service is the label service_name of every profile.
const Service = "xfrmscope"

// A Profile is one event of one run, as it is sent.
type Profile struct {
	Run    string // for messages
	Labels []Label
	Pprof  []byte // gzip
}

// Profiles returns one profile of each event of each run that has samples, with
// the run's labels and "event". Its time is the start of the run.
func Profiles(r *result.Result) ([]Profile, error) {
	var out []Profile
	for _, run := range r.Runs {
		for _, e := range run.Events {
			if e.Profile == nil || len(e.Profile.Cells) == 0 {
				continue
			}
			o := reports.PprofOptions(e.Profile)
			if started := run.Manifest.Started; !started.IsZero() {
				o.StartNS = started.UnixNano()
			}
			o.DurationNS = max(run.Manifest.Window.EndNS-run.Manifest.Window.StartNS, 0)
			var b bytes.Buffer
			if err := profile.WritePprof(&b, e.Profile, o); err != nil {
				return nil, fmt.Errorf("profile of %s, event %s: %w", run.Name, e.Name, err)
			}
			labels := append(Labels(run), Label{"event", e.Name}, Label{"service_name", Service},
				Label{"__name__", labelName(e.Name)})
			out = append(out, Profile{run.Name + ", event " + e.Name, labels, b.Bytes()})
		}
	}
	return out, nil
}

func itoa(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}
