// Package svg writes SVG elements. Text is cleaned and escaped on its way; every
// other argument is the program's own.
package svg
