// Package flame is the flame graphs: the stacks of profiles merged by function,
// as a static picture of one profile and as the tree that the page's script
// draws from all of them.
//
//	Profile -> SVG                       a picture, pruned until it fits
//	Result  -> Order                     which profiles are drawn first
//	        -> Fit -> Block              the tree of all runs, events and CPUs, packed
//
// Idle stacks are left out and counted.
package flame
