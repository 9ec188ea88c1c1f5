package lab

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// The guest's memory is a file of the host's. The guest leaves what it has to say
// in pages of it, and one page that tells which: it starts with the mark, then
// come the length of the message, and the frame numbers of the pages of indexes,
// each of which holds frame numbers of the message's pages.
const (
	pageSize = 4096
	markSize = sha256.Size
	perIndex = pageSize / 8
)

// mark is not a constant, which every copy of this program in memory would hold.
func mark() []byte {
	sum := sha256.Sum256([]byte("xfrmscope lab: a message to the host"))
	return sum[:]
}

// A ram is a guest's memory.
type ram struct {
	file *os.File
	mem  []byte
}

func newRAM(size int) (*ram, error) {
	fd, err := unix.MemfdCreate("xfrmscope-lab", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("memory of the guest: %w", err)
	}
	r := &ram{file: os.NewFile(uintptr(fd), "the guest's memory")}
	if err := r.file.Truncate(int64(size)); err != nil {
		r.file.Close()
		return nil, fmt.Errorf("memory of the guest: %w", err)
	}
	if r.mem, err = unix.Mmap(fd, 0, size, unix.PROT_READ, unix.MAP_SHARED); err != nil {
		r.file.Close()
		return nil, fmt.Errorf("memory of the guest: %w", err)
	}
	return r, nil
}

func (r *ram) close() {
	_ = unix.Munmap(r.mem)
	r.file.Close()
}

var errNoMessage = errors.New("the guest left no message")

// message returns what the guest left.
func (r *ram) message() ([]byte, error) {
	mark := mark()
	for at := 0; at < len(r.mem); at += pageSize {
		if bytes.HasPrefix(r.mem[at:], mark) {
			return r.collect(r.mem[at+markSize : at+pageSize])
		}
	}
	return nil, errNoMessage
}

func (r *ram) collect(head []byte) ([]byte, error) {
	word := func(b []byte, i int) uint64 { return binary.LittleEndian.Uint64(b[8*i:]) }
	size := word(head, 0)
	if size > uint64(len(r.mem)) {
		return nil, fmt.Errorf("the guest's message of %d bytes is larger than its memory", size)
	}
	page := func(frame uint64) ([]byte, error) {
		if frame >= uint64(len(r.mem)/pageSize) {
			return nil, fmt.Errorf("the guest's message is in page %#x, outside its memory", frame)
		}
		return r.mem[frame*pageSize : (frame+1)*pageSize], nil
	}
	out := make([]byte, 0, size)
	for n := 0; uint64(len(out)) < size; n++ {
		index, err := page(word(head, 1+n/perIndex))
		if err != nil {
			return nil, err
		}
		p, err := page(word(index, n%perIndex))
		if err != nil {
			return nil, err
		}
		out = append(out, p[:min(pageSize, size-uint64(len(out)))]...)
	}
	return out, nil
}

// leave is the guest's side: it puts the message where the host finds it.
func leave(message []byte) error {
	pages := (len(message) + pageSize - 1) / pageSize
	indexes := (pages + perIndex - 1) / perIndex
	if indexes > (pageSize-markSize)/8-1 {
		return fmt.Errorf("a message of %d bytes is too large", len(message))
	}
	mem, err := unix.Mmap(-1, 0, (1+indexes+pages)*pageSize, unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_POPULATE|unix.MAP_LOCKED)
	if err != nil {
		return err
	}
	copy(mem[(1+indexes)*pageSize:], message)
	frames, err := frameNumbers(mem)
	if err != nil {
		return err
	}
	for i := range pages {
		binary.LittleEndian.PutUint64(mem[pageSize+8*i:], frames[1+indexes+i])
	}
	head := mem[markSize:pageSize]
	binary.LittleEndian.PutUint64(head, uint64(len(message)))
	for i := range indexes {
		binary.LittleEndian.PutUint64(head[8+8*i:], frames[1+i])
	}
	copy(mem, mark())
	return nil
}

// frameNumbers returns the physical page behind each page of mem, which is locked
// (Documentation/admin-guide/mm/pagemap.rst, 7.3).
func frameNumbers(mem []byte) ([]uint64, error) {
	f, err := os.Open("/proc/self/pagemap")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	raw := make([]byte, 8*len(mem)/pageSize)
	if _, err := f.ReadAt(raw, int64(addressOf(mem)/pageSize*8)); err != nil {
		return nil, fmt.Errorf("/proc/self/pagemap: %w", err)
	}
	frames := make([]uint64, len(raw)/8)
	for i := range frames {
		entry := binary.LittleEndian.Uint64(raw[8*i:])
		if frames[i] = entry & (1<<55 - 1); entry>>63 == 0 || frames[i] == 0 {
			return nil, errors.New("/proc/self/pagemap tells nothing: CONFIG_PROC_PAGE_MONITOR is needed")
		}
	}
	return frames, nil
}
