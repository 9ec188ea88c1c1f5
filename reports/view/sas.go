package view

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
	"xfrmscope/reports/format"
)

func SAsTable(runs []*result.Run) Table {
	t := NewTable("sa-table", "Packets by SA in the window",
		"run", "SPI", "from, to", "mode", "direction", "CPU of the SA", "packets#", "bytes#", "settings",
		"remarks")
	t.Note = "An outbound SA without a CPU number is the fallback: any CPU may use it, and all of them take its " +
		"lock."
	for _, r := range runs {
		for _, s := range r.SAs {
			t.Rows = append(t.Rows, saRow(r, s))
		}
	}
	return Bounded(t, MaxRows)
}

func saRow(r *result.Run, s result.SA) []Cell {
	cpu := Cell{Text: "any", Sort: "-1", Muted: true}
	switch {
	case s.PCPU != nil:
		cpu = Cell{Text: strconv.FormatUint(uint64(*s.PCPU), 10), Sort: strconv.FormatUint(uint64(*s.PCPU), 10)}
	case s.Fallback:
		cpu = Cell{Text: "any: fallback", Sort: "-1", Warn: s.DeltaPackets > 0}
	}
	direction := "in"
	if s.Outbound {
		direction = "out"
	}
	var remarks []string
	if s.Deleted {
		remarks = append(remarks, "deleted in the window: what it carried until then is not known")
	}
	if s.Reset {
		remarks = append(remarks, "made or rekeyed in the window: counted from zero")
	}
	if d := s.Drops; d.ReplayWindow+d.Replay+d.Integrity > 0 {
		remarks = append(remarks, fmt.Sprintf("drops: replay window %d, replay %d, integrity %d",
			d.ReplayWindow, d.Replay, d.Integrity))
	}
	packets, bytes := CountCell(s.DeltaPackets), CountCell(s.DeltaBytes)
	if s.Deleted {
		packets = Cell{Text: "not known", Number: true, Sort: "-1", Warn: true}
		bytes = packets
	}
	if total := r.Packets.Total; format.Finite(total) && total.Value > 0 && s.Outbound {
		packets = packets.WithBar(metric.Value{Value: float64(s.DeltaPackets) / total.Value})
	}
	return []Cell{RunCell(r), spiCell(s.SPI, ""),
		{Text: format.Name(s.Src) + " → " + format.Name(s.Dst), Small: format.Name(s.NetNS)},
		TextCell(strings.TrimSpace(s.Proto + " " + s.Mode)), TextCell(direction), cpu, packets, bytes,
		settingsCell(s), TextCell(strings.Join(remarks, "; "))}
}

// settingsCell is how an SA was set up, and where it stood at the end.
func settingsCell(s result.SA) Cell {
	var set []string
	if s.Replay > 0 {
		set = append(set, fmt.Sprintf("replay window %d", s.Replay))
	}
	set = append(set, s.Flags...)
	for _, of := range []struct{ what, value string }{{"encap", s.Encap}, {"offload", s.Offload}} {
		if of.value != "" {
			set = append(set, of.what+" "+of.value)
		}
	}
	c := Cell{Text: format.Visible(strings.Join(set, ", "), 120)}
	sequence := s.Seq
	if s.Outbound {
		sequence = s.OSeq
	}
	var stood []string
	if sequence > 0 {
		stood = append(stood, "sequence "+format.Pretty(format.Count(sequence)))
	}
	if s.LastUsedS > 0 {
		stood = append(stood, "last used "+time.Unix(int64(s.LastUsedS), 0).UTC().Format("15:04:05 UTC"))
	}
	c.Small = strings.Join(stood, ", ")
	return c
}

// MatrixText sums a matrix: own CPU, another CPU, fallback.
func MatrixText(m *result.Matrix) string {
	var own, other, fallback uint64
	for _, row := range m.Rows {
		for i, n := range row.Calls {
			switch {
			case row.PCPU == nil:
				fallback += n
			case i < len(m.CPUs) && m.CPUs[i] == *row.PCPU:
				own += n
			default:
				other += n
			}
		}
	}
	sum := own + other + fallback
	if sum == 0 {
		return "No packet or call was counted."
	}
	part := func(n uint64) string { return format.Share(float64(n), float64(sum)) }
	return format.Sentence(fmt.Sprintf("Of %s counted by the %s: %s %% by the SA of the sending CPU, %s %% by "+
		"another CPU's, %s %% by the fallback.",
		format.Pretty(format.Count(sum)), cmp.Or(format.Name(m.Source), "probe"), part(own),
		part(other), part(fallback)))
}

