// Package lines says which cache lines move between CPUs: one row for each field
// of a structure, whichever of its kind the object is.
//
//	bundle.Line -> New        exact rows of a simulated machine
//	result.Run  -> Points     by N of a mode, with the error over repeats
//
// What is read is the row; what another CPU had written in that line stands beside
// it. Where the two are different fields, the line was shared falsely.
package lines
