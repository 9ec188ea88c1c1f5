package main

import (
	"os/exec"
	"strings"
	"testing"
)

// direction says, for each part of the program, what it must not reach, not
// even through another package. Nothing reaches back: cmd -> collect, analyze,
// reports; collect -> bpf; analyze -> collect/bundle;
// reports -> analyze.
var direction = []struct {
	part      string
	forbidden []string
}{
	{"xfrmscope/collect/bundle", []string{"xfrmscope/", "github.com/", "golang.org/x/", "os/exec", "net"}},
	{"xfrmscope/collect/...", []string{"xfrmscope/cmd", "xfrmscope/analyze", "xfrmscope/reports", "xfrmscope/samples", "github.com/spf13/cobra", "github.com/google/pprof"}},
	{"xfrmscope/bpf", []string{"xfrmscope/cmd", "xfrmscope/collect", "xfrmscope/analyze", "xfrmscope/reports", "xfrmscope/samples"}},
	{"xfrmscope/analyze/...", []string{"xfrmscope/cmd", "xfrmscope/collect", "xfrmscope/bpf", "xfrmscope/reports", "xfrmscope/samples", "github.com/cilium/ebpf", "github.com/spf13/cobra", "github.com/go-echarts", "os/exec", "net"}},
	{"xfrmscope/reports", []string{"xfrmscope/cmd", "xfrmscope/collect", "xfrmscope/bpf", "xfrmscope/samples", "github.com/cilium/ebpf", "github.com/spf13/cobra", "os/exec", "net"}},
	{"xfrmscope/samples", []string{"xfrmscope/", "github.com/"}},
}

func TestDirection(t *testing.T) {
	for _, d := range direction {
		for _, pkg := range goList(t, d.part) {
			for _, dep := range goList(t, "-deps", pkg) {
				if dep == pkg || allowed(dep) {
					continue
				}
				for _, f := range d.forbidden {
					if reaches(dep, f) {
						t.Errorf("%s reaches %s", pkg, dep)
					}
				}
			}
		}
	}
}

// allowed names the contract every part may use.
func allowed(dep string) bool { return dep == "xfrmscope/collect/bundle" }

// reaches reports whether dep is the forbidden package or below it.
func reaches(dep, forbidden string) bool {
	f := strings.TrimSuffix(forbidden, "/")
	return dep == f || strings.HasPrefix(dep, f+"/") && !strings.HasPrefix(dep, "net/url") && !strings.HasPrefix(dep, "net/netip")
}

func goList(t *testing.T, args ...string) []string {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list"}, args...)...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %v: %v", args, err)
	}
	return strings.Fields(string(out))
}