func MatrixTable(m *result.Matrix, i int) Table {
	t := NewTable(fmt.Sprintf("matrix-%d", i), "SA by sending CPU; the SA's own CPU is marked",
		"SPI", "CPU of the SA")
	for _, cpu := range m.CPUs {
		t.Head = append(t.Head, Column{Text: "from " + format.CPUNumber(cpu), Number: true})
	}
	for _, row := range m.Rows {
		total := uint64(0)
		for _, n := range row.Calls {
			total += n
		}
		of := Cell{Text: "any: fallback", Muted: total == 0, Warn: total > 0}
		if row.PCPU != nil {
			of = Cell{Text: format.CPUNumber(*row.PCPU), Sort: strconv.Itoa(*row.PCPU)}
		}
		cells := []Cell{spiCell(row.SPI, row.NetNS), of}
		for k := range m.CPUs {
			n := uint64(0)
			if k < len(row.Calls) {
				n = row.Calls[k]
			}
			c := CountCell(n)
			own := row.PCPU != nil && *row.PCPU == m.CPUs[k]
			c.Muted, c.Warn = n == 0, n > 0 && row.PCPU != nil && !own
			if own {
				c.Small = "own"
			}
			cells = append(cells, c)
		}
		t.Rows = append(t.Rows, cells)
	}
	return t
}

func MatrixRowName(r result.MatrixRow) string {
	if r.PCPU == nil {
		return "any"
	}
	return format.CPUNumber(*r.PCPU)
}

// LookupsTable says what xfrm_state_find did.
func LookupsTable(runs []*result.Run) Table {
	t := NewTable("find-table", "xfrm_state_find, by the find probe",
		"run", "calls#", "calls#|per packet", "no SA#|calls", "fallback#|% of calls", "wrong CPU#|% of calls",
		"cache list empty#|% of calls", "median#|ns at most", "99 %#|ns at most", "mean#|ns",
		"walk#|SAs in the bucket", "latency|log₂ ns")
	for _, r := range runs {
		f := r.Lookups
		if f == nil {
			continue
		}
		fallback, wrong := lockValue(f.Fallback), lockValue(f.WrongCPU)
		fallback.Warn, wrong.Warn = format.ShareOf(f.Fallback) > 0, format.ShareOf(f.WrongCPU) > 0
		t.Add(RunCell(r).During(r, bundle.ProbeFind), lockValue(f.Calls).During(r,
			bundle.ProbeFind), lockValue(f.PerPacket), CountCell(f.NoSA), fallback, wrong,
			lockValue(f.CacheEmpty), lockValue(f.P50), lockValue(f.P99), lockValue(f.Mean), walkCell(f),
			LengthsCell(Lengths{Counts: f.Hist}))
	}
	return Bounded(t.WithoutMissing(), 120)
}

func walkCell(f *result.Lookups) Cell {
	c := lockValue(f.Walk)
	if f.Walk.Measured() && f.WalkMax > 0 {
		c.Small = "longest " + format.Pretty(format.Count(f.WalkMax))
	}
	return c
}

func InboundTable(runs []*result.Run) Table {
	t := NewTable("inbound-table", "Inbound SPIs and the CPUs their packets came in on",
		"run", "SPI", "CPUs", "packets by CPU", "packets#")
	for _, r := range runs {
		if r.Lookups == nil {
			continue
		}
		for _, in := range r.Lookups.Inbound {
			sum, each := uint64(0), ""
			for i, n := range in.Packets {
				sum += n
				if i < len(in.CPUs) && i < 8 {
					each += fmt.Sprintf("%d: %s  ", in.CPUs[i], format.Pretty(format.Count(n)))
				}
			}
			cpus := Cell{Text: format.CPUList(in.CPUs), Warn: len(in.CPUs) > 1}
			t.Add(RunCell(r), spiCell(in.SPI, in.NetNS), cpus, Cell{Text: strings.TrimSpace(each)},
				CountCell(sum))
		}
	}
	return Bounded(t, 120)
}
