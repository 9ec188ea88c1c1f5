# make demo    build, and report on the embedded samples into out/demo
# make test    the tests
# make help    the rest
SHELL = /bin/bash
BIN   = xfrmscope
ARM64 = ./... # packages whose tests make arm64 runs

.PHONY: help build demo test long-test browser-test check race stats generate golden bench bench-flame lab setup lab-test faults scale bench-probes arm64 package
help:
	@echo "build     $(BIN), a static binary"
	@echo "demo      report on the embedded samples into out/demo"
	@echo "test      the tests, as root also those that record on this machine"
	@echo "long-test  what is left out of it: memory of some 60 bombs, a collector of OpenTelemetry"
	@echo "browser-test  the report in Chromium, screenshots in out/shots"
	@echo "check     gofmt, vet, staticcheck, house rules, stats, generated code and golden files up to date"
	@echo "race      the tests under the race detector"
	@echo "stats     how often tests and intervals err, in 2000 simulated comparisons each"
	@echo "arm64     the tests built for arm64, under user-mode emulation"
	@echo "package   Debian packages for amd64 and arm64 into out/deb"
	@echo "generate  rebuild the eBPF objects (clang 14)"
	@echo "golden    rewrite the golden files; read the diff"
	@echo "bench     what reading a recording of 800 MB costs, beside perf script"
	@echo "bench-probes  what the wait probe adds to a wait, beside perf and bpftrace"
	@echo "faults    break sweeps and bundles in every way there is, in full"
	@echo "scale     what a sweep of 1,000 runs on 64 CPUs costs to report"
	@echo "lab-test  the collector on kernels that have IPsec, in virtual machines"
	@echo "bench-flame  what a flame graph of 200 000 stacks costs, beside flamegraph.pl"
	@echo "lab       record samples/ again in a virtual machine (samples/lab/README.md)"
	@echo "setup     what the targets above need (Debian packages, as root)"

build:
	@.ci/setup build
	CGO_ENABLED=0 go build -trimpath -o $(BIN) ./cmd/xfrmscope

demo: build
	rm -rf out/demo
	./$(BIN) report sample:simulated -o out/demo
	./$(BIN) report sample:shared sample:pcpu -o out/demo/locks
	@cat out/demo/digest.txt

test:
	@.ci/test

long-test:
	@.ci/setup test
	XFRMSCOPE_LONG=1 go test -vet=off -count=1 -run '^(TestMemory|TestOTLPCollector)$$' ./cmd/xfrmscope ./reports/push

browser-test:
	@.ci/setup test
	XFRMSCOPE_SHOTS=$(CURDIR)/out/shots go test ./reports -run 'Browser|Chromium|Page' -count 1 -v

race:
	@.ci/race

stats:
	@XFRMSCOPE_TRIALS=2000 go test -count=1 -timeout 30m -v -run Simulated ./analyze/compare ./analyze/scaling | grep -v "^=== "; exit $${PIPESTATUS[0]}

arm64:
	@.ci/setup arm64
	CGO_ENABLED=0 GOARCH=arm64 go vet ./...
	CGO_ENABLED=0 GOARCH=arm64 go test -vet=off -short -exec qemu-aarch64-static $(ARM64)

package:
	@.ci/setup package
	.ci/package

check:
	@.ci/setup check
	.ci/check

generate:
	@.ci/setup check
	go generate ./bpf

golden:
	.ci/golden

bench:
	analyze/profile/bench.sh

bench-probes:
	@.ci/setup bench
	collect/selftest/bench.sh

faults:
	@.ci/setup test
	XFRMSCOPE_FAULTS=full go test -count=1 -timeout 180m -v -run 'Fault|Mutants' ./cmd/xfrmscope

scale:
	XFRMSCOPE_SCALE=1000 go test -count=1 -timeout 30m -v -run TestScale ./cmd/xfrmscope

lab-test:
	samples/lab/test

bench-flame:
	@.ci/setup test
	@XFRMSCOPE_BENCH=1 go test ./reports -run TestBenchFlame -count 1 -v | grep -v "^[=-]"

lab:
	samples/lab/record

setup:
	@.ci/setup test check
