package probe

import (
	"bytes"
	"fmt"
	"os"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"xfrmscope/bpf"
	"xfrmscope/collect/bundle"
)

// StructOf is the structure whose objects a slab cache of a name holds: most caches are
// called like it. Of a general cache (kmalloc-1k) there is no such structure.
func StructOf(cache string) string {
	switch cache {
	case "skbuff_head_cache":
		return "sk_buff"
	case "skbuff_fclone_cache":
		return "sk_buff_fclones"
	case "net_namespace":
		return "net"
	case "ip_dst_cache":
		return "rtable"
	case "xfrm_dst_cache":
		return "xfrm_dst"
	case "xfrm_state_cache":
		return "xfrm_state"
	case "filp":
		return "file"
	}
	return cache
}

// tellsSlabs is an error of a kernel that has not the kfunc of mm/slab_common.c.
func tellsSlabs(kernel *btf.Spec) error {
	const name = "bpf_get_kmem_cache"
	var fn *btf.Func
	if kernel.TypeByName(name, &fn) != nil {
		return &UnsuitableError{"the kernel has no " + name + " (since 6.13)"}
	}
	return nil
}

// A Slabs asks the running kernel.
type Slabs struct {
	kernel *btf.Spec
	coll   *ebpf.Collection
}

// Slabs needs what Peek needs, and 6.13.
func (l *Loader) Slabs() (*Slabs, error) {
	kernel, err := l.types()
	if err != nil {
		return nil, err
	}
	if err := tellsSlabs(kernel); err != nil {
		return nil, err
	}
	spec, err := bpf.LoadSlab()
	if err != nil {
		return nil, fmt.Errorf("reading the slab program: %w", err)
	}
	if err := spec.Variables["page_size"].Set(uint32(os.Getpagesize())); err != nil {
		return nil, fmt.Errorf("setting the size of a page: %w", err)
	}
	coll, err := ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{Cache: l.kernel})
	if err != nil {
		return nil, fmt.Errorf("loading the slab program: %w", Attempt{RawTP, err})
	}
	return &Slabs{kernel, coll}, nil
}

// Close unloads the program.
func (s *Slabs) Close() { s.coll.Close() }

// Objects returns the objects of slab caches that addresses are in now, each once, and the
// layouts of their structures. One of a cache that is general, or that others were merged
// into, has no structure. left is how many addresses are in a slab that does not tell where
// its objects begin.
func (s *Slabs) Objects(addrs []uint64) (found *bundle.Objects, left int, err error) {
	found = &bundle.Objects{}
	seen, layouts := map[uint64]bool{}, map[string]bool{}
	for some := range slices.Chunk(addrs, len(bpf.SlabSlabbed{}.Each)) {
		slabs, err := s.ask(some)
		if err != nil {
			return found, left, err
		}
		for _, o := range slabs.Each[:len(some)] {
			cache, _, _ := bytes.Cut(o.Cache[:], []byte{0})
			if o.Start == 0 && len(cache) > 0 {
				left++
			}
			if o.Start == 0 || seen[o.Start] {
				continue
			}
			seen[o.Start] = true
			row := object(o.Start, "", bundle.LineObject{Cache: string(cache)})
			row.Size = o.Size
			kind, err := structOf(s.kernel, StructOf(row.Cache))
			if err == nil && kind.Size <= o.Size && o.Caches <= 1 {
				if row.Struct = kind.Name; !layouts[row.Struct] {
					layouts[row.Struct] = true
					found.Structs = append(found.Structs, deepLayout(kind))
				}
			}
			found.Objects = append(found.Objects, row)
		}
	}
	return found, left, nil
}

// ask runs the program once, for as many addresses as it takes.
func (s *Slabs) ask(addrs []uint64) (slabs bpf.SlabSlabbed, err error) {
	for i, addr := range addrs {
		slabs.Each[i].Addr = addr
	}
	m := s.coll.Maps[bpf.SlabMapSlabs]
	if err = m.Put(uint32(0), slabs); err != nil {
		return slabs, fmt.Errorf("asking for slab caches: %w", err)
	}
	if _, err = s.coll.Programs[bpf.SlabProgSlab].Run(&ebpf.RunOptions{}); err != nil {
		return slabs, fmt.Errorf("running the slab program: %w", err)
	}
	if err = m.Lookup(uint32(0), &slabs); err != nil {
		return slabs, fmt.Errorf("reading slab caches: %w", err)
	}
	return slabs, nil
}
