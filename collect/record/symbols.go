package record

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/klauspost/compress/gzip"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/procfs"
)

// The logs of perf.
const (
	perfRecordLog = bundle.LogDir + "/perf.record.log"
	perfStatLog   = bundle.LogDir + "/perf.stat.log"
)

// errHidden says that the kernel shows addresses to nobody or not to us.
var errHidden = errors.New("all addresses in /proc/kallsyms are 0")

// saveKallsyms writes the text symbols of the running kernel, as /proc/kallsyms
// prints them, with data also the variables, and offers all symbols.
func saveKallsyms(w *bundle.Writer, root procfs.Root, data bool, offer func(procfs.Symbol)) error {
	f, err := w.CreatePart(bundle.KallsymsFile)
	if err != nil {
		return err
	}
	err = writeKallsyms(f, root, data, offer)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("writing %s: %w", bundle.KallsymsFile, err)
	}
	return w.Adopt(bundle.KallsymsFile)
}

// paddingPrefix names the padding before each function (scripts/mod and
// objtool, CONFIG_PREFIX_SYMBOLS, 6.2 on): two fifths of all text symbols, and
// no sample ever falls on one.
const paddingPrefix = "__pfx_"

func writeKallsyms(f *os.File, root procfs.Root, data bool, offer func(procfs.Symbol)) error {
	// Of this library's levels 8 comes within 1 % of the best, in a sixth of
	// its time.
	z, err := gzip.NewWriterLevel(f, 8)
	if err != nil {
		return err
	}
	hidden := true
	var line []byte
	for s, err := range root.Symbols() {
		if err != nil {
			return err
		}
		hidden = hidden && s.Addr == 0
		offer(s)
		if !s.IsText() && !(data && s.IsData()) || strings.HasPrefix(s.Name, paddingPrefix) {
			continue
		}
		line = s.AppendTo(line[:0])
		if _, err := z.Write(line); err != nil {
			return err
		}
	}
	if hidden {
		return errHidden
	}
	return z.Close()
}

// kallsymsGap says what a report lacks without symbols.
func kallsymsGap(root procfs.Root, err error) bundle.Gap {
	g := bundle.Gap{What: "function names of the kernel", Why: err.Error()}
	if errors.Is(err, errHidden) || errors.Is(err, fs.ErrPermission) {
		g.Why = fmt.Sprintf("%v: kernel.kptr_restrict is %s", err,
			root.ReadTrimmed("/proc/sys/kernel/kptr_restrict"))
		g.Fix = "run as root with `sysctl kernel.kptr_restrict=0`"
	}
	return g
}

// saveModules writes /proc/modules and the build ids. A kernel without modules
// has no such list.
func saveModules(w *bundle.Writer, root procfs.Root) error {
	modules, err := root.Read("/proc/modules")
	if err == nil {
		err = w.WriteFile(bundle.ModulesFile, modules)
	} else if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	ids, iderr := root.BuildIDs()
	if iderr == nil {
		var b strings.Builder
		for _, id := range ids {
			fmt.Fprintf(&b, "%s %s\n", id.ID, id.Name)
		}
		iderr = w.WriteFile(bundle.BuildIDsFile, []byte(b.String()))
	}
	return errors.Join(err, iderr)
}
