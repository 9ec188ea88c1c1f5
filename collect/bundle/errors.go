package bundle

import (
	"errors"
	"fmt"
)

// ErrVersion is matched by errors of bundles this program is too old for.
var ErrVersion = errors.New("bundle has schema version")

// A NotBundleError says that a path holds neither a run nor a sweep.
type NotBundleError struct {
	Path string
	Why  string
}

func (e *NotBundleError) Error() string {
	return fmt.Sprintf("%s is no run and no sweep: %s; make a run with `xfrmscope record -o DIR`, "+
		"or from a perf.data with `xfrmscope import FILE -o DIR`", e.Path, e.Why)
}

// An ExistsError says that a new bundle would overwrite something.
type ExistsError struct{ Path string }

func (e *ExistsError) Error() string {
	return fmt.Sprintf("%s already holds files; nothing recorded is ever overwritten: "+
		"choose another -o, or remove it", e.Path)
}

// A DamagedError says which file of a bundle is not what the manifest says.
type DamagedError struct {
	File string
	Why  string
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("%s: %s; the run's other files are not touched by this", e.File, e.Why)
}
