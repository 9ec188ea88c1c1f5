package importer

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"xfrmscope/collect/bundle"
)

// A foreign is a file of an import. Of traffic results it is read; stacks can
// be large, and are read when their run is made.
type foreign struct {
	name    string
	format  Format
	traffic *Traffic
}

// Files makes the bundle dir of files that other programs wrote. Files of one
// recording make a run; if a traffic generator's file holds several runs, or
// there are several of them, a sweep: a run directory for each mode, in which
// the files of one sweep stand together, and one for each other file. It returns
// the runs. Nothing is written if a file cannot be imported; the error then is a
// *FormatError, *SyntaxError, *ContradictionError or *perfdata.FormatError.
func Files(files []string, dir string, opt RunOptions) ([]*bundle.Run, []bundle.Loss, error) {
	if err := opt.checkModes(files); err != nil {
		return nil, nil, err
	}
	all, err := readForeign(files)
	if err != nil {
		return nil, nil, err
	}
	if !isSweep(all) {
		if len(files) > 0 && opt.mode(files[0]) != "" {
			opt.Labels = withLabel(opt.Labels, "mode", opt.mode(files[0]))
		}
		run, losses, err := RunOf(files, dir, opt)
		return []*bundle.Run{run}, losses, err
	}
	groups := groupsOf(all, opt)
	for _, g := range groups {
		if err := readable(g.files); err != nil {
			return nil, nil, err
		}
		if _, err := MergeTraffic(g.traffic); err != nil {
			return nil, nil, err
		}
	}
	return writeSweep(groups, dir, opt)
}

// readForeign tells the format of every file, and reads traffic results.
func readForeign(files []string) ([]foreign, error) {
	var out []foreign
	for _, file := range files {
		recording, err := isRecording(file)
		if err != nil {
			return nil, err
		}
		if recording {
			out = append(out, foreign{name: file, format: Recording})
			continue
		}
		f, err := readTraffic(file)
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}

func readTraffic(file string) (foreign, error) {
	f, err := os.Open(file)
	if err != nil {
		return foreign{}, err
	}
	defer f.Close()
	br := bufio.NewReaderSize(f, HeadBytes)
	head, err := br.Peek(HeadBytes)
	if err != nil && err != io.EOF {
		return foreign{}, fmt.Errorf("reading %s: %w", file, err)
	}
	out := foreign{name: file}
	if out.format, err = Detect(head, file); err != nil {
		return out, err
	}
	switch out.format {
	case TRexCSV, TRexJSON, IPerf3, Pktgen:
		im, err := ReadAs(out.format, br, Options{Name: file})
		if err != nil {
			return out, err
		}
		out.traffic = im.Traffic
	}
	return out, nil
}

// isSweep reports whether the files are results of several runs. With a
// recording they are of one: its own.
func isSweep(files []foreign) bool {
	traffic := 0
	for _, f := range files {
		switch {
		case f.format == Recording:
			return false
		case f.traffic == nil:
		case len(f.traffic.Runs()) > 1:
			traffic += 2
		case f.format != Pktgen: // its files are the devices of one run
			traffic++
		}
	}
	return traffic > 1
}

// readable reads files once, so that nothing is written if one is refused.
func readable(files []string) error {
	for _, file := range files {
		if _, err := describeImport(&bundle.Manifest{}, file, true); err != nil {
			return err
		}
	}
	return nil
}

// A group is the files of one run directory.
type group struct {
	dir, mode string
	files     []string
	traffic   []TrafficFile
}

func groupsOf(files []foreign, opt RunOptions) []group {
	var groups []group
	at := map[string]int{}
	for _, f := range files {
		mode, name := "", plainName(strings.TrimSuffix(filepath.Base(f.name), filepath.Ext(f.name)))
		if f.traffic != nil {
			mode = f.traffic.Mode
		}
		if m := opt.Labels["mode"]; m != "" {
			mode = m
		}
		if m := opt.mode(f.name); m != "" {
			mode = m
		}
		sweep := f.traffic != nil && (f.format == TRexCSV || f.format == TRexJSON)
		key := name + "\x00" + f.name // a run of its own
		switch {
		case f.format == Pktgen:
			key, name = "pktgen", "pktgen"
		case sweep && mode != "":
			key, name = "mode\x00"+mode, plainName(mode)
		}
		i, ok := at[key]
		if !ok {
			i = len(groups)
			at[key] = i
			groups = append(groups, group{dir: freeName(groups, name), mode: mode})
		}
		groups[i].files = append(groups[i].files, f.name)
		if f.traffic != nil {
			groups[i].traffic = append(groups[i].traffic, TrafficFile{f.name, f.traffic})
		}
	}
	return groups
}

// freeName returns the name, numbered if a group has it.
func freeName(groups []group, name string) string {
	out := name
	for i := 2; slices.ContainsFunc(groups, func(g group) bool { return g.dir == out }); i++ {
		out = fmt.Sprintf("%s-%d", name, i)
	}
	return out
}

func writeSweep(groups []group, dir string, opt RunOptions) ([]*bundle.Run, []bundle.Loss, error) {
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return nil, nil, &bundle.ExistsError{Path: dir}
	}
	s := bundle.Sweep{Name: filepath.Base(dir)}
	var losses []bundle.Loss
	for _, g := range groups {
		one := opt
		one.sweep = true
		if g.mode != "" {
			one.Labels = withLabel(opt.Labels, "mode", g.mode)
		}
		run, lost, err := RunOf(g.files, filepath.Join(dir, g.dir), one)
		if err != nil {
			return nil, nil, err
		}
		losses = append(losses, lost...)
		s.Dirs, s.Runs = append(s.Dirs, g.dir), append(s.Runs, run)
	}
	return s.Runs, losses, bundle.WriteSweep(dir, &s)
}

func withLabel(labels map[string]string, key, value string) map[string]string {
	out := map[string]string{key: value}
	for k, v := range labels {
		if k != key {
			out[k] = v
		}
	}
	return out
}

// mode returns what the caller says the mode of a file is: by its path, or by
// the last part of it.
func (o RunOptions) mode(file string) string {
	if m := o.Modes[file]; m != "" {
		return m
	}
	return o.Modes[filepath.Base(file)]
}

// checkModes refuses a mode for a file that is not imported: a typing error
// would otherwise leave two modes in one curve.
func (o RunOptions) checkModes(files []string) error {
	for name := range o.Modes {
		if !slices.ContainsFunc(files, func(f string) bool { return f == name || filepath.Base(f) == name }) {
			return &FormatError{File: name, Why: "a mode is given for it, and it is not among the files"}
		}
	}
	return nil
}
