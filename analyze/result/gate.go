package result

// Statuses of a gate.
const (
	GateOK          = "ok"
	GateFailed      = "failed"
	GateNotMeasured = "not measured"
)
