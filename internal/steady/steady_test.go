package steady_test

import (
	"strings"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/internal/steady"
)

// A time that went through a number measures as evenly as before: it has a reading of the clock that nobody sets ("m=" in its text).
func TestEvenly(t *testing.T) {
	var m steady.Moment
	if !m.Time().IsZero() {
		t.Errorf("a moment that never was is %v", m.Time())
	}
	before := steady.Now()
	m.Set()
	after := steady.Now()
	for name, at := range map[string]time.Time{"Now": before, "At": steady.At(before.UnixNano()), "Moment": m.Time()} {
		if !strings.Contains(at.String(), " m=") {
			t.Errorf("%s is %v, and would jump with the clock", name, at)
		}
	}
	if got := m.Time(); got.Before(before) || got.After(after) {
		t.Errorf("%v is not between %v and %v", got, before, after)
	}
	if got := steady.At(before.UnixNano()); got.Sub(before) != 0 || !got.Equal(before) {
		t.Errorf("%v has become %v", before, got)
	}
}
