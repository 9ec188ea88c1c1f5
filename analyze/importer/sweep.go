package importer

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"xfrmscope/collect/bundle"
)

// A File is one file of an import, read.
type File struct {
	Path   string
	Import *Import
}

// A Group is the files of one run directory.
type Group struct {
	Dir   string // of the run, below the sweep's; "" for a single run
	Mode  string // label "mode", "" if nothing tells it
	Files []File
}

// Groups parts files by run. Files of one recording are of one run; if a
// traffic generator's file holds several runs, or there are several of them, the
// files of one sweep stand together, and each other file alone. modes are those
// the caller gives, by path or by the last part of it; mode is that of all
// others. The error is a *FormatError or a *ContradictionError.
func Groups(files []File, mode string, modes map[string]string) ([]Group, error) {
	if err := checkModes(files, modes); err != nil {
		return nil, err
	}
	if !isSweep(files) {
		g := Group{Mode: mode, Files: files}
		if m := modeIn(modes, files[0].Path); m != "" {
			g.Mode = m
		}
		return []Group{g}, g.check()
	}
	var groups []Group
	at := map[string]int{}
	for _, f := range files {
		m := mode
		if m == "" && f.Import.Traffic != nil {
			m = f.Import.Traffic.Mode
		}
		if given := modeIn(modes, f.Path); given != "" {
			m = given
		}
		key, name := f.group(m)
		i, ok := at[key]
		if !ok {
			i = len(groups)
			at[key] = i
			groups = append(groups, Group{Dir: freeName(groups, name), Mode: m})
		}
		groups[i].Files = append(groups[i].Files, f)
	}
	for _, g := range groups {
		if _, err := MergeTraffic(g.traffic()); err != nil {
			return nil, err
		}
	}
	return groups, nil
}

// isSweep reports whether the files are results of several runs. With a
// recording they are of one: its own.
func isSweep(files []File) bool {
	traffic := 0
	for _, f := range files {
		switch {
		case f.Import.Format == Recording:
			return false
		case f.Import.Traffic == nil:
		case len(f.Import.Traffic.Runs()) > 1:
			traffic += 2
		case f.Import.Format != pktgenText: // its files are the devices of one run
			traffic++
		}
	}
	return traffic > 1
}

// group returns what files of one group have in common, and its name.
func (f File) group(mode string) (key, name string) {
	base := filepath.Base(f.Path)
	name = PlainName(strings.TrimSuffix(base, filepath.Ext(base)))
	switch {
	case f.Import.Format == pktgenText:
		return "pktgen", "pktgen"
	case mode != "" && (f.Import.Format == trexTable || f.Import.Format == trexSweep):
		return "mode\x00" + mode, PlainName(mode)
	}
	return name + "\x00" + f.Path, name // a run of its own
}

// check refuses what is not of one run.
func (g Group) check() error {
	recording := ""
	for _, f := range g.Files {
		if f.Import.Format == Recording {
			if recording != "" {
				why := "a run has one perf.data, and " + recording + " is that: import it into a run of its own"
				return &FormatError{File: f.Path, Why: why}
			}
			recording = f.Path
		}
		if t := f.Import.Traffic; t != nil && len(t.Runs()) > 1 {
			return fmt.Errorf("%s holds the results of %d runs, and a run takes those of one: give the file of a single run",
				f.Path, len(t.Runs()))
		}
	}
	return nil
}

func (g Group) traffic() []TrafficFile {
	var out []TrafficFile
	for _, f := range g.Files {
		if f.Import.Traffic != nil {
			out = append(out, TrafficFile{f.Path, f.Import.Traffic})
		}
	}
	return out
}

// Labels returns the labels of the group's run: those given, and its mode.
func (g Group) Labels(labels map[string]string) map[string]string {
	if g.Mode == "" {
		return labels
	}
	out := map[string]string{}
	for k, v := range labels {
		out[k] = v
	}
	out[bundle.LabelMode] = g.Mode
	return out
}

// freeName returns the name, numbered if a group has it.
func freeName(groups []Group, name string) string {
	out := name
	for i := 2; slices.ContainsFunc(groups, func(g Group) bool { return g.Dir == out }); i++ {
		out = fmt.Sprintf("%s-%d", name, i)
	}
	return out
}

// PlainName keeps what every file system and every reader takes.
func PlainName(name string) string {
	return strings.Map(func(c rune) rune {
		if c < 0x80 && (unicode.IsLetter(c) || unicode.IsDigit(c) || strings.ContainsRune("._-", c)) {
			return c
		}
		return '_'
	}, name[:min(len(name), 100)])
}

func modeIn(modes map[string]string, file string) string {
	if m := modes[file]; m != "" {
		return m
	}
	return modes[filepath.Base(file)]
}

// checkModes refuses a mode for a file that is not imported: a typing error
// would otherwise leave two modes in one curve.
func checkModes(files []File, modes map[string]string) error {
	for name := range modes {
		if !slices.ContainsFunc(files, func(f File) bool { return f.Path == name || filepath.Base(f.Path) == name }) {
			return &FormatError{File: name, Why: "a mode is given for it, and it is not among the files"}
		}
	}
	return nil
}
