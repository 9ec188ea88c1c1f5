package main

import (
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"time"

	"xfrmscope/samples"
)

// A heap grows by gcPercent of what lives in it between two collections, which keeps
// that of a long recording small (analyze/profile/bench.sh measures with it), and by the
// slack at least: of many small runs the collector would otherwise take a third of the
// time. What measures takes less of the machine, and looks less often.
const (
	gcPercent  = 25
	gcSlack    = 200 << 20 // bytes
	gcMeasures = 96 << 20
)

// paceCollector keeps the collector at that, by what each collection left.
func paceCollector(args []string) {
	slack, every := uint64(gcMeasures), 100*time.Millisecond
	if len(args) > 0 && readsOnly(args[0]) {
		slack, every = gcSlack, 2*time.Millisecond
	}
	const least = 4 << 20 // what the runtime takes for the smallest heap, runtime/mgcpacer.go heapMinimum, Go 1.26
	pace := func(live uint64) { debug.SetGCPercent(max(gcPercent, int(100*slack/max(live, least)))) }
	pace(0)
	go func() {
		seen := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		for live := uint64(0); ; time.Sleep(every) {
			if metrics.Read(seen); seen[0].Value.Uint64() != live {
				live = seen[0].Value.Uint64()
				pace(live) // waits for a collection that goes on
			}
		}
	}()
}

// What a command that reads files may take: files come from other people's
// mail, and a few kB can describe gigabytes.
const (
	memoryBase   = 256 << 20
	memoryGrowth = 4        // bytes for one of the inputs
	memoryOther  = 80 << 20 // the program itself, and what the heap grows by before anybody looks
	memorySlack  = 32 << 20 // that the collector may miss its limit by
)

// readsOnly reports whether a command costs what its inputs cost.
func readsOnly(command string) bool {
	switch command {
	case "compare", "import", "list", "pack", "push", "report", "show", "verify":
		return true
	}
	return false
}

// boundMemory ends the program when reading its arguments takes more than they
// may cost: no reader can check the sizes of all that it makes of an input, nor
// what its libraries make. The collector keeps to the limit as long as it can. A
// GOMEMLIMIT from outside is the limit instead.
func boundMemory(args []string, errw io.Writer) {
	if len(args) == 0 || !readsOnly(args[0]) {
		return
	}
	why := fmt.Sprintf("256 MB and %d times their size; GOMEMLIMIT=4GiB in the environment allows more",
		memoryGrowth)
	if limit := debug.SetMemoryLimit(-1); limit < math.MaxInt64 {
		why = "what GOMEMLIMIT allows, and some more"
	} else {
		debug.SetMemoryLimit(memoryBase - memoryOther - memorySlack)
		for i, arg := range args[1:] {
			if _, value, ok := strings.Cut(arg, "="); ok {
				arg = value
			}
			if args[i] != "-o" && args[i] != "--output" {
				allowMemory(sizeOf(arg))
			}
		}
	}
	go func() {
		const all, released = "/memory/classes/total:bytes", "/memory/classes/heap/released:bytes"
		s := []metrics.Sample{{Name: all}, {Name: released}}
		for range time.Tick(2 * time.Millisecond) {
			metrics.Read(s)
			limit := debug.SetMemoryLimit(-1) + memorySlack
			if int64(s[0].Value.Uint64()-s[1].Value.Uint64()) <= limit {
				continue
			}
			fmt.Fprintf(errw,
				"xfrmscope: refused: the inputs take more than %d MB of memory, which is %s\n",
				(limit+memoryOther)>>20, why)
			removeTemporary()
			os.Exit(exitFailure)
		}
	}()
}

// allowMemory raises the limit by an input of that size.
func allowMemory(size int64) {
	if limit := debug.SetMemoryLimit(-1); size < (math.MaxInt64-limit)/memoryGrowth {
		debug.SetMemoryLimit(limit + memoryGrowth*size)
	}
}

// sizeOf returns the bytes of a file, of the files below a directory or of a
// sample's; 0 if there is none.
func sizeOf(name string) (size int64) {
	add := func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return nil
		}
		if info, err := e.Info(); err == nil {
			size += info.Size()
		}
		return nil
	}
	if sample, ok := strings.CutPrefix(name, samplePrefix); ok {
		if fsys, err := samples.Open(sample); err == nil {
			_ = fs.WalkDir(fsys, ".", add)
		}
		return size
	}
	if to, err := filepath.EvalSymlinks(name); err == nil {
		name = to
	}
	_ = filepath.WalkDir(name, add)
	return size
}
