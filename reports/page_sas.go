package reports

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"

	"xfrmscope/analyze"
	"xfrmscope/analyze/metric"
	"xfrmscope/collect/bundle"
)

func saTable(runs []*analyze.Run) table {
	t := table{ID: "sa-table", Caption: "Packets by SA in the window", Head: []column{
		{Text: "run"}, {Text: "SPI"}, {Text: "from, to"}, {Text: "mode"}, {Text: "direction"}, {Text: "CPU of the SA"}, {Text: "packets", Number: true}, {Text: "bytes", Number: true}, {Text: "settings"}, {Text: "remarks"},
	}, Note: "An outbound SA without a CPU number is the fallback: any CPU may use it, and all of them take its lock."}
	for _, r := range runs {
		for _, s := range r.SAs {
			t.Rows = append(t.Rows, saRow(r, s))
		}
	}
	return bounded(t, maxRows)
}

func saRow(r *analyze.Run, s analyze.SA) []cell {
	cpu := cell{Text: "any", Sort: "-1", Muted: true}
	switch {
	case s.PCPU != nil:
		cpu = cell{Text: strconv.FormatUint(uint64(*s.PCPU), 10), Sort: strconv.FormatUint(uint64(*s.PCPU), 10)}
	case s.Fallback:
		cpu = cell{Text: "any: fallback", Sort: "-1", Warn: s.DeltaPackets > 0}
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
		remarks = append(remarks, fmt.Sprintf("drops: replay window %d, replay %d, integrity %d", d.ReplayWindow, d.Replay, d.Integrity))
	}
	packets, bytes := countCell(s.DeltaPackets), countCell(s.DeltaBytes)
	if s.Deleted {
		packets = cell{Text: "not known", Number: true, Sort: "-1", Warn: true}
		bytes = packets
	}
	if total := r.Packets.Total; finite(total) && total.Value > 0 && s.Outbound {
		packets = packets.withBar(metric.Value{Value: float64(s.DeltaPackets) / total.Value})
	}
	return []cell{textCell(runLabel(r)), {Text: fmt.Sprintf("0x%08x", s.SPI), Code: true, Sort: strconv.FormatUint(uint64(s.SPI), 10)},
		{Text: name(s.Src) + " → " + name(s.Dst), Small: name(s.NetNS)}, textCell(strings.TrimSpace(s.Proto + " " + s.Mode)), textCell(direction), cpu, packets, bytes, settingsCell(s), textCell(strings.Join(remarks, "; "))}
}

// settingsCell is how an SA was set up, and where it stood at the end.
func settingsCell(s analyze.SA) cell {
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
	c := cell{Text: visible(strings.Join(set, ", "), 120)}
	sequence := s.Seq
	if s.Outbound {
		sequence = s.OSeq
	}
	var stood []string
	if sequence > 0 {
		stood = append(stood, "sequence "+pretty(count(sequence)))
	}
	if s.LastUsedS > 0 {
		stood = append(stood, "last used "+time.Unix(int64(s.LastUsedS), 0).UTC().Format("15:04:05 UTC"))
	}
	c.Small = strings.Join(stood, ", ")
	return c
}

// sasSection says which SA carried the packets, from which CPUs, and how it was
// found.
func sasSection(runs []*analyze.Run) section {
	s := section{ID: "sas", Nav: "SAs", Title: "Which SA carried the packets, and from which CPU?"}
	var matrices []part
	for _, i := range pick(len(runs), maxMatrices) {
		if p, ok := matrixPart(runs[i], i); ok {
			matrices = append(matrices, p)
		}
	}
	s.Parts = append(s.Parts, matrices...)
	if t := saTable(runs); len(t.Rows) > 0 {
		s.Parts = append(s.Parts, part{Table: t})
	}
	if t := findsTable(runs); len(t.Rows) > 0 {
		s.Parts = append(s.Parts, part{Heading: "How were SAs found?", Table: t})
	}
	if t := inboundTable(runs); len(t.Rows) > 0 {
		s.Parts = append(s.Parts, part{Table: t})
	}
	if len(s.Parts) == 0 {
		return section{}
	}
	return s
}

