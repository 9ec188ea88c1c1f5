package result

// A Layout is a structure of the running kernel, from its BTF: which of the
// fields the packet path touches share a cache line.
type Layout struct {
	Struct string        `json:"struct"` // "xfrm_state"
	Size   uint32        `json:"size"`
	Source string        `json:"source"` // "kernel BTF, as recorded"
	Fields []LayoutField `json:"fields"` // hot fields by offset
}

// A LayoutField is one field.
type LayoutField struct {
	Name   string `json:"name"`
	Offset uint32 `json:"offset"`
	Size   uint32 `json:"size"`
	Line   uint32 `json:"line"` // Offset / 64
	Use    string `json:"use"`  // "written by every packet (spin lock)", "read", ...
	Access Access `json:"-"`    // what Use says
}

// An Access is how packets touch a field, as flags.
type Access uint8

const (
	EveryPacket Access = 1 << iota // every packet writes it
	EveryCPU                       // packets of all CPUs touch it, not those of one
	Rewritten                      // written when the policy changes
)

// Written reports whether packets write the field.
func (f LayoutField) Written() bool { return f.Access&EveryPacket != 0 }

// AllCPUs reports whether every CPU touches the field, not only its owner.
func (f LayoutField) AllCPUs() bool { return f.Access&EveryCPU != 0 }
