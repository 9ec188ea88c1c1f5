package analyze

import (
	"slices"
	"strings"

	"xfrmscope/analyze/importer"
	"xfrmscope/analyze/packets"
	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
)

// readImports reads the foreign files of a run again. One that cannot be read
// is a gap.
func readImports(r *result.Run, b *bundle.Run) ([]*importer.Import, []generated) {
	var out []*importer.Import
	var names []string
	for _, file := range b.Files {
		if !strings.HasPrefix(file.Name, importer.Dir) {
			continue
		}
		im, err := readImport(b, file.Name)
		if err != nil {
			r.Gap(bundle.Gap{What: file.Name, Why: err.Error()})
		}
		if im == nil {
			continue
		}
		r.Warnings = append(r.Warnings, im.Warnings...)
		if len(im.Profiles) == 0 {
			r.Losses = append(r.Losses, im.Losses...)
		}
		out, names = append(out, im), append(names, file.Name)
	}
	return out, takeTraffic(r, out, names)
}

func readImport(b *bundle.Run, name string) (*importer.Import, error) {
	f, err := b.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return importer.Read(f, importer.Options{Name: name})
}

// importedTraffic returns the packets that foreign files counted of the one run
// they are about, nil if none did.
func importedTraffic(measured []generated) *bundle.Traffic {
	if len(measured) != 1 || len(measured[0].runs) != 1 {
		return nil
	}
	t, ok := importer.SumPackets(measured[0].runs[0], measured[0].source)
	if !ok {
		return nil
	}
	return &t
}

// importLocks takes the waits that perf lock contention counted as those of the
// run, unless it has a probe of its own.
func importLocks(r *result.Run, in *packets.Rows) {
	if packets.ProbeOf(&r.Manifest, bundle.ProbeWait) != nil {
		return
	}
	found := false
	for _, im := range in.Imports {
		found = found || len(im.Locks) > 0
		in.Locks.Waits = append(in.Locks.Waits, im.Locks...)
	}
	if !found {
		return
	}
	r.Manifest.Probes = append(slices.Clone(r.Manifest.Probes), bundle.Probe{
		Name: bundle.ProbeWait, AttachMode: "perf lock contention",
		Blind: []string{"which CPU waited, and for how long it was watched: its output does not say",
			"what perf itself lost, unless it was printed with -v"},
	})
}
