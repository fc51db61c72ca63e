package cli

import (
	"testing"
	"time"
)

func TestSpan(t *testing.T) {
	for text, want := range map[string]time.Duration{"0": 0, "2": 2 * time.Second, "1.5": 1500 * time.Millisecond, "5m": 5 * time.Minute, "1h30m": 90 * time.Minute} {
		var got time.Duration
		if err := (*span)(&got).Set(text); err != nil || got != want {
			t.Errorf("%q is %v, %v; want %v", text, got, err, want)
		}
	}
	kept := span(time.Hour)
	for _, text := range []string{"", "soon", "5 m", "NaN", "Inf"} {
		if err := kept.Set(text); err == nil || kept != span(time.Hour) {
			t.Errorf("%q was taken for %v", text, time.Duration(kept))
		}
	}
}
