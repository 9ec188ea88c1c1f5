package top

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"xfrmscope/collect/bundle"
)

// Show prints a frame.
func (s *Screen) Show(now time.Time, f Frame) error {
	if s.Terminal == nil {
		return s.lines(now, f)
	}
	rows, columns := s.Terminal()
	var b strings.Builder
	if !s.shown {
		b.WriteString("\x1b[2J") // clear the screen
	}
	s.shown = true
	b.WriteString("\x1b[H") // home
	lines := strings.Split(strings.TrimRight(s.text(now, &f), "\n"), "\n")
	if len(lines) >= rows && rows > 2 {
		more := fmt.Sprintf("... %d lines more: choose CPUs with -C", len(lines)-rows+2)
		lines = append(lines[:rows-2], more)
	}
	for _, line := range lines {
		// ASCII; clear the rest of the line
		fmt.Fprintf(&b, "%s\x1b[K\n", plain(line[:min(len(line), max(columns, 20))]))
	}
	b.WriteString("\x1b[J") // and of the screen
	_, err := io.WriteString(s.W, b.String())
	return err
}

// plain takes out of a line what a terminal would obey: names are other people's.
func plain(line string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) || r == utf8.RuneError {
			return '?'
		}
		return r
	}, line)
}

func (s *Screen) text(now time.Time, f *Frame) string {
	var b strings.Builder
	fmt.Fprintf(&b, "xfrmscope top  %s  %s s  %s\n", now.Format("15:04:05"), s.Number(f.Seconds, "s"),
		strings.Join(f.Notes, ", "))
	outbound, inbound := 0, 0
	for _, sa := range f.SAs {
		if sa.Outbound {
			outbound++
		} else {
			inbound++
		}
	}
	fmt.Fprintf(&b, "%s packets/s by %d outbound SAs (%d inbound), fallback %s, wrong CPU %s\n\n",
		s.rate(known(f.All.Own.Value+f.All.Fallback.Value)), outbound, inbound, s.percent(f.FallbackShare),
		s.percent(f.WrongShare))
	fmt.Fprintf(&b, "%4s %10s %10s %10s %9s %9s %10s %8s %7s %6s %6s %6s\n",
		"CPU", "own/s", "fallback/s", "wrong/s", "waits/s", "wait ns/p", "received/s", "dropped", "softirq",
		"system", "user", "idle")
	for _, row := range f.Rows {
		s.row(&b, fmt.Sprint(row.CPU), row)
	}
	s.row(&b, "all", f.All)
	s.locks(&b, f)
	s.sas(&b, f)
	s.remarks(&b, f)
	return b.String()
}

func (s *Screen) row(b *strings.Builder, name string, r Row) {
	fmt.Fprintf(b, "%4s %10s %10s %10s %9s %9s %10s %8s %7s %6s %6s %6s\n", append([]any{name}, s.cells(r)...)...)
}

func (s *Screen) locks(b *strings.Builder, f *Frame) {
	if len(f.Locks) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%10s %10s %10s  %s\n", "waits/s", "wait ns/p", "ns/wait", "lock")
	for _, l := range f.Locks {
		fmt.Fprintf(b, "%10s %10s %10s  %s\n", s.Number(l.Waits, "/s"), s.number(l.WaitNS, "ns"),
			s.Number(l.MeanNS, "ns"), l)
	}
}

func (s *Screen) sas(b *strings.Builder, f *Frame) {
	if len(f.SAs) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%-10s %-3s %5s %10s %10s %8s\n", "SPI", "dir", "CPU", "packets/s", "Mbit/s", "drops/s")
	for _, sa := range f.SAs {
		mbit := Number{sa.BitsPerS.Value / 1e6, sa.BitsPerS.Known}
		fmt.Fprintf(b, "%-10s %-3s %5s %10s %10s %8s%s\n", fmt.Sprintf("%#x", sa.SPI), direction(sa), cpuOf(sa),
			s.rate(sa.Packets), s.number(mbit, "Mbit/s"), s.rate(sa.Drops), remark(sa))
	}
}

func direction(sa SARate) string {
	if sa.Outbound {
		return "out"
	}
	return "in"
}

func cpuOf(sa SARate) string {
	if sa.PCPU == nil {
		return "any"
	}
	return fmt.Sprint(*sa.PCPU)
}

func remark(sa SARate) string {
	switch {
	case sa.Larval:
		return "  larval"
	case sa.New:
		return "  new"
	}
	return ""
}

