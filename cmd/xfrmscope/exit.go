package main

import (
	"context"
	"errors"
	"fmt"

	"xfrmscope/analyze/compare"
	"xfrmscope/collect/bundle"
	"xfrmscope/collect/record"
	"xfrmscope/collect/sweep"
)

// Exit codes. Scripts and git bisect rely on them.
const (
	exitOK          = 0
	exitFailure     = 1
	exitUsage       = 2   // the command line is wrong
	exitEnvironment = 3   // this machine or user lacks something; the message says how to get it
	exitInvalid     = 4   // the measurement cannot be trusted
	exitRegression  = 5   // compare --fail-on
	exitReboot      = 6   // sweep: this boot's runs are made, the others need another boot
	exitInterrupted = 130 // 128 + SIGINT
)

// A usageError is a mistake on the command line.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

// An invalidError says that what was measured cannot be trusted.
type invalidError struct{ why string }

func (e *invalidError) Error() string { return e.why }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

func exitCode(err error) int {
	var usage usageError
	var plan *record.PlanError
	var missing *record.Missing
	var damaged *bundle.DamagedError
	var invalid *invalidError
	var regression *regressionError
	var refused *compare.RefusedError
	var boot *sweep.BootError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.As(err, &usage), errors.As(err, &plan):
		return exitUsage
	case errors.As(err, &missing):
		return exitEnvironment
	case errors.As(err, &damaged), errors.As(err, &invalid), errors.As(err, &refused):
		return exitInvalid
	case errors.As(err, &regression):
		return exitRegression
	case errors.As(err, &boot):
		return exitReboot
	}
	return exitFailure
}
