// Package digest writes a Result as ASCII text: for a mail (Write), for a commit
// message (CommitTable), for a terminal (Show).
//
//	Result -> blocks: title, verdict (digest.go), table (sheet.go, grid.go), where the time goes
//	          (where.go), what got worse, caveats (caveats.go), the command that makes it again
//	       -> fitBlocks: cuts what matters least, and says what was cut (fit.go)
//
// No line has more than 72 columns and no text more than 30 lines.
package digest
