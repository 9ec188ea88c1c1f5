package compare

import "fmt"

// A Test is the result of a test of "the two sides do not differ".
type Test struct {
	Method   string  `json:"method"`
	P        float64 `json:"p"`        // two-sided
	Smallest float64 `json:"smallest"` // the smallest p these runs could have given
	Missing  *Reason `json:"missing,omitempty"`
}

// Known reports whether the test was made.
func (t Test) Known() bool { return t.Missing == nil }

// PText prints a p or q value in five columns: "0.029", "<.001", never 0.000.
func PText(p float64) string {
	switch {
	case !(p >= 0 && p <= 1):
		return "-"
	case p < 0.001:
		return "<.001"
	}
	return fmt.Sprintf("%.3f", p)
}