func (s *Screen) remarks(b *strings.Builder, f *Frame) {
	b.WriteString("\n")
	for _, e := range f.Errors {
		where := ""
		if e.NetNS != "" {
			where = " in " + e.NetNS
		}
		fmt.Fprintf(b, "%s%s: %s/s\n", e.Name, where, s.Number(e.PerS, "/s"))
	}
	for _, spread := range f.Spread {
		fmt.Fprintf(b, "inbound SPI %s: each move takes xfrm_state_lock\n", spread)
	}
	for _, loss := range f.Losses {
		fmt.Fprintf(b, "lost by %s since it began: %s\n", loss.Source, lossText(loss))
	}
	for _, blind := range f.Blind {
		fmt.Fprintf(b, "waits do not count %s\n", blind)
	}
	for _, u := range f.Unmeasured {
		fmt.Fprintf(b, "not measured: %s\n", u)
	}
	for _, p := range f.Problems {
		fmt.Fprintf(b, "problem: %s\n", p)
	}
}

func lossText(l bundle.Loss) string {
	if l.Of > 0 {
		return fmt.Sprintf("%d of %d %s", l.Count, l.Of, l.What)
	}
	return fmt.Sprintf("%d %s", l.Count, l.What)
}

// lines prints a frame for a file or a pipe: a line for each CPU, one for all,
// for each lock and for each SA, each with its time, under heads that are printed once.
func (s *Screen) lines(now time.Time, f Frame) error {
	var b strings.Builder
	at := now.Format("15:04:05")
	if !s.shown {
		for _, u := range f.Unmeasured {
			fmt.Fprintf(&b, "# not measured: %s\n", u)
		}
		for _, blind := range f.Blind {
			fmt.Fprintf(&b, "# waits do not count %s\n", blind)
		}
		if len(f.Notes) > 0 {
			fmt.Fprintf(&b, "# probes: %s\n", strings.Join(f.Notes, ", "))
		}
		b.WriteString("# time cpu CPU own/s fallback/s wrong/s waits/s wait_ns/packet received/s dropped/s " +
			"softirq system user idle\n")
		b.WriteString("# time lock waits/s wait_ns/packet ns/wait NAME\n")
		b.WriteString("# time sa SPI dir CPU packets/s Mbit/s drops/s\n")
	}
	s.shown = true
	cpu := func(name string, r Row) {
		fmt.Fprintf(&b, "%s cpu %s %s %s %s %s %s %s %s %s %s %s %s\n",
			append([]any{at, name}, s.cells(r)...)...)
	}
	for _, row := range f.Rows {
		cpu(fmt.Sprint(row.CPU), row)
	}
	cpu("all", f.All)
	for _, l := range f.Locks {
		fmt.Fprintf(&b, "%s lock %s %s %s %s\n", at, s.Number(l.Waits, "/s"), s.number(l.WaitNS, "ns"),
			s.Number(l.MeanNS, "ns"), l)
	}
	for _, sa := range f.SAs {
		mbit := Number{sa.BitsPerS.Value / 1e6, sa.BitsPerS.Known}
		fmt.Fprintf(&b, "%s sa %#x %s %s %s %s %s\n", at, sa.SPI, direction(sa), cpuOf(sa), s.rate(sa.Packets),
			s.number(mbit, ""), s.rate(sa.Drops))
	}
	for _, e := range f.Errors {
		fmt.Fprintf(&b, "%s error %s %s %s/s\n", at, e.Name, cmp.Or(e.NetNS, "."), s.Number(e.PerS, "/s"))
	}
	for _, sp := range f.Spread {
		fmt.Fprintf(&b, "%s spread inbound SPI %s\n", at, sp)
	}
	for _, loss := range f.Losses {
		fmt.Fprintf(&b, "%s lost %s: %s\n", at, loss.Source, lossText(loss))
	}
	for _, p := range f.Problems {
		fmt.Fprintf(&b, "%s problem %s\n", at, p)
	}
	_, err := io.WriteString(s.W, b.String())
	return err
}

// number prints a number in its unit; "-" is not measured.
func (s *Screen) number(n Number, unit string) string {
	if !n.Known {
		return "-"
	}
	return s.Number(n.Value, unit)
}

func (s *Screen) rate(n Number) string    { return s.number(n, "/s") }
func (s *Screen) percent(n Number) string { return s.number(n, "%") }

// cells are the numbers of a CPU, in the order of the heads.
func (s *Screen) cells(r Row) []any {
	return []any{
		s.rate(r.Own), s.rate(r.Fallback), s.rate(r.Wrong), s.rate(r.Waits), s.number(r.WaitNS, "ns"),
		s.rate(r.Received),
		s.rate(r.Dropped), s.percent(r.Softirq), s.percent(r.System), s.percent(r.User), s.percent(r.Idle),
	}
}
