package cli

import (
	"context"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestEnding(t *testing.T) {
	one := []busy{{notebook: "a.ipynb", cell: 3, since: 12 * time.Second}}
	tests := map[string]struct {
		running []busy
		events  string // c: Ctrl-C, t: SIGTERM, other: a line
		want    verdict
		said    string
	}{
		"Ctrl-C while nothing runs":         {events: "c", want: stopAll},
		"SIGTERM":                           {events: "t", want: leaveAll},
		"SIGTERM while a cell runs":         {running: one, events: "t", want: leaveAll},
		"Ctrl-C twice":                      {running: one, events: "c c", want: stopAll, said: "still running: cell 3 of a.ipynb (for 12s)"},
		"Ctrl-C and k":                      {running: one, events: "c k", want: leaveBusy},
		"Ctrl-C and K with a space":         {running: one, events: "c \u00a0K", want: leaveBusy},
		"Ctrl-C and then SIGTERM":           {running: one, events: "c t", want: leaveAll},
		"an answer that goes on, then both": {running: one, events: "c no c c", want: stopAll, said: "serving on"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				interrupts, terminate, lines := make(chan os.Signal), make(chan os.Signal), make(chan string)
				var said strings.Builder
				e := ending{interrupts: interrupts, terminate: terminate, lines: func() <-chan string { return lines },
					running: func() []busy { return tt.running },
					say:     func(format string, args ...any) { fmt.Fprintf(&said, format+"\n", args...) }}
				go func() {
					for event := range strings.SplitSeq(tt.events, " ") {
						switch event {
						case "c":
							interrupts <- syscall.SIGINT
						case "t":
							terminate <- syscall.SIGTERM
						default:
							lines <- event
						}
					}
				}()
				got, decided := e.wait(t.Context())
				if !decided || got != tt.want {
					t.Errorf("got %v (%v), want %v", got, decided, tt.want)
				}
				if !strings.Contains(said.String(), tt.said) {
					t.Errorf("said %q, want %q in it", said.String(), tt.said)
				}
			})
		})
	}
}

// What runs ends by itself while the question stands: then there is nothing to ask.
func TestEnding_cellEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		interrupts := make(chan os.Signal, 1)
		interrupts <- syscall.SIGINT
		began := time.Now()
		e := ending{interrupts: interrupts, lines: func() <-chan string { return nil }, say: func(string, ...any) {}, running: func() []busy {
			if time.Since(began) < 5*time.Second {
				return []busy{{notebook: "a.ipynb", cell: 3}}
			}
			return nil
		}}
		if got, decided := e.wait(t.Context()); !decided || got != stopAll {
			t.Errorf("got %v (%v)", got, decided)
		}
	})
}

func TestEnding_serverEndsByItself(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, decided := (ending{}).wait(ctx); decided {
		t.Error("decided without anybody asking")
	}
}
