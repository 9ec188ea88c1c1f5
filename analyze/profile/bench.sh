#!/bin/sh
# Prints what reading a big recording costs, against perf script and a plain
# read of the file. Makes the recording, of at least 800 MB, if FILE is not
# there: a Go build with a cold cache, iperf3 over loopback and perf bench sched
# messaging, at 25 kHz on all CPUs. Needs root and perf; takes some minutes.
#
# usage: bench.sh [FILE]
set -eu
cd "$(dirname "$0")"
file=${1:-${TMPDIR:-/tmp}/xfrmscope-bench.data}

load() {
	GOCACHE=$(mktemp -d)
	export GOCACHE
	trap 'rm -rf "$GOCACHE"' EXIT
	if command -v iperf3 >/dev/null; then
		iperf3 -s -1 -p 5301 >/dev/null 2>&1 &
		sleep 0.2
		iperf3 -c 127.0.0.1 -p 5301 -t "$1" >/dev/null 2>&1 &
	fi
	timeout "$1" perf bench sched messaging -l 1000000 -g 5 >/dev/null 2>&1 &
	(cd "$(go env GOROOT)/src" && timeout "$1" go build std >/dev/null 2>&1) || true
	wait
}

if [ "${1:-}" = load ]; then
	load "$2"
	exit 0
fi
if [ ! -s "$file" ]; then
	echo "recording $file" >&2
	perf record -q -m 16M -e cpu-clock -F 25000 -a -g -o "$file" -- ./bench.sh load 100
	cat /proc/kallsyms >"$file.kallsyms"
fi
kallsyms=$file.kallsyms
[ -s "$kallsyms" ] || kallsyms=/proc/kallsyms
cat "$file" >/dev/null # into the page cache
exec go test -v -count=1 -timeout 30m -run '^TestBenchTable$' . -args -recording "$file" -kallsyms "$kallsyms"
