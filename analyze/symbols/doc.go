// Package symbols turns addresses into names: kernel addresses by a snapshot
// of /proc/kallsyms, by vmlinux or by a module's .ko, user addresses by ELF
// symbol tables, and code made at run time by the KSYMBOL records of a
// recording or by a perf-PID.map file.
//
// A Table is the common form: sorted addresses over one block of names. It is
// immutable once read and may be used from several goroutines. A Kernel puts
// the tables of one recorded kernel together with what the recording says
// about relocation and modules. A Store finds tables in the places it is told
// about, and nowhere else, checks build ids, and keeps each table once.
//
// Names are data as the symbol table has them: suffixes such as ".isra.0" and
// C++ mangling are kept; shortening them is a matter of display.
//
// The rules where perf has some are perf's, so that names agree line by line
// with perf script; each is cited where it is followed.
package symbols
