// Xfrmscope says why IPsec does not scale across CPUs. A command is a file of
// this package: its flags, what they mean, and what is printed; what it does is
// done by other packages.
//
//	doctor, top, selftest     collect/doctor, top, selftest -> text
//	scenario                  collect/scenario -> YAML
//	record, sweep (, agent)   collect/record, sweep (, remote) -> bundles
//	import                    analyze/importer -> bundles
//	report, show, compare,
//	verify, push              bundles -> analyze -> reports
//	list, pack                collect/bundle, pack
//
// main.go handles signals, root.go builds the commands and runs one, open.go finds
// what a path names, exit.go chooses the exit code, terminal.go keeps the names
// that others gave from commanding a terminal, memory.go bounds what files cost.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"
)

// gcPercent keeps the heap of a long recording small; analyze/profile/bench.sh
// measures with it. A small heap may grow by gcSlack all the same: many small
// runs would otherwise spend a third of the time in the collector.
const (
	gcPercent = 25
	gcSlack   = 160 << 20 // bytes
)

func main() {
	debug.SetGCPercent(gcPercent)
	// Memory that is never touched takes address space, and counts as heap.
	ballast := make([]byte, gcSlack*100/gcPercent)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	boundMemory(os.Args[1:], int64(len(ballast)), os.Stderr)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	runtime.KeepAlive(ballast)
	os.Exit(code)
}
