// Package view is the model of what every report shows: which runs stand for
// their repeats, what they are called, what weakens them, and the tables whose
// rows page, digest and exports print.
//
//	Result -> Present, MedianRuns, PageRuns    runs, and those that stand for repeats
//	       -> RunLabel, GroupLabel             the one name of a run, also without a mode
//	       -> Warnings, Losses, Gaps           Notes: what weakens the numbers, each once
//	       -> RunsTable, LocksTable ...        Table: rows of Cells that know how to sort
//
// A Cell is text made by package format, with a number to sort by. How it is drawn
// is the page's.
package view
