package main

import (
	"encoding/csv"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"xfrmscope/analyze/metric"
	"xfrmscope/cmd/xfrmscope/topics"
	"xfrmscope/collect/bundle"
	"xfrmscope/collect/top"
	"xfrmscope/reports"
	"xfrmscope/reports/format"
)

// A topic is printed as it is, fits a terminal, and is found by who looks for it.
func TestTopics(t *testing.T) {
	_, list, _ := cli("--help")
	_, list, _ = strings.Cut(list, "Additional help topics:\n")
	readme := readFile(t, "../../README.md")
	for _, topic := range topics.All() {
		for _, args := range [][]string{{"help", topic.Name}, {topic.Name}, {topic.Name, "--help"}} {
			if code, stdout, stderr := cli(args...); code != exitOK || stderr != "" ||
				strings.TrimSpace(stdout) != strings.TrimSpace(topic.Text) {
				t.Errorf("%q: exit %d: %s%s", args, code, stderr, stdout)
			}
		}
		if !strings.Contains(list, "  xfrmscope "+topic.Name+" ") {
			t.Errorf("--help does not list %s:\n%s", topic.Name, list)
		}
		if !strings.Contains(readme, "xfrmscope help "+topic.Name) {
			t.Errorf("README.md does not name `xfrmscope help %s`", topic.Name)
		}
		for line := range strings.Lines(topic.Text) {
			line = strings.TrimSuffix(line, "\n")
			if len(line) > 80 || format.ASCII(line, 80) != line {
				t.Errorf("%s: not of 80 columns of ASCII: %s", topic.Name, line)
			}
		}
	}
}

// Each command line that a topic, a help or README.md shows is one.
func TestShownCommandsParse(t *testing.T) {
	blocks := strings.Split(readFile(t, "../../README.md"), "```\n")
	for i := 1; i < len(blocks); i += 2 { // indented, as all others are
		blocks[i] = "  " + strings.ReplaceAll(blocks[i], "\n", "\n  ")
	}
	texts := map[string]string{"README.md": strings.Join(blocks, "\n")}
	for _, c := range commands(newRoot(streams{})) {
		texts[c.CommandPath()] = c.Long + "\n" + c.Example
	}
	shown := 0
	for where, text := range texts {
		for _, line := range commandLines(text) {
			shown++
			if err := parseOnly(line); err != nil {
				t.Errorf("%s: xfrmscope %q: %v", where, line, err)
			}
		}
	}
	if shown < 100 {
		t.Errorf("%d command lines were found, want at least 100", shown)
	}
}

var shownCommand = regexp.MustCompile("(?m)^ +(?:\\./)?xfrmscope (.*)|`(?:\\./)?xfrmscope ([^`]*)`")

// commandLines returns the arguments of each command line in a text: of a line of
// its own, or in backquotes.
func commandLines(text string) [][]string {
	var all [][]string
	for _, m := range shownCommand.FindAllStringSubmatch(strings.ReplaceAll(text, "\\\n", " "), -1) {
		if args := shellWords(m[1] + m[2]); args != nil {
			all = append(all, args)
		}
	}
	return all
}

var shellWord = regexp.MustCompile(`^(?:'[^']*'|"[^"]*"|\$\([^)]*\)|[^\s'"|;<>&#])+`)

// shellWords splits a command up to what the shell reads itself. Quotes are taken
// off, and nothing is put in.
func shellWords(line string) (words []string) {
	for {
		line = strings.TrimLeft(line, " \t\n")
		word := shellWord.FindString(line)
		if word == "" {
			return words
		}
		words, line = append(words, strings.NewReplacer("'", "", `"`, "").Replace(word)), line[len(word):]
	}
}

// parseOnly says what is wrong with a command line that is not run.
func parseOnly(args []string) error {
	root := newRoot(streams{})
	if err := knownCommand(root, args); err != nil {
		return err
	}
	cmd, rest, err := root.Find(args)
	if err != nil {
		return err
	}
	cmd.InitDefaultHelpFlag()
	cmd.InitDefaultVersionFlag()
	if err := cmd.ParseFlags(rest); err != nil || cmd.Name() == "help" {
		if errors.Is(err, pflag.ErrHelp) {
			return nil
		}
		return err
	}
	if help, _ := cmd.Flags().GetBool("help"); help || len(cmd.Flags().Args()) == 0 {
		return nil // asked for, or named in a sentence
	}
	return cmd.ValidateArgs(cmd.Flags().Args())
}

