package lab

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/record"
)

// wanted are the modules a sender may need, where they are modules; what they
// are for is known by trying, in the guest.
func wanted() []string {
	return []string{"dummy", "veth", "xfrm_user", "esp4", "ipv6", "esp6", "pktgen",
		"gcm", "ghash_generic", "ctr", "aesni_intel", "seqiv", "authenc", "crypto_null", "echainiv"}
}

// modules returns the wanted modules of a directory made by modules_install and
// depmod, each after those it depends on. One that is not there is passed over.
func modules(dir string) ([]file, error) {
	f, err := bundle.OpenRegular(filepath.Join(dir, "modules.dep"), 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &record.Missing{What: "the kernel's modules", Why: dir + " has no modules.dep", Err: err,
			Fix: "name the directory lib/modules/RELEASE, and make the file with `depmod -b ROOT RELEASE`"}
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	needs, paths := map[string][]string{}, map[string]string{}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		file, deps, ok := strings.Cut(lines.Text(), ":")
		if !ok {
			continue
		}
		name := moduleName(file)
		paths[name], needs[name] = file, nil
		for _, dep := range strings.Fields(deps) {
			needs[name] = append(needs[name], moduleName(dep))
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	var order []string
	begun := map[string]bool{} // what depends on itself is added once, too
	var add func(name string)
	add = func(name string) {
		if paths[name] == "" || begun[name] {
			return
		}
		begun[name] = true
		// modules.dep names all that a module depends on, the last of the chain last.
		for _, dep := range slices.Backward(needs[name]) {
			add(dep)
		}
		order = append(order, name)
	}
	for _, name := range wanted() {
		add(name)
	}
	var out []file
	for _, name := range order {
		data, err := readPacked(filepath.Join(dir, paths[name]))
		if err != nil {
			return nil, err
		}
		out = append(out, file{name + ".ko", data})
	}
	return out, nil
}

// moduleName makes kernel/net/ipv4/esp4.ko.xz esp4; "-" and "_" are the same.
func moduleName(file string) string {
	name, _, _ := strings.Cut(filepath.Base(file), ".ko")
	return strings.ReplaceAll(name, "-", "_")
}

func readPacked(file string) ([]byte, error) {
	data, err := bundle.ReadRegular(file, maxModule)
	if err != nil {
		return nil, err
	}
	var r io.Reader = bytes.NewReader(data)
	switch filepath.Ext(file) {
	case ".xz":
		r, err = xz.NewReader(r)
	case ".gz":
		r, err = gzip.NewReader(r)
	case ".zst":
		r, err = zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxModule))
	default:
		return data, nil
	}
	if err == nil {
		data, err = io.ReadAll(io.LimitReader(r, maxModule+1))
	}
	if err == nil && len(data) > maxModule {
		err = fmt.Errorf("it has more than %d bytes inside", maxModule)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return data, nil
}
