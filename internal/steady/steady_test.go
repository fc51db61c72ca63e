package steady

import (
	"testing"
	"time"
)

// A time that went through a number measures as evenly as before: the clock that nobody sets is asked for it.
func TestEvenly(t *testing.T) {
	var m Moment
	if !m.Time().IsZero() {
		t.Errorf("a moment that never was is %v", m.Time())
	}
	first, clock := Now(), time.Now()
	m.Set()
	last := Now()
	for name, at := range map[string]time.Time{"At": At(first.UnixNano()), "Moment": m.Time()} {
		if off := at.Sub(clock); off < -time.Minute || off > time.Minute {
			t.Errorf("%s is %v from the clock", name, off)
		}
		if at.Round(0) == at {
			t.Errorf("%s would jump with the clock: it has no reading of the one that nobody sets", name)
		}
		if again := at.UnixNano(); again < first.UnixNano() || again > last.UnixNano() {
			t.Errorf("%s is %v, not between %v and %v", name, at, first, last)
		}
	}
	if Now().Before(last) {
		t.Error("it goes back")
	}
}

// A machine that sleeps: what has passed meanwhile counts, for numbers and for what waits.
func TestSleepCounts(t *testing.T) {
	const nap = 8 * time.Hour
	began := Now().UnixNano()
	before -= nap // as if the machine had slept since
	defer func() { before += nap }()
	if passed := time.Duration(Now().UnixNano() - began); passed < nap || passed > nap+time.Minute {
		t.Errorf("in the number %v have passed", passed)
	}
	if passed := time.Since(At(began)); passed < nap || passed > nap+time.Minute {
		t.Errorf("for what waits %v have passed", passed)
	}
	due := At(Now().Add(time.Hour).UnixNano())
	if left := time.Until(due); left > time.Hour || left < 59*time.Minute {
		t.Errorf("an hour from now is in %v", left)
	}
}

// The system's own reading of its sleep only grows.
func TestAsleep(t *testing.T) {
	last := asleep()
	if last < 0 {
		t.Fatalf("it slept for %v", last)
	}
	for range 10_000 {
		now := asleep()
		if now < last || now > last+time.Second {
			t.Fatalf("it slept for %v and then for %v", last, now)
		}
		last = now
	}
}

// The machine's name is one, and on Linux and macOS there is one.
func TestBoot(t *testing.T) {
	if id := Boot(); id == "" || id != Boot() {
		t.Errorf("it is called %q and %q", id, Boot())
	}
}
