package reports

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"xfrmscope/analyze"
)

const (
	digestColumns = 72 // a mail quotes it twice within 76
	digestLines   = 30
)

// Digest writes the Result as a block of ASCII for a mail: at most 30 lines of
// 72 columns. What was run comes first, then the findings, the figures with
// their errors, what weakens them, what was not measured, and what this does
// not prove. What finds no room is counted, not dropped in silence.
func Digest(w io.Writer, r *analyze.Result) error {
	var blocks []block
	switch runs := present(r); {
	case r.Comparison != nil:
		blocks = compareBlocks(r)
	case len(runs) == 0:
		blocks = []block{{items: lineItems([]string{"xfrmscope report: no runs"})}}
	case len(runs) == 1:
		blocks = oneRunBlocks(r, runs[0])
	default:
		blocks = sweepBlocks(r, runs)
	}
	_, err := io.WriteString(w, strings.Join(fitBlocks(blocks, digestLines), "\n")+"\n")
	return err
}

// whereLines says what was run and on what, in as few lines as hold it.
func whereLines(runs []*analyze.Run) []string {
	host, what := whereText(runs)
	if lines := wrapped("%s", host); len(lines) == 1 {
		return append(lines, wrapped("%s", what)...)
	}
	return wrapped("%s; %s", ascii(host, 150), ascii(what, 150))
}

// whereText says on what was measured, and what.
func whereText(runs []*analyze.Run) (host, what string) {
	host = common(runs, hostName)
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
	host = fmt.Sprintf("host %s, kernel %s, %s", orUnknown(host), orUnknown(kernel), orUnknown(cpu))
	what = fmt.Sprintf("event %s, -F %s, %s s", event, orUnknown(common(runs, frequency)), orUnknown(common(runs, seconds)))
	if event == "none" {
		what = "no samples were taken"
	}
	if source := common(runs, func(r *analyze.Run) string { return r.Packets.Source }); source != "" {
		if len(runs) > 1 && event != "none" {
			what += " a run"
		}
		what += "; packets: " + source
	}
	return host, what
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
	return wrap(ascii(fmt.Sprintf(format, args...), 320), "  ", "    ", digestColumns)
}

// labelled wraps sentences that each begin with the same word.
func labelled(label string, sentences ...string) [][]string {
	var items [][]string
	for _, s := range sentences {
		items = append(items, wrap(ascii(s, 260), label+": ", "  ", digestColumns))
	}
	return items
}

// maxFindings is how many findings stand before the table's rows: the rest go
// first.
const maxFindings = 6

// foundBlock has every claim; the findings come with the heaviest first.
func foundBlock(r *analyze.Result) block {
	claims := []string{"no finding was made from these figures"}
	if len(r.Findings) > 0 {
		claims = nil
	}
	for _, f := range r.Findings {
		claims = append(claims, orDash(f.Claim))
	}
	return block{items: labelled("found", claims...), keep: maxFindings, least: 1, gap: true, rank: 1, noun: "finding"}
}

// noteItems prints sentences with the runs they hold for, if these are not all.
func noteItems(label string, n notes, total int) [][]string {
	var sentences []string
	for _, x := range n {
		s := x.Text
		if len(x.Runs) > 0 && len(x.Runs) < total {
			s = ascii(s, 200) + " (" + x.runsText(total) + ")"
		}
		sentences = append(sentences, s)
	}
	return labelled(label, sentences...)
}

// brief shortens notes to what they say first.
func (n notes) brief() notes {
	out := slices.Clone(n)
	for i := range out {
		out[i].Text = brief(out[i].Text)
	}
	return out
}

// brief cuts what a sentence says after a semicolon, or else after its last
// colon, if enough is left to be understood.
func brief(text string) string {
	const enough = 30
	if at := strings.Index(text, "; "); at >= enough {
		return text[:at]
	}
	if at := strings.LastIndex(text, ": "); at >= enough {
		return text[:at]
	}
	return text
}

// endBlocks are the blocks both forms end with.
func endBlocks(r *analyze.Result, total int) []block {
	warn, lost, unmeasured, unseen := warnings(r).kinds(), losses(r).kinds(), gaps(r).byCause(), blind(r)
	weak := block{keep: 1, least: 1, gap: true, rank: 5, noun: "caveat",
		items: append(noteItems("warning", warn, total), noteItems("lost", lost, total)...),
		brief: append(noteItems("warning", warn.brief(), total), noteItems("lost", lost.brief(), total)...),
	}
	if len(weak.items) == 0 {
		weak.items, weak.brief = labelled("lost", "nothing that was counted; no warnings"), nil
	}
	limits := notProven(r)
	var short []string
	for _, l := range limits {
		short = append(short, brief(l))
	}
	return []block{weak,
		{keep: 1, rank: 6, noun: "gap",
			items: append(noteItems("not measured", unmeasured, total), noteItems("not seen", unseen, total)...),
			brief: append(noteItems("not measured", unmeasured.brief(), total), noteItems("not seen", unseen.brief(), total)...)},
		{rank: 7, noun: "limit", items: labelled("not proven", limits...), brief: labelled("not proven", short...)},
	}
}
