package bundle

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// MaxCPU bounds the CPU numbers a CPUSet may hold, so that "0-4294967295" in a
// damaged file cannot ask for memory. Linux allows at most 8192 (NR_CPUS,
// arch/x86/Kconfig, 6.12).
const MaxCPU = 8191

// A CPUSet is a set of logical CPUs, sorted and without repeats. Its text is
// the kernel's cpulist, "0-3,8" (lib/bitmap-str.c bitmap_parselist).
type CPUSet []int

// ParseCPUSet reads a cpulist such as "0-3,8".
func ParseCPUSet(s string) (CPUSet, error) {
	var in [MaxCPU + 1]bool
	for part := range strings.SplitSeq(strings.TrimSpace(s), ",") {
		lo, hi, isRange := strings.Cut(part, "-")
		first, err := parseCPU(lo)
		if err != nil {
			return nil, fmt.Errorf("CPU list %q: %w", s, err)
		}
		last := first
		if isRange {
			if last, err = parseCPU(hi); err != nil {
				return nil, fmt.Errorf("CPU list %q: %w", s, err)
			}
			if last < first {
				return nil, fmt.Errorf("CPU list %q: range %s runs backwards", s, part)
			}
		}
		for c := first; c <= last; c++ {
			in[c] = true
		}
	}
	var set CPUSet
	for c, ok := range in {
		if ok {
			set = append(set, c)
		}
	}
	return set, nil
}

func parseCPU(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0, fmt.Errorf("%q is no CPU number; write for example 1-4,8", s)
	}
	if n < 0 || n > MaxCPU {
		return 0, fmt.Errorf("CPU %d is outside 0..%d", n, MaxCPU)
	}
	return n, nil
}

// String returns the cpulist, "" for the empty set.
func (s CPUSet) String() string {
	var b strings.Builder
	for i := 0; i < len(s); {
		j := i
		for j+1 < len(s) && s[j+1] == s[j]+1 {
			j++
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(s[i]))
		if j > i {
			b.WriteByte('-')
			b.WriteString(strconv.Itoa(s[j]))
		}
		i = j + 1
	}
	return b.String()
}

// Contains reports whether cpu is in the set.
func (s CPUSet) Contains(cpu int) bool {
	_, found := slices.BinarySearch(s, cpu)
	return found
}

// MarshalText writes the cpulist.
func (s CPUSet) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a cpulist; "" is the empty set.
func (s *CPUSet) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*s = nil
		return nil
	}
	set, err := ParseCPUSet(string(text))
	if err != nil {
		return err
	}
	*s = set
	return nil
}
