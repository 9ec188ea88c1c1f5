// Package doctor judges what was found on a machine: is it set up so that
// RFC 9611 can work and be measured? It looks at nothing itself; collect.Doctor
// gathers and asks it.
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
