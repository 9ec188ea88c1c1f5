package probe

import (
	"encoding/binary"
	"errors"
	"fmt"
	"syscall"

	"github.com/cilium/ebpf"

	"xfrmscope/bpf"
)

// Peek reads n words of kernel memory. Needs CAP_BPF and CAP_PERFMON, 5.10, and
// a kernel whose lockdown is less than confidentiality.
func Peek(addr uint64, n int) ([]uint64, error) {
	m, err := openMemory()
	if err != nil {
		return nil, err
	}
	defer m.close()
	data, err := m.read(addr, 8*n)
	if err != nil {
		return nil, err
	}
	words := make([]uint64, n)
	for i := range words {
		words[i] = binary.NativeEndian.Uint64(data[8*i:])
	}
	return words, nil
}

// A memory is the kernel's, read by a program.
type memory struct{ coll *ebpf.Collection }

func openMemory() (*memory, error) {
	spec, err := bpf.LoadPeek()
	if err != nil {
		return nil, fmt.Errorf("reading the peek program: %w", err)
	}
	coll, err := ebpf.NewCollection(spec)
	if err != nil {
		return nil, fmt.Errorf("loading the peek program: %w", Attempt{RawTP, err})
	}
	return &memory{coll}, nil
}

func (m *memory) close() { m.coll.Close() }

// read reads size bytes.
func (m *memory) read(addr uint64, size int) ([]byte, error) {
	var data []byte
	for len(data) < size {
		at := addr + uint64(len(data))
		if _, err := m.coll.Programs[bpf.PeekProgPeek].Run(&ebpf.RunOptions{Context: at}); err != nil {
			return nil, fmt.Errorf("running the peek program: %w", err)
		}
		var got bpf.PeekPeeked
		if err := m.coll.Maps[bpf.PeekMapPeeks].Lookup(uint32(0), &got); err != nil {
			return nil, fmt.Errorf("reading what was peeked: %w", err)
		}
		if got.Error < 0 {
			return nil, errors.Join(fmt.Errorf("reading kernel memory at %#x", at),
				syscall.Errno(-got.Error))
		}
		for _, word := range got.Words {
			data = binary.NativeEndian.AppendUint64(data, word)
		}
	}
	return data[:size], nil
}
