package main

import (
	"path/filepath"

	"xfrmscope/collect/bundle"
)

// keepOutOfRuns refuses to write into a run, at whatever depth, or among the runs
// of a sweep: what was measured stays as it was measured.
func keepOutOfRuns(output string) error {
	dir, err := filepath.Abs(output)
	if err != nil {
		return err
	}
	for at := dir; ; at = filepath.Dir(at) {
		real, err := filepath.EvalSymlinks(at)
		if err == nil && holdsRun(real, at == dir) {
			return usagef("%s is inside of a run or a sweep, %s: write to a directory beside it, as -o out",
				output, at)
		}
		if err == nil && real != at { // go on where the link leads
			at, dir = real, ""
		}
		if at == filepath.Dir(at) {
			return nil
		}
	}
}

// holdsRun reports whether a directory is a run, or, if sweeps count, a sweep.
func holdsRun(dir string, sweeps bool) bool {
	fsys := bundle.DirFS(dir)
	if _, err := bundle.Open(fsys, dir); err == nil {
		return true
	}
	_, err := bundle.ReadSweep(fsys, dir)
	return sweeps && err == nil
}
