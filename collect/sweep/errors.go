package sweep

import "fmt"

// An OtherError says that a directory holds the sweep of another scenario.
type OtherError struct {
	Dir      string
	Is, Want string // hashes
}

func (e *OtherError) Error() string {
	return fmt.Sprintf("%s holds the sweep of another scenario (%.12s, and this one is %.12s); compare its "+
		"scenario.yaml with `xfrmscope scenario print`, or choose another -o", e.Dir, e.Is, e.Want)
}

// A StopError says what stopped a sweep. What was finished is kept.
type StopError struct {
	Dir         string // of the sweep
	Run         string // "pcpu n=4 #2"
	Made, Total int    // runs
	Err         error
}

func (e *StopError) Error() string {
	return fmt.Sprintf("%s: %v; %d of %d runs are in %s, and the same command goes on with the others", e.Run,
		e.Err, e.Made, e.Total, e.Dir)
}

func (e *StopError) Unwrap() error { return e.Err }

// A CommandError is a set-up or a tear-down that failed.
type CommandError struct {
	What    string // "set-up"
	Command string
	Last    string // the last lines it printed
	Err     error
}

func (e *CommandError) Error() string {
	return fmt.Sprintf("the %s %q failed with %v: %s", e.What, e.Command, e.Err, e.Last)
}

func (e *CommandError) Unwrap() error { return e.Err }

// A runError is why a run did not end.
type runError struct {
	why string
	err error
}

func (e *runError) Error() string { return e.why }
func (e *runError) Unwrap() error { return e.err }

// A BootError says that the runs left belong to another boot of the machine.
type BootError struct {
	Dir      string // of the sweep
	Done, Of int    // boots
	Is       string // id of the boot, which made its runs; "" if it is not known
}

func (e *BootError) Error() string {
	if e.Is == "" {
		return fmt.Sprintf("%s: boot %d of %d: the machine has no /proc/sys/kernel/random/boot_id, so that "+
			"boots are not told apart; leave boots out", e.Dir, e.Done+1, e.Of)
	}
	return fmt.Sprintf("boot %d of %d done; reboot and give the same command again: the runs left in %s are for "+
		"another boot than this one (%.8s), which boots differ by", e.Done, e.Of, e.Dir, e.Is)
}
