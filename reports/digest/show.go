package digest

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
	"xfrmscope/reports/format"
	"xfrmscope/reports/view"
)

// ShowOptions says how much Show prints.
type ShowOptions struct {
	Top int // functions, locks and SAs of each run; 0 means DefaultTop
}

// DefaultTop is the rows of each of Show's tables.
const DefaultTop = 15

// showRuns bounds the runs that have tables.
const showRuns = 6

// Show writes the Result for a terminal: the digest, then the functions, the
// locks and the SAs of each mode at its largest N. ASCII, at most 100 columns.
func Show(w io.Writer, r *result.Result, o ShowOptions) error {
	if o.Top <= 0 {
		o.Top = DefaultTop
	}
	var b strings.Builder
	if err := Write(&b, r); err != nil {
		return err
	}
	runs := view.LastOfModes(r)
	if len(runs) == 0 {
		runs = result.RunsPresent(r)
	}
	showMoved(&b, r)
	for _, run := range runs[:min(showRuns, len(runs))] {
		showFunctions(&b, run, o.Top)
		showStages(&b, run)
		showLocks(&b, run, o.Top)
		showSAs(&b, run, o.Top)
		showLines(&b, run, o.Top)
	}
	if left := len(runs) - showRuns; left > 0 {
		fmt.Fprintf(&b, "\n%d runs more: name them alone to see theirs\n", left)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// showTable writes a title and rows; more counts those left out.
func showTable(b *strings.Builder, title, head string, rows []string, more int) {
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s\n%s\n", format.ASCII(title, 100), format.ASCII(head, 100))
	for _, row := range rows {
		fmt.Fprintln(b, strings.TrimRight(format.ASCII(row, 100), " "))
	}
	if more > 0 {
		fmt.Fprintf(b, "  %d more\n", more)
	}
}

func showFunctions(b *strings.Builder, r *result.Run, top int) {
	for _, e := range r.Events {
		list := e.All.Functions
		var rows []string
		for _, f := range list[:min(top, len(list))] {
			rows = append(rows, fmt.Sprintf("%16s %14s  %s", format.ShareColumn(f.Share),
				format.CostColumn(f.PerPacket), strings.TrimSpace(format.ASCII(f.Name, 56)+" "+
					format.ASCII(format.ModuleText(f.Module), 10))))
		}
		showTable(b, fmt.Sprintf("%s: functions by self share of %s, event %s",
			view.RunLabel(r), view.Weighed(e), format.ASCII(e.Name, 30)),
			fmt.Sprintf("%16s %14s  %s", "% of "+view.Weighed(e),
				cmp.Or(format.ASCII(strings.Replace(e.All.PerPacket.Unit, "instructions", "insn", 1),
					14),
					"per packet"), "function"), rows, len(list)-len(rows))
	}
}

// showStages has the cost by stage in misses, fills and transfers.
func showStages(b *strings.Builder, r *result.Run) {
	t := view.MissStages([]*result.Run{r})
	head := ""
	for _, c := range t.Head[1:] {
		_, name, dotted := strings.Cut(c.Unit, ".") // of "ls_dmnd_fills_from_sys.near_cache:k"
		if !dotted {
			name = strings.TrimPrefix(c.Unit, bundle.SimPrefix)
		}
		head += fmt.Sprintf("%16s ", format.ASCII(name, 16))
	}
	var rows []string
	for _, row := range t.Rows {
		text := ""
		for _, c := range row[1:] {
			text += fmt.Sprintf("%16s ", format.ASCII(strings.Replace(c.Text, "–", "-", 1), 16))
		}
		rows = append(rows, text+" "+row[0].Text)
	}
	showTable(b, view.RunLabel(r)+": misses, fills and transfers by stage, per packet", head+" stage", rows, 0)
}

func showLocks(b *strings.Builder, r *result.Run, top int) {
	list := r.Locks.Rows
	var rows []string
	for _, l := range list[:min(top, len(list))] {
		rows = append(rows, fmt.Sprintf("%12s %10s %10s %10s %9s  %s", format.Count(l.Waits),
			format.Significant(float64(l.WaitNS)/1e6, 4), format.Plain(format.Of(l.P99)),
			format.Significant(float64(l.MaxNS)/1e3, 3), format.Plain(format.Of(l.Contention)),
			format.ASCII(strings.TrimSpace(view.LockName(l)+" "+l.Lock), 42)))
	}
	showTable(b, fmt.Sprintf("%s: locks by time waited, by the wait probe (%s)", view.RunLabel(r),
		format.OrUnknown(format.ASCII(r.Locks.AttachMode, 20))),
		fmt.Sprintf("%12s %10s %10s %10s %9s  %s", "waits", "ms", "p99 ns", "max us", "% waited", "lock"),
		rows, len(list)-len(rows))
}

func showSAs(b *strings.Builder, r *result.Run, top int) {
	list := r.SAs
	var rows []string
	for _, s := range list[:min(top, len(list))] {
		direction, cpu := "in", "any"
		if s.Outbound {
			direction = "out"
		}
		if s.PCPU != nil {
			cpu = fmt.Sprint(*s.PCPU)
		}
		packets := format.Count(s.DeltaPackets)
		if s.Deleted {
			packets = "deleted"
		}
		rows = append(rows, fmt.Sprintf("%14s %5s %5s  0x%08x  %s", packets, direction, cpu, s.SPI,
			format.ASCII(s.Src, 26)+" -> "+format.ASCII(s.Dst, 26)))
	}
	showTable(b, view.RunLabel(r)+": packets by SA", fmt.Sprintf("%14s %5s %5s  %-10s  %s", "packets", "", "CPU",
		"SPI", "from -> to"), rows, len(list)-len(rows))
}

// FindDigest returns the digest in a text, a mail for example, without the signs
// of quotation before its lines; ok is false if it holds none. Digests of earlier
// versions began with the command, and nothing told their end.
func FindDigest(text string) (mail string, ok bool) {
	rows := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	for i, line := range rows {
		at := strings.Index(line, "xfrmscope")
		if at < 0 {
			continue
		}
		found := unquoted(rows[i:], line[:at])
		earlier := strings.HasPrefix(line[at:], "xfrmscope report: ") ||
			strings.HasPrefix(line[at:], "xfrmscope compare: ")
		if end := endOf(found); strings.HasPrefix(line[at:], opening) && end > 0 {
			found = found[:end]
		} else if !earlier {
			continue
		}
		return strings.TrimRight(strings.Join(found, "\n"), "\n ") + "\n", true
	}
	return "", false
}

// unquoted are the lines of a digest that begin with the same signs of quotation.
func unquoted(rows []string, prefix string) []string {
	var out []string
	for _, line := range rows[:min(len(rows), digestLines)] {
		body, quoted := strings.CutPrefix(line, prefix)
		if !quoted && strings.TrimSpace(line) != strings.TrimSpace(prefix) {
			break
		}
		if !quoted {
			body = ""
		}
		out = append(out, format.ASCII(body, digestColumns))
	}
	return out
}

// endOf is the number of lines up to the end of what makes a digest again, 0 if no
// line says it.
func endOf(lines []string) int {
	at := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, again) })
	if at < 0 {
		return 0
	}
	for at++; at < len(lines); at++ {
		if l := lines[at]; !strings.HasPrefix(l, "  ") && !strings.HasPrefix(l, loaded) &&
			!strings.HasPrefix(l, cut) {
			break
		}
	}
	return at
}
