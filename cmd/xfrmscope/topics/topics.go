// Package topics holds the texts of `xfrmscope help TOPIC`: what no one command
// explains. Lines that begin with xfrmscope are commands, and tested to be some.
package topics

import (
	"cmp"
	"embed"
	"fmt"
	"strings"

	"xfrmscope/analyze/metric"
	"xfrmscope/collect/doctor"
	"xfrmscope/reports/format"
)

// A Topic is a text of at most 80 columns, in ASCII.
type Topic struct{ Name, Short, Text string }

//go:embed *.txt
var texts embed.FS

// All are the topics in the order of a list.
func All() []Topic {
	var all []Topic
	for _, t := range []Topic{
		{Name: "columns", Short: "What every column of show, compare, list, top and results.csv means"},
		{Name: "ab", Short: "A patch on a gateway, A/B: boots, repeats, hours"},
		{Name: "bisect", Short: "git bisect of a slower kernel, on a simulated machine or a gateway"},
		{Name: "absent", Short: "What still works when doctor says that something is absent"},
	} {
		text, err := texts.ReadFile(t.Name + ".txt")
		if err != nil {
			panic(err) // of the embedded tree
		}
		t.Text = string(text)
		switch t.Name {
		case "columns":
			t.Text += formulas()
		case "absent":
			t.Text += options()
		}
		all = append(all, t)
	}
	return all
}

func formulas() string {
	var b strings.Builder
	for _, f := range metric.Catalogue() {
		fmt.Fprintf(&b, "  %s, %s\n", f.ID, cmp.Or(f.Unit, "in the event's unit"))
		indented(&b, f.Name+": "+f.Text+" ("+f.Source+")")
	}
	return b.String()
}

// options lists what is lost with each option of a kernel's configuration.
func options() string {
	var b strings.Builder
	for _, o := range doctor.KernelOptions() {
		value := "y"
		if o.Unset {
			value = "n"
		}
		fmt.Fprintf(&b, "  CONFIG_%s=%s\n", o.Name, value)
		indented(&b, o.Lost)
	}
	return b.String()
}

func indented(b *strings.Builder, text string) {
	const width = 80
	for _, line := range format.Wrap(text, "    ", "    ", width) {
		fmt.Fprintln(b, line)
	}
}