// maxMatrices bounds the runs whose matrix is shown.
const maxMatrices = 12

// matrixCells is the widest matrix printed in figures; a larger one is a
// bitmap.
const matrixCells = 16

// matrixPart is the SA x CPU matrix of a run.
func matrixPart(r *analyze.Run, i int) (part, bool) {
	m := r.Matrix
	if m == nil || len(m.Rows) == 0 || len(m.CPUs) == 0 {
		return part{}, false
	}
	f := folded(runLabel(r) + ": SA by sending CPU")
	f.Fold.Open = len(m.CPUs) > 1 && len(m.Rows) <= matrixCells+1
	text := matrixText(m)
	if len(m.CPUs) <= matrixCells && len(m.Rows) <= matrixCells+1 {
		f.Fold.Parts = []part{{Text: text}, {Table: matrixTable(m, i)}}
		return f, true
	}
	f.Fold.Parts = []part{{Text: text, Picture: template.HTML(matrixPicture(m)), Muted: false}}
	return f, true
}

// matrixText sums a matrix: own CPU, another CPU, fallback.
func matrixText(m *analyze.Matrix) string {
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
	part := func(n uint64) string { return share(float64(n), float64(sum)) }
	return sentence(fmt.Sprintf("Of %s counted by the %s: %s %% by the SA of the sending CPU, %s %% by another CPU's, %s %% by the fallback.",
		pretty(count(sum)), orWord(name(m.Source), "probe"), part(own), part(other), part(fallback)))
}

