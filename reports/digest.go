package reports

import (
	"fmt"
	"io"
	"math"
	"strings"

	"xfrmscope/analyze"
)

const (
	digestColumns = 72 // a mail quotes it twice within 76
	digestLines   = 30
)

// Digest writes the Result as a block of ASCII for a mail: at most 30 lines of
// 72 columns. What was run comes first, then the figures with their errors,
// the findings, what was lost or not measured, and what this does not prove.
// What finds no room is counted, not dropped in silence.
func Digest(w io.Writer, r *analyze.Result) error {
	var blocks []block
	switch runs := present(r); {
	case len(runs) == 0:
		blocks = []block{{items: lineItems([]string{"xfrmscope report: no runs"}), keep: 1}}
	case len(runs) == 1:
		blocks = oneRunBlocks(r, runs[0])
	default:
		blocks = sweepBlocks(r, runs)
	}
	_, err := io.WriteString(w, strings.Join(fitBlocks(blocks, digestLines), "\n")+"\n")
	return err
}

// A block is consecutive items, each of one or more lines, of which the first
// keep are never cut.
type block struct {
	items [][]string
	keep  int
	gap   bool // an empty line before it
	rank  int  // cut first where it is highest; never at 0
	lost  int  // items cut
}

// lineItems makes an item of each line.
func lineItems(lines []string) [][]string {
	var items [][]string
	for _, l := range lines {
		items = append(items, []string{l})
	}
	return items
}

func (b *block) lines() int {
	n := b.notice()
	for _, it := range b.items {
		n += len(it)
	}
	if b.gap && n > 0 {
		n++
	}
	return n
}

// fitBlocks cuts items from the ends of blocks, the highest rank first, until
// all fit in limit lines; a block that was cut says how many items it lacks.
func fitBlocks(blocks []block, limit int) []string {
	for _, keep := range []int{math.MaxInt, 1} { // first as the blocks wish, then whatever it takes
		for rank := maxRank(blocks); rank > 0; rank-- {
			for i := range blocks {
				if blocks[i].rank == rank {
					blocks[i].cut(min(keep, blocks[i].keep), total(blocks)-limit)
				}
			}
		}
	}
	var out []string
	for _, b := range blocks {
		if b.gap && len(b.items) > 0 {
			out = append(out, "")
		}
		for _, it := range b.items {
			for _, l := range it {
				out = append(out, strings.TrimRight(ascii(l, digestColumns), " "))
			}
		}
		if b.lost > 0 {
			out = append(out, fmt.Sprintf("  (%d more: see report.html)", b.lost))
		}
	}
	return out[:min(len(out), limit)]
}

// cut shortens a block by at least over lines if it has items to spare.
func (b *block) cut(keep, over int) {
	saved, before := 0, b.lost
	for len(b.items) > keep && over > 0 && saved < over+b.notice()-min(before, 1) {
		saved += len(b.items[len(b.items)-1])
		b.items = b.items[:len(b.items)-1]
		b.lost++
	}
}

// notice is the number of lines that say how much was cut.
func (b *block) notice() int { return min(b.lost, 1) }

func maxRank(blocks []block) int {
	rank := 0
	for _, b := range blocks {
		rank = max(rank, b.rank)
	}
	return rank
}

func total(blocks []block) int {
	n := 0
	for i := range blocks {
		n += blocks[i].lines()
	}
	return n
}

// whereLines says what was run and on what.
func whereLines(runs []*analyze.Run) []string {
	host := common(runs, func(r *analyze.Run) string { return r.Manifest.Host.Name })
	kernel := common(runs, func(r *analyze.Run) string {
		return strings.TrimSpace(r.Manifest.Host.Kernel + " " + r.Manifest.Host.Arch)
	})
	cpu := common(runs, func(r *analyze.Run) string { return r.Manifest.Host.CPUModel })
	event := common(runs, func(r *analyze.Run) string {
		if e := r.Main(); e != nil {
			return e.Name + " (" + e.Unit + ")"
		}
		return "none"
	})
	lines := wrapped("host %s, kernel %s, %s", orUnknown(host), orUnknown(kernel), orUnknown(cpu))
	what := fmt.Sprintf("event %s, -F %s, %s s", event, orUnknown(common(runs, frequency)), orUnknown(common(runs, seconds)))
	if source := common(runs, func(r *analyze.Run) string { return r.Packets.Source }); len(runs) > 1 && source != "" {
		what += " a run; packets: " + source
	}
	return append(lines, wrapped("%s", what)...)
}

func frequency(r *analyze.Run) string {
	if hz := r.Manifest.Plan.FrequencyHz; hz > 0 {
		return fmt.Sprint(hz)
	}
	if e := r.Main(); e != nil && e.Profile != nil && e.Profile.Event.FrequencyHz > 0 {
		return fmt.Sprint(e.Profile.Event.FrequencyHz)
	}
	return ""
}

func seconds(r *analyze.Run) string {
	if s := r.Manifest.Window.Seconds(); s > 0 {
		return decimals(s, 1)
	}
	return ""
}

func orUnknown(s string) string {
	if s == "" {
		return "not recorded"
	}
	return s
}

// wrapped formats and wraps with an indent of two.
func wrapped(format string, args ...any) []string {
	return wrap(ascii(fmt.Sprintf(format, args...), 200), "  ", "    ", digestColumns)
}

// labelled wraps sentences that each begin with the same word.
func labelled(label string, sentences ...string) [][]string {
	var items [][]string
	for _, s := range sentences {
		items = append(items, wrap(ascii(s, 260), label+": ", "    ", digestColumns))
	}
	return items
}

func findingItems(r *analyze.Result) [][]string {
	if len(r.Findings) == 0 {
		return labelled("found", "no finding was made from these figures")
	}
	var claims []string
	for _, f := range r.Findings {
		claims = append(claims, orDash(f.Claim))
	}
	return labelled("found", claims...)
}

// noteItems prints sentences with the runs they hold for.
func noteItems(label string, n notes, total int) [][]string {
	var sentences []string
	for _, x := range n {
		s := x.Text
		if total > 1 {
			s = ascii(s, 200) + " (" + x.runsText(total) + ")"
		}
		sentences = append(sentences, s)
	}
	return labelled(label, sentences...)
}

// endBlocks are the blocks both forms end with.
func endBlocks(r *analyze.Result, total int) []block {
	weak := append(noteItems("warning", warnings(r), total), noteItems("lost", losses(r), total)...)
	if len(weak) == 0 {
		weak = labelled("lost", "nothing that was counted; no warnings")
	}
	not := append(noteItems("not measured", gaps(r), total), noteItems("not seen", blind(r), total)...)
	return []block{
		{items: findingItems(r), keep: 1, gap: true, rank: 1},
		{items: weak, keep: 1, rank: 2},
		{items: not, keep: 1, rank: 3},
		{items: labelled("not proven", notProven(r)...), keep: 1, rank: 4},
	}
}
