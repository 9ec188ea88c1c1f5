// Package probe loads and attaches the eBPF probes and reads what they counted.
//
//	Loader.Wait     how long each CPU waits for each spin lock
//	Loader.Count    how often each CPU takes each lock of _raw_spin_lock_bh
//	Loader.Time     the same, and how long that takes, one in so many
//	Loader.Lookup   which SA xfrm_state_find gives each CPU, and how long it takes
//	Loader.Inbound  which inbound SA each CPU looks up
//	Loader.Stacks   who waits, one wait in so many
//
// Each returns a Probe, and what it had to pass over. A probe that the kernel
// refuses costs that probe only; where there is another way to attach it, that
// is tried before it is given up. Of memory that is read once, by address, Peek tells
// what is there and Slabs which slab cache it is in.
package probe
