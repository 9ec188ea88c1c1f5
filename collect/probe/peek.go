package probe

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/cilium/ebpf"

	"xfrmscope/bpf"
)

// Peek reads n words of kernel memory. Needs CAP_BPF and CAP_PERFMON, 5.10, and
// a kernel whose lockdown is less than confidentiality.
func Peek(addr uint64, n int) ([]uint64, error) {
	spec, err := bpf.LoadPeek()
	if err != nil {
		return nil, fmt.Errorf("reading the peek program: %w", err)
	}
	coll, err := ebpf.NewCollection(spec)
	if err != nil {
		return nil, fmt.Errorf("loading the peek program: %w", err)
	}
	defer coll.Close()
	var words []uint64
	for len(words) < n {
		_, err := coll.Programs[bpf.PeekProgPeek].Run(&ebpf.RunOptions{Context: addr + uint64(8*len(words))})
		if err != nil {
			return nil, fmt.Errorf("running the peek program: %w", err)
		}
		var got bpf.PeekPeeked
		if err := coll.Maps[bpf.PeekMapPeeks].Lookup(uint32(0), &got); err != nil {
			return nil, fmt.Errorf("reading what was peeked: %w", err)
		}
		if got.Error < 0 {
			return nil, errors.Join(fmt.Errorf("reading kernel memory at %#x", addr),
				syscall.Errno(-got.Error))
		}
		words = append(words, got.Words[:]...)
	}
	return words[:n], nil
}
