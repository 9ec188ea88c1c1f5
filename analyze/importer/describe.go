package importer

import (
	"fmt"
	"io"
	"slices"
	"time"

	"xfrmscope/analyze/perfdata"
	"xfrmscope/collect/bundle"
)

// Dir is the folder of a bundle that holds foreign files as they are.
const Dir = "import/"

// readRecording refuses a perf.data: it is read at random places, not as a stream, by OfRecording.
func readRecording(_ io.Reader, opt Options) (*Import, error) {
	return nil, &FormatError{
		File: opt.Name,
		Why:  "it is a perf.data, which is imported as it is: `xfrmscope import FILE -o RUN`",
	}
}

// OfRecording tells what a perf.data says of itself; its samples stay in it.
func OfRecording(f *perfdata.File, name string) (*Import, error) {
	side, err := f.Sideband()
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	im := &Import{
		Format:  Recording,
		Command: f.Meta.CommandLine,
		Window:  bundle.Window{StartNS: int64(side.FirstNS), EndNS: int64(side.LastNS)},
		Losses:  side.Losses,
		Host: bundle.Host{
			Name: f.Meta.Hostname, Kernel: f.Meta.OSRelease, Arch: f.Meta.Arch, CPUModel: f.Meta.CPUDesc,
		},
	}
	if offset := f.Meta.WallOffsetNS; offset != 0 && side.FirstNS > 0 {
		im.started = time.Unix(0, offset+int64(side.FirstNS)).UTC()
	}
	for _, b := range side.BuildIDs {
		if b.Kernel && b.PID == -1 && im.Host.BuildID == "" {
			im.Host.BuildID = b.ID
		}
	}
	for _, e := range f.Events {
		if e.IsDummy() {
			continue
		}
		im.events = append(im.events, e.Name)
		if hz := e.FrequencyHz(); hz > 0 {
			im.frequencyHz = int(hz)
		}
	}
	return im, nil
}

// DropStacks keeps of the profiles the names of their events only, and of the accesses whether there are any.
func (im *Import) DropStacks() {
	im.Accesses = slices.Clone(im.Accesses[:min(1, len(im.Accesses))])
	for _, p := range im.Profiles {
		im.events = append(im.events, p.Event.Name)
	}
	im.Profiles = nil
}

// Describe notes in a manifest what the file says of the machine and of how it
// was recorded. A perf.data knows better than a text.
func (im *Import) Describe(m *bundle.Manifest) {
	recording := im.Format == Recording
	if recording || m.Host.Name == "" {
		m.Host = im.Host
	}
	if recording || m.Window == (bundle.Window{}) {
		m.Window = im.Window
	}
	if recording {
		m.Started = im.started
	}
	if im.frequencyHz > 0 {
		m.Plan.FrequencyHz = im.frequencyHz
	}
	if len(im.Command) > 0 {
		m.Commands = append(m.Commands, bundle.Command{Argv: im.Command})
	}
	for _, name := range im.events {
		m.Events = append(m.Events, bundle.Event{Asked: name, Opened: name})
	}
}
