package perfdata

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the table in README.md")

// The table stands between these lines of README.md.
const (
	tableBegin = "<!-- table: go test -run TestTable -update -->\n"
	tableEnd   = "<!-- end of table -->\n"
)

// A tableRow is what one fixture reads as.
type tableRow struct {
	fixture       fixture
	numbers, perf string
}

// numbersOf describes a recording: form, recorder, samples, frames, events.
func numbersOf(t testing.TB, fixture fixture) string {
	t.Helper()
	f := openBytes(t, fixture.data)
	perEvent := make([]int, len(f.Events))
	samples, frames := 0, 0
	stats, err := f.eachSample(context.Background(), func(s *Sample) error {
		perEvent[s.Event.Index]++
		samples++
		frames += frameCount(s.Chain)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	form := "file"
	if f.pipe != nil {
		form = "pipe"
	}
	if f.streams[0].compressed {
		form += " -z"
	}
	var events []string
	for _, e := range f.Events {
		if !e.IsDummy() {
			events = append(events, fmt.Sprintf("%s %d", e.Name, perEvent[e.Index]))
		}
	}
	records := uint64(0)
	for _, n := range f.counts(t) {
		records += n
	}
	bad := stats.Undecodable + stats.UnknownEvent
	return fmt.Sprintf("%s | %d | %d | %d | %s | %d | %d", form, f.Events[0].attr.Size, records, samples,
		strings.Join(events, ", "), frames, bad)
}

// TestTable keeps the table of README.md true. With -update it asks the
// installed perf again.
func TestTable(t *testing.T) {
	fixtures(t) // skips without
	var rows []tableRow
	for _, fixture := range fixturesBelow(t, fixtureRoot) {
		row := tableRow{fixture: fixture, numbers: numbersOf(t, fixture)}
		if *update {
			needPerf(t)
			row.perf = equalToPerf(t, fixture)
		}
		rows = append(rows, row)
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok1 := strings.Cut(string(readme), tableBegin)
	table, after, ok2 := strings.Cut(rest, tableEnd)
	if !ok1 || !ok2 {
		t.Fatalf("README.md has no table between %q and %q", tableBegin, tableEnd)
	}
	if *update {
		var b strings.Builder
		b.WriteString("| recording | form | attr | records | samples | of which | frames | not decoded | " +
			"equal to perf 6.1? |\n|---|---|---|---|---|---|---|---|---|\n")
		for _, r := range rows {
			fmt.Fprintf(&b, "| %s | %s | %s |\n", r.fixture.name, r.numbers, r.perf)
		}
		if err := os.WriteFile("README.md", []byte(before+tableBegin+b.String()+tableEnd+after),
			0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	for _, r := range rows {
		line := fmt.Sprintf("| %s | %s |", r.fixture.name, r.numbers)
		if !strings.Contains(table, line) {
			t.Errorf("README.md does not say\n%s", line)
		}
	}
}
