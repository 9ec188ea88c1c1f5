package main

import (
	"errors"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// A span is the value of a flag: a time, of seconds if it names no unit.
type span struct{ d *time.Duration }

// spanVar adds a flag of a time; like the flags of the library its help names the
// default. One of 0 or less stands for none, and usage says what then is.
func spanVar(f *pflag.FlagSet, p *time.Duration, name, short string, value time.Duration, usage string) {
	*p = value
	f.VarP(span{p}, name, short, usage)
	if value <= 0 {
		f.Lookup(name).DefValue = "0" // which is not printed
	}
}

func (s span) String() string { return s.d.String() }

func (s span) Type() string { return "duration" }

func (s span) Set(text string) error {
	d, err := time.ParseDuration(text)
	if err != nil && strings.Trim(text, "0123456789.") == "" {
		d, err = time.ParseDuration(text + "s")
	}
	if err != nil {
		return errors.New("want a time, as 20s, 500ms or 20, which is seconds")
	}
	*s.d = d
	return nil
}
