package bundle

import "io/fs"

// withHosts returns a run and those of the other hosts it was made on. One that
// cannot be opened is a gap of the first.
func withHosts(r *Run) []*Run {
	runs := []*Run{r}
	entries, err := fs.ReadDir(r.fsys, HostsDir)
	if err != nil {
		return runs // it was made on one host
	}
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		dir := HostsDir + "/" + e.Name()
		sub, err := fs.Sub(r.fsys, dir)
		if err == nil {
			var other *Run
			if other, err = Open(sub, r.Path+"/"+dir); err == nil {
				other.Sweep = r.Sweep
				runs = append(runs, other)
				continue
			}
		}
		r.Gaps = append(r.Gaps, Gap{What: "host " + e.Name(), Why: err.Error()})
	}
	return runs
}
