// Package steady tells a time that goes on evenly when the machine's clock is set.
//
// The key idea: it is the clock as it stood when the process began, and what has passed since, also while the machine slept. Whatever waits, or
// measures how long something takes, and keeps its moments as numbers asks here: the clock of a machine may jump by an hour. Two times of one
// process may be compared; those of two processes differ by what the clock was set between their beginnings.
//
// It does not say what a person's watch shows: for that ask package time.
package steady

import (
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

var (
	begun  = time.Now()
	before = asleep()
	most   atomic.Int64
)

// asleep is for how long the machine has slept since it was started, which time.Since leaves out; 0 where the system does not say. What
// passes between the two readings makes it less, so that the most that was ever seen is right.
func asleep() time.Duration {
	var with, without unix.Timespec
	if unix.ClockGettime(clockWithSleep, &with) != nil || unix.ClockGettime(clockWithoutSleep, &without) != nil {
		return 0
	}
	for n := with.Nano() - without.Nano(); ; {
		seen := most.Load()
		if n <= seen || most.CompareAndSwap(seen, n) {
			return time.Duration(max(n, seen))
		}
	}
}

// slept is for how long the machine has slept since the process began.
func slept() time.Duration { return asleep() - before }

// Now is the present time. It can be made a number, as UnixMilli does, and be compared with a time that is made of such a number.
func Now() time.Time { return begun.Add(time.Since(begun) + slept()).Round(0) }

// At is the time of a number from UnixNano of one of these times, for time.Until and time.Since.
func At(nanoseconds int64) time.Time {
	return begun.Add(time.Duration(nanoseconds-begun.UnixNano()) - slept())
}

// Moment is a time that goroutines share, for time.Since. The zero value is a moment that never was.
type Moment struct{ nanoseconds atomic.Int64 }

// Set makes it now.
func (m *Moment) Set() { m.nanoseconds.Store(Now().UnixNano()) }

// Time is the moment, the zero time when it never was.
func (m *Moment) Time() time.Time {
	if n := m.nanoseconds.Load(); n != 0 {
		return At(n)
	}
	return time.Time{}
}
