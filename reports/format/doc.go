// Package format is the only code that turns a number into text: a value, its
// unit, its error and its mark, for pages, digests, lists and the terminal of
// `top`, which is given its function.
//
//	metric.Value -> Of -> Figure -> "54.2 +- 0.6 %"      with everything
//	             -> Column, Kilo, CostColumn ...          one column of a digest
//	             -> Quantity, Percent               the sentence of a finding
//	compare.Comparison -> ChangeText, MarkText  before and after
//	names from outside -> ASCII, Visible, Name            one line that cannot break a table
//
// What analysis puts into words itself, why a significance was withheld, why a gate
// failed, what is missing, has its numbers from there: analysis imports nothing of
// reports, and a results.json holds it.
//
// It decides how many digits say something and nothing else: what is printed,
// and where, is the callers'.
package format
