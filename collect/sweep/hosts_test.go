package sweep

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/remote"
)

func TestGapsOf(t *testing.T) {
	west := &remote.Error{Host: "west", Step: "measuring", Err: errors.New("perf ended")}
	east := &remote.Error{Host: "east", Step: "copying the program",
		Err: fmt.Errorf("exit status 255: %w", errors.New("no route"))}
	load := errors.New("the load failed with exit status 1")
	for _, tt := range []struct {
		err  error
		want []bundle.Gap
	}{
		{nil, nil},
		{west, []bundle.Gap{{What: "host west", Why: "measuring: perf ended"}}},
		{errors.Join(load, nil, errors.Join(west, east)), []bundle.Gap{
			{What: "load", Why: "the load failed with exit status 1"},
			{What: "host west", Why: "measuring: perf ended"},
			{What: "host east", Why: "copying the program: exit status 255: no route"},
		}},
	} {
		if got := gapsOf(tt.err); !slices.Equal(got, tt.want) {
			t.Errorf("gapsOf(%v) = %+v, want %+v", tt.err, got, tt.want)
		}
	}
}
