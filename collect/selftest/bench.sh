#!/usr/bin/env bash
# What each observer adds to a contended wait, in ns, on this kernel and in turn:
# the wait probe by each rung, `perf lock contention -b` by lock and by caller,
# and a bpftrace script. Builds xfrmscope; needs root. An observer that is not
# installed, or whose perf was built without BPF skeletons, is named in the table.
# usage: bench.sh [REPEATS [WINDOW]]      PERF=/path/to/perf names another perf
set -euo pipefail
cd "$(dirname "$0")/../.."
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT
perf=${PERF:-perf}

CGO_ENABLED=0 go build -trimpath -o "$dir/xfrmscope" ./cmd/xfrmscope
cat > "$dir/lock.bt" <<'BT'
tracepoint:lock:contention_begin { @begin[tid] = nsecs; }
tracepoint:lock:contention_end /@begin[tid]/ { @ns = hist(nsecs - @begin[tid]); delete(@begin[tid]); }
BT
# Both tools look for tracefs, which is not mounted everywhere: here it is, for them alone.
see="unshare -m sh -c 'mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing; exec \"\$@\"' -"
"$dir/xfrmscope" selftest lock --cost --rounds "${1:-9}" --window "${2:-100ms}" \
  --beside "perf lock contention -b, by lock=$see $perf lock contention -a -b -l -- sleep 1000" \
  --beside "perf lock contention -b, by caller=$see $perf lock contention -a -b -- sleep 1000" \
  --beside "bpftrace, a hash by thread=$see bpftrace $dir/lock.bt"
