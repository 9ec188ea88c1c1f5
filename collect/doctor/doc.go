// Package doctor says what can be measured on a machine, and whether it is set up
// so that RFC 9611 can work: Examine (doctor.go, probes.go) tries what a recording
// uses and reads the placement and the SAs; placement.go, sa.go, locks.go and plan.go
// judge what was read; a Report is written as text or JSON.
//
// Ids are never given to another check:
//
//	XS001-009  privileges, perf, symbols, types, lockdown
//	XS010-019  perf events
//	XS020-029  probes, kind of spin lock
//	XS030-039  XFRM in the kernel, namespaces
//	XS040-059  placement: CPUs, interrupts, queues, links
//	XS060-079  the SAs and policies that are there now
package doctor
