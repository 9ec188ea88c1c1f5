// Package digest writes a Result as ASCII text: for a mail (Write), for a commit
// message (CommitTable), for a terminal (Show).
//
//	Result -> blocks, one kind of Result a file (run.go, sweep.go, traffic.go, compare.go)
//	       -> fitBlocks: shortens, then cuts what matters least, and says what was cut
//
// No line has more than 72 columns and no text more than 30 lines.
package digest
