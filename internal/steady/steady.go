// Package steady tells a time that goes on evenly when the machine's clock is set.
//
// The key idea: it is the clock as it stood when the process began, and what has passed since. Whatever waits, or measures how long something
// takes, and keeps its moments as numbers asks here: the clock of a machine may jump by an hour. Two times of one process may be
// compared; those of two processes differ by what the clock was set between their beginnings. While the machine sleeps it stands still.
//
// It does not say what a person's watch shows: for that ask package time.
package steady

import (
	"sync/atomic"
	"time"
)

var begun = time.Now()

// Now is the present time. It can be made a number, as UnixMilli does, and a time of that again, and is still this time.
func Now() time.Time { return begun.Add(time.Since(begun)) }

// At is the time of a number from UnixNano of one of these times. It has what time.Until and Sub need to measure evenly.
func At(nanoseconds int64) time.Time { return begun.Add(time.Duration(nanoseconds - begun.UnixNano())) }

// Moment is a time that goroutines share. The zero value is a moment that never was.
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
