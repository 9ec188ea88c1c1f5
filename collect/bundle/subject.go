package bundle

// A SubjectKind is what a number of a result is one of.
type SubjectKind string

const (
	OfRun       SubjectKind = "" // of the run as a whole
	OfEvent     SubjectKind = "event"
	OfStage     SubjectKind = "stage"
	OfLock      SubjectKind = "lock" // a class of locks
	OfFunction  SubjectKind = "function"
	OfField     SubjectKind = "field"         // of a structure, or a symbol
	OfFunctions SubjectKind = "all functions" // together: without a name
)

// Text names one of the kind: "lock x->lock".
func (k SubjectKind) Text(name string) string {
	if name == "" {
		return string(k)
	}
	return string(k) + " " + name
}
