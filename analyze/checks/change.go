package checks

import (
	"cmp"
	"fmt"
	"strings"
)

// Change says what became of a fact; "" is one that was not there. Of a list, as an RSS table of thousands
// of entries, it shows the part where the two differ first.
func Change(was, is string) string {
	start, end := strings.Fields(was), strings.Fields(is)
	if was == "" || is == "" || len(start) <= maxWords && len(end) <= maxWords {
		return cmp.Or(was, "not there") + " -> " + cmp.Or(is, "not there")
	}
	first, others := -1, max(len(start), len(end))-min(len(start), len(end))
	for i := range min(len(start), len(end)) {
		if start[i] != end[i] {
			others++
			if first < 0 {
				first = i
			}
		}
	}
	if first < 0 {
		first = min(len(start), len(end))
	}
	part := func(words []string) string {
		return strings.Join(words[min(first, len(words)):min(first+maxWords, len(words))], " ")
	}
	return fmt.Sprintf("%d of %d entries are others, from number %d on: %s ... -> %s ...", others,
		max(len(start), len(end)), first, part(start), part(end))
}

// maxWords is how many words of a value are shown.
const maxWords = 12
