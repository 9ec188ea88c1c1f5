// Package perf drives the perf program: which events it can open, and a perf
// record whose window is opened and shut from outside.
//
//	Find -> Resolve(events, tool.Try) -> Argv -> Start -> Enable .. Disable -> Stop -> KernelWords
package perf

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"xfrmscope/collect/bundle"
)

// ErrNotFound is matched by Find's error if there is no perf on the PATH.
var ErrNotFound = errors.New("there is no perf program on the PATH")

// ErrTooOld is matched by Find's error if perf cannot be controlled from
// outside while it records.
var ErrTooOld = errors.New("perf is older than 5.12 and has no `stop` in its --control")

// A Tool is a perf program.
type Tool struct {
	Path    string
	Version string // "6.1.192"
	Zstd    bool   // built with zstd: perf record -z works
}

// Find looks for perf on the PATH, or takes the program named by path.
func Find(ctx context.Context, path string) (*Tool, error) {
	if path == "" {
		found, err := exec.LookPath("perf")
		if err != nil {
			return nil, fmt.Errorf("%w (%w)", ErrNotFound, err)
		}
		path = found
	}
	out, err := answer(ctx, path, "version", "--build-options")
	version, ok := parseVersion(out)
	if err != nil || !ok {
		// Ubuntu's /usr/bin/perf is a script that wants another package.
		return nil, fmt.Errorf("%w: %s answers %q", ErrNotFound, path, refusal(out).Error())
	}
	t := &Tool{Path: path, Version: version, Zstd: hasZstd(out)}
	if !atLeast(version, 5, 12) {
		return nil, fmt.Errorf("%w: %s is %s", ErrTooOld, path, version)
	}
	return t, nil
}

// answerTimeout is how long a perf that measures nothing may take.
const answerTimeout = 30 * time.Second

// answer runs perf to its end, without the user's configuration, in English, and
// returns what it prints. One that is stuck is killed, and what it started left.
func answer(ctx context.Context, path string, args ...string) (string, error) {
	limited, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	cmd := exec.CommandContext(limited, path, args...)
	cmd.Env, cmd.WaitDelay = append(os.Environ(), environment()...), time.Second
	out, err := cmd.CombinedOutput()
	if limited.Err() != nil && ctx.Err() == nil {
		return fmt.Sprintf("`perf %s` did not end within %s", args[0], answerTimeout), limited.Err()
	}
	return string(out), err
}

func environment() []string { return []string{"LC_ALL=C", "PERF_CONFIG=/dev/null"} }

func parseVersion(out string) (string, bool) {
	for line := range strings.Lines(out) {
		if version, ok := strings.CutPrefix(line, "perf version "); ok {
			return strings.TrimSpace(version), true
		}
	}
	return "", false
}

// atLeast compares the first two numbers of a version; one that has none is
// taken for new.
func atLeast(version string, major, minor int) bool {
	var x, y int
	if n, _ := fmt.Sscanf(version, "%d.%d", &x, &y); n != 2 {
		return true
	}
	return x > major || x == major && y >= minor
}

// hasZstd reads `perf version --build-options` (tools/perf/builtin-version.c).
func hasZstd(out string) bool {
	for line := range strings.Lines(out) {
		name, state, ok := strings.Cut(line, ":")
		if ok && strings.TrimSpace(name) == "zstd" {
			return strings.Contains(strings.ToLower(state), "on")
		}
	}
	return false
}

// Try reports why an event cannot be sampled on a CPU, nil if it can. Counting
// is tried first: perf record silently samples cpu-clock where cycles do not
// open (tools/perf/util/evsel.c evsel__fallback, 6.1).
func (t *Tool) Try(ctx context.Context, event string, cpu int) error {
	cpus := bundle.CPUSet{cpu}.String()
	out, err := answer(ctx, t.Path, "stat", "-x", ",", "-C", cpus, "-e", event, "--", "true")
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return refusal(out)
	}
	if strings.Contains(out, "<not supported>") {
		return unsupported("not supported here")
	}
	return nil
}

// TrySampling reports why perf record refuses the options, nil if it does not.
func (t *Tool) TrySampling(ctx context.Context, opt Options) error {
	opt.Output = os.DevNull
	args := append(t.recordArgs(opt)[1:], "--", "true")
	out, err := answer(ctx, t.Path, args...)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return refusal(out)
	}
	return nil
}

// unsupported is why perf does not open an event for which the machine has no
// counter: an errors.ErrUnsupported.
type unsupported string

func (u unsupported) Error() string { return string(u) }

func (unsupported) Is(target error) bool { return target == errors.ErrUnsupported }

// refusal picks the sentence out of perf's error message.
func refusal(out string) error {
	first := ""
	for line := range strings.Lines(out) {
		line = strings.TrimSpace(line)
		switch {
		case line == "", line == "Error:", strings.HasPrefix(line, "WARNING"),
			line == "No supported events found.":
		case strings.Contains(line, "not supported"):
			return unsupported(line)
		case strings.Contains(line, "syntax error"):
			return errors.New(line)
		case first == "":
			first = line
		}
	}
	if first == "" {
		return errors.New("perf gives no reason")
	}
	return errors.New(first)
}
