package lab

import (
	"debug/elf"
	"fmt"

	"xfrmscope/collect/bundle"
)

// readVmlinux adds the symbols and the BTF that the running kernel did not tell.
func (k *Kernel) readVmlinux() error {
	file, err := bundle.OpenRegular(k.Vmlinux, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	f, err := elf.NewFile(file)
	if err != nil {
		return fmt.Errorf("%s: %w", k.Vmlinux, err)
	}
	symbols, err := f.Symbols()
	if err != nil {
		return fmt.Errorf("%s: %w: want the vmlinux of the build, not stripped", k.Vmlinux, err)
	}
	for _, s := range symbols {
		// Addresses of per-CPU variables begin at 0 in some builds, as in kallsyms.
		known, ok := k.symbols[s.Name]
		if s.Name == "start_kernel" && ok && known != s.Value {
			return fmt.Errorf("%s is not the vmlinux of %s: start_kernel is at %#x, not at %#x",
				k.Vmlinux, k.Image, s.Value, known)
		}
		if !ok && s.Name != "" && s.Section != elf.SHN_UNDEF && elf.ST_TYPE(s.Info) <= elf.STT_FUNC {
			k.symbols[s.Name] = s.Value
		}
	}
	if section := f.Section(".BTF"); section != nil && len(k.btf) == 0 {
		if section.Size > maxBTF {
			return fmt.Errorf("%s: .BTF of %d bytes, and %d are the most", k.Vmlinux, section.Size, maxBTF)
		}
		if k.btf, err = section.Data(); err != nil {
			return fmt.Errorf("%s: .BTF: %w", k.Vmlinux, err)
		}
	}
	return nil
}
