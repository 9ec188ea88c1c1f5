package view

import (
	"testing"

	"xfrmscope/analyze/result"
)

// Only the lock of an SA is x->lock; of what is not known is said that it is not.
func TestLockName(t *testing.T) {
	caller := []result.Share{{Name: "barn_replace_full_sheaf"}}
	for _, tt := range []struct {
		lock result.Lock
		want string
	}{
		{result.Lock{Lock: "0xff15df9ac0033080"}, "unnamed"},
		{result.Lock{Lock: "0xff15df9ac0033080", Callers: caller}, "unnamed, in barn_replace_full_sheaf"},
		{result.Lock{Name: "rcu_state", Callers: caller}, "rcu_state"},
		{result.Lock{SPI: 0x1001}, "x->lock, SA 0x00001001"},
	} {
		if got := LockName(tt.lock); got != tt.want {
			t.Errorf("%+v is called %q, want %q", tt.lock, got, tt.want)
		}
	}
}