func matrixTable(m *analyze.Matrix, i int) table {
	t := table{ID: fmt.Sprintf("matrix-%d", i), Caption: "SA by sending CPU; the SA's own CPU is marked", Head: []column{{Text: "SPI"}, {Text: "CPU of the SA"}}}
	for _, cpu := range m.CPUs {
		t.Head = append(t.Head, column{Text: "from " + cpuNumber(cpu), Number: true})
	}
	for _, row := range m.Rows {
		total := uint64(0)
		for _, n := range row.Calls {
			total += n
		}
		of := cell{Text: "any: fallback", Muted: total == 0, Warn: total > 0}
		if row.PCPU != nil {
			of = cell{Text: cpuNumber(*row.PCPU), Sort: strconv.Itoa(*row.PCPU)}
		}
		cells := []cell{{Text: fmt.Sprintf("0x%08x", row.SPI), Small: name(row.NetNS), Code: true, Sort: strconv.FormatUint(uint64(row.SPI), 10)}, of}
		for k := range m.CPUs {
			n := uint64(0)
			if k < len(row.Calls) {
				n = row.Calls[k]
			}
			c := countCell(n)
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

// matrixPicture draws a large matrix: the share of each CPU's packets that an
// SA carried.
func matrixPicture(m *analyze.Matrix) []byte {
	sums := make([]float64, len(m.CPUs))
	for _, row := range m.Rows {
		for i := range min(len(row.Calls), len(sums)) {
			sums[i] += float64(row.Calls[i])
		}
	}
	shares := make([][]float64, len(m.Rows))
	for y, row := range m.Rows {
		for i := range m.CPUs {
			v := -1.0
			if i < len(row.Calls) && sums[i] > 0 && row.Calls[i] > 0 {
				v = float64(row.Calls[i]) / sums[i]
			}
			shares[y] = append(shares[y], v)
		}
	}
	const side, left = 420.0, 62.0
	var w svgWriter
	w.open("svg", attr{"class", "chart heat"}, attr{"viewBox", "0 0 500 460"}, attr{"role", "img"}, attr{"aria-label", fmt.Sprintf("%d SAs by %d CPUs: the share of each CPU's packets; results.json has the figures", len(m.Rows), len(m.CPUs))})
	w.empty("image", attr{"x", px(left)}, attr{"y", "4"}, attr{"width", px(side)}, attr{"height", px(side)}, attr{"preserveAspectRatio", "none"}, attr{"href", heatPNG(shares, len(m.CPUs))})
	w.text("axis head", left+side/2, side+28, "middle", fmt.Sprintf("sending CPU, %d to %d", m.CPUs[0], m.CPUs[len(m.CPUs)-1]))
	w.text("axis", left-8, 18, "end", "SA of")
	w.text("axis", left-8, 34, "end", "CPU "+matrixRowName(m.Rows[0]))
	w.text("axis", left-8, side, "end", matrixRowName(m.Rows[len(m.Rows)-1]))
	w.close("svg")
	return w.Bytes()
}

func matrixRowName(r analyze.MatrixRow) string {
	if r.PCPU == nil {
		return "any"
	}
	return cpuNumber(*r.PCPU)
}

// findsTable says what xfrm_state_find did.
func findsTable(runs []*analyze.Run) table {
	t := table{ID: "find-table", Caption: "xfrm_state_find, by the find probe", Head: []column{
		{Text: "run"}, {Text: "calls", Number: true}, {Text: "calls", Unit: "per packet", Number: true}, {Text: "no SA", Unit: "calls", Number: true}, {Text: "fallback", Unit: "% of calls", Number: true}, {Text: "wrong CPU", Unit: "% of calls", Number: true},
		{Text: "cache list empty", Unit: "% of calls", Number: true}, {Text: "median", Unit: "ns at most", Number: true}, {Text: "99 %", Unit: "ns at most", Number: true}, {Text: "mean", Unit: "ns", Number: true}, {Text: "walk", Unit: "SAs in the bucket", Number: true}, {Text: "latency", Unit: "log₂ ns"},
	}}
	for _, r := range runs {
		f := r.Finds
		if f == nil {
			continue
		}
		fallback, wrong := lockValue(f.Fallback), lockValue(f.WrongCPU)
		fallback.Warn, wrong.Warn = shareOf(f.Fallback) > 0, shareOf(f.WrongCPU) > 0
		t.Rows = append(t.Rows, []cell{textCell(runLabel(r)).during(r, bundle.ProbeFind), lockValue(f.Calls).during(r, bundle.ProbeFind), lockValue(f.PerPacket), countCell(f.NoSA), fallback, wrong,
			lockValue(f.CacheEmpty), lockValue(f.P50), lockValue(f.P99), lockValue(f.Mean), walkCell(f), lengthsCell(lengths{Counts: f.Hist})})
	}
	return bounded(t.withoutMissing(), 120)
}

func walkCell(f *analyze.Finds) cell {
	c := lockValue(f.Walk)
	if f.Walk.Measured() && f.WalkMax > 0 {
		c.Small = "longest " + pretty(count(f.WalkMax))
	}
	return c
}

func inboundTable(runs []*analyze.Run) table {
	t := table{ID: "inbound-table", Caption: "Inbound SPIs and the CPUs their packets came in on", Head: []column{{Text: "run"}, {Text: "SPI"}, {Text: "CPUs"}, {Text: "packets by CPU"}, {Text: "packets", Number: true}}}
	for _, r := range runs {
		if r.Finds == nil {
			continue
		}
		for _, in := range r.Finds.Inbound {
			sum, each := uint64(0), ""
			for i, n := range in.Packets {
				sum += n
				if i < len(in.CPUs) && i < 8 {
					each += fmt.Sprintf("%d: %s  ", in.CPUs[i], pretty(count(n)))
				}
			}
			cpus := cell{Text: cpuList(in.CPUs), Warn: len(in.CPUs) > 1}
			t.Rows = append(t.Rows, []cell{textCell(runLabel(r)), {Text: fmt.Sprintf("0x%08x", in.SPI), Small: name(in.NetNS), Code: true, Sort: strconv.FormatUint(uint64(in.SPI), 10)}, cpus, {Text: strings.TrimSpace(each)}, countCell(sum)})
		}
	}
	return bounded(t, 120)
}
