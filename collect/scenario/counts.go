package scenario

import (
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"xfrmscope/collect/bundle"
)

// Counts are numbers of CPUs, as written: "1..8", "4", or a list.
type Counts []int

// ParseCounts reads "1..8" or "1,2,4".
func ParseCounts(s string) (Counts, error) {
	if lo, hi, isRange := strings.Cut(s, ".."); isRange {
		first, err := parseCount(lo)
		if err != nil {
			return nil, err
		}
		last, err := parseCount(hi)
		if err != nil {
			return nil, err
		}
		if last < first {
			return nil, fmt.Errorf("%q runs backwards", s)
		}
		var c Counts
		for n := first; n <= last; n++ {
			c = append(c, n)
		}
		return c, nil
	}
	var c Counts
	for part := range strings.SplitSeq(s, ",") {
		n, err := parseCount(part)
		if err != nil {
			return nil, err
		}
		c = append(c, n)
	}
	return c, nil
}

func parseCount(s string) (int, error) {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil || n < 1 || n > bundle.MaxCPU+1 {
		return 0, fmt.Errorf("%q is no number of CPUs: write 1..8, or 1,2,4", s)
	}
	return n, nil
}

// UnmarshalYAML reads a scalar as ParseCounts does, or a list of numbers.
func (c *Counts) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.SequenceNode {
		return node.Decode((*[]int)(c))
	}
	parsed, err := ParseCounts(node.Value)
	if err != nil {
		return fmt.Errorf("line %d: %w", node.Line, err)
	}
	*c = parsed
	return nil
}
