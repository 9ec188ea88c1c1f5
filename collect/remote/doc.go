// Package remote makes runs on other hosts: the same program is copied there
// over ssh, measures under one window with all others, and its bundle comes
// back.
//
//	ParseHost -> Dial (copy, start, greet) -> Fleet.Record -> one bundle a host
//
// The user's own ssh does the connecting, so that ~/.ssh/config, agents, jump
// hosts and known hosts work as ever. On the host runs `xfrmscope agent`, which
// is Serve: it reads requests and writes answers, one JSON object a line, and
// sends the files of a bundle as bytes between them. It ends when its standard
// input does, so a broken connection detaches every probe.
//
// The hosts' CLOCK_MONOTONIC are compared by the shortest of several round
// trips; the offset and its error are in each manifest (bundle.Clock).
//
// A host that fails costs its own run only.
package remote