var (
	gaps   = regexp.MustCompile(`\s{2,}`)
	noted  = regexp.MustCompile(` \[\d\]`)
	unitOf = regexp.MustCompile(`\b(ns|cycles|insn|events)/packet`)
)

// columnTopic returns the columns that `help columns` explains, by table: what stands
// in the columns 3 to 18 of its lines.
func columnTopic(t *testing.T) map[string][]string {
	t.Helper()
	_, text, _ := cli("help", "columns")
	text, _, _ = strings.Cut(text, "\nFormulas, by metric\n")
	tables := map[string][]string{}
	for part := range strings.SplitSeq(text, "\n\n") {
		title, rows, _ := strings.Cut(part, "\n")
		title, _, _ = strings.Cut(title, ": a ")
		for row := range strings.Lines(rows) {
			if len(row) > 18 && row[:2] == "  " && row[2] != ' ' {
				tables[title] = append(tables[title], strings.TrimSpace(row[:18]))
			}
		}
	}
	return tables
}

// Every column that a command prints is explained, and no other is.
func TestColumns(t *testing.T) {
	printed := map[string]map[string]bool{}
	add := func(table string, heads ...string) {
		if printed[table] == nil {
			printed[table] = map[string]bool{}
		}
		for _, head := range heads {
			if head = strings.TrimSpace(unitOf.ReplaceAllString(noted.ReplaceAllString(head, ""),
				"UNIT/packet")); head != "" {
				printed[table][head] = true
			}
		}
	}
	dir, kinds := t.TempDir(), inputKinds(t)
	input := func(name string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, kinds[name], 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, args := range map[string][]string{
		"one run":    {"show", filepath.Join(sampleDir(t, "pcpu"), "n4")},
		"modes":      {"show", "sample:shared", "sample:pcpu"},
		"four modes": append([]string{"show"}, fourModes(t)...),
		"simulated":  {"show", "sample:simulated"},
		"sides":      {"compare", "sample:shared", "sample:pcpu"},
		"list":       {"list", "sample:shared"},
		"files":      {"show", input("a.folded"), input("a.script")},
		"TRex":       {"show", input("trex.csv"), "--label", "mode=a"},
		"no mode":    {"show", input("trex.csv"), input("iperf3.json")},
		"iperf3":     {"show", input("iperf3.json")},
	} {
		code, stdout, stderr := cli(args...)
		if code != exitOK {
			t.Fatalf("%s: %s", name, stderr)
		}
		if name == "list" {
			head, _, _ := strings.Cut(stdout, "\n")
			add("list", gaps.Split(head, -1)...)
			continue
		}
		shownColumns(t, name, stdout, add)
	}
	csvColumns(t, add)
	topColumns(t, add)
	for table, names := range columnTopic(t) {
		if strings.HasPrefix(table, "compare --ktap") {
			continue // its words are KTAP's
		}
		for _, name := range names {
			if !printed[table][name] && name != "(direction)" {
				t.Errorf("help columns explains %q of %s, which has %q", name, table,
					slices.Sorted(maps.Keys(printed[table])))
			}
			delete(printed[table], name)
		}
	}
	for table, names := range printed {
		for name := range names {
			t.Errorf("help columns does not explain %q of %s", name, table)
		}
	}
}

// shownColumns finds the heads in what show prints: of the digest, whose table is the
// third paragraph, and of the tables after it.
func shownColumns(t *testing.T, name, text string, add func(string, ...string)) {
	t.Helper()
	parts := strings.Split(strings.TrimRight(text, "\n"), "\n\n")
	if len(parts) < 4 {
		t.Fatalf("%s: no digest in\n%s", name, text)
	}
	lines := strings.Split(parts[2], "\n")
	top := strings.TrimSpace(lines[0])
	const digest = "digest, show, compare"
	if !strings.HasPrefix(lines[0], "   ") { // of one side
		heads := gaps.Split(top, -1)
		add(digest, append(strings.Split(heads[0], ", "), heads[1:]...)...)
	} else {
		add(digest, gaps.Split(top, -1)...)
		for i, word := range gaps.Split(strings.TrimSpace(lines[1]), -1) {
			if i == 0 {
				add(digest, strings.Split(word, ", ")...)
			} else if !slices.Contains([]string{"shared", "pcpu", "plain", "before", "after"}, word) {
				add(digest, word)
			}
		}
	}
	for _, part := range parts[3:] {
		lines := strings.Split(part, "\n")
		for table, title := range map[string]string{"show: functions": ": functions by self share",
			"show: locks, by the wait probe":                         ": locks by time waited",
			"show: packets by SA":                                    ": packets by SA",
			"show: cache lines moved":                                ": cache lines moved",
			"show: misses, fills and transfers by stage, per packet": ": misses, fills and transfers"} {
			if strings.Contains(lines[0], title) {
				add(table, gaps.Split(strings.TrimSpace(lines[1]), -1)...)
				part = ""
			}
		}
		if strings.Contains(strings.Split(part, "\n")[0], " N=") && !strings.Contains(part, "Again: ") {
			t.Errorf("%s: a table that help columns does not know:\n%s", name, part)
		}
	}
}

// csvColumns adds the columns of results.csv, and the metrics in it that have no
// formula.
func csvColumns(t *testing.T, add func(string, ...string)) {
	t.Helper()
	known := map[string]bool{"packets": false} // of an SA it is a count
	for _, f := range metric.Catalogue() {
		known[f.ID] = f.ID != metric.PacketsID
	}
	for _, sample := range []string{"pcpu", "simulated"} {
		r, err := analyzePaths(t.Context(), []string{"sample:" + sample}, readOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var text strings.Builder
		if err := reports.CSV(&text, r); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(strings.NewReader(text.String())).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		add("results.csv", rows[0]...)
		at := slices.Index(rows[0], "metric")
		for _, row := range rows[1:] {
			if !known[row[at]] {
				add("results.csv: metrics that are plain sums or counts", row[at])
			}
		}
	}
}

// topColumns adds the heads of top on a terminal. Those of a file are the same words,
// or stand beside them in brackets.
func topColumns(t *testing.T, add func(string, ...string)) {
	t.Helper()
	frame := top.Frame{Rows: []top.Row{{}}, Locks: []top.LockRate{{}}, SAs: []top.SARate{{}}}
	var screen, file strings.Builder
	size := func() (rows, columns int) { return 99, 200 }
	onScreen := top.Screen{W: &screen, Number: format.Terminal, Terminal: size}
	inFile := top.Screen{W: &file, Number: format.Terminal}
	if err := errors.Join(onScreen.Show(time.Time{}, frame), inFile.Show(time.Time{}, frame)); err != nil {
		t.Fatal(err)
	}
	const rows, rest = "top", "top: locks and SAs"
	words := func(line string) []string {
		list := strings.Fields(strings.Replace(line, "wait ns/p", "wait_ns/p", 1))
		for i := range list {
			list[i] = strings.Replace(list[i], "_", " ", 1)
		}
		return list
	}
	for line := range strings.Lines(strings.ReplaceAll(screen.String(), "\x1b[K", "")) {
		line = strings.TrimSpace(line)
		switch first, _, _ := strings.Cut(line, " "); first {
		case "CPU":
			add(rows, words(line)...)
		case "waits/s", "SPI":
			add(rest, words(line)...)
		}
	}
	add(rest, "time")
	_, text, _ := cli("help", "columns")
	for line := range strings.Lines(file.String()) {
		head, ok := strings.CutPrefix(line, "# time ")
		if !ok {
			continue
		}
		for _, word := range strings.Fields(head)[1:] {
			if !strings.Contains(text, word) {
				t.Errorf("help columns does not name %q of top in a file", word)
			}
		}
	}
}

// fourModes are runs of more modes than stand beside each other.
func fourModes(t *testing.T) (runs []string) {
	t.Helper()
	for _, mode := range []string{"a", "b", "c", "d"} {
		run := filepath.Join(sampleDir(t, "pcpu"), "n1")
		err := bundle.Amend(run, func(m *bundle.Manifest) { m.Plan.Labels[bundle.LabelMode] = mode })
		if err != nil {
			t.Fatal(err)
		}
		runs = append(runs, run)
	}
	return runs
}
