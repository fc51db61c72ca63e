package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// verdict is what becomes of the kernels when a server ends.
type verdict int

const (
	stopAll   verdict = iota // all kernels are stopped
	leaveBusy                // kernels that run a cell are left to their keepers, the others stopped
	leaveAll                 // all kernels are left to their keepers
)

// busy is a cell that runs.
type busy struct {
	notebook string
	cell     int // as a person counts
	since    time.Duration
}

func (b busy) String() string {
	text := b.notebook
	if b.cell > 0 {
		text = fmt.Sprintf("cell %d of %s", b.cell, b.notebook)
	}
	if b.since > 0 {
		text += fmt.Sprintf(" (for %v)", b.since.Round(time.Second))
	}
	return text
}

// ending decides how a server ends. Its states:
//
//	serving ──Ctrl-C, nothing runs──▶ stopAll
//	serving ──Ctrl-C, cells run─────▶ asking
//	asking  ──Ctrl-C────────────────▶ stopAll
//	asking  ──k─────────────────────▶ leaveBusy
//	asking  ──any other line────────▶ serving
//	asking  ──nothing runs any more─▶ stopAll
//	any     ──SIGTERM, SIGHUP───────▶ leaveAll
type ending struct {
	interrupts <-chan os.Signal // Ctrl-C
	terminate  <-chan os.Signal // SIGTERM, SIGHUP
	lines      func() <-chan string
	running    func() []busy
	say        func(format string, args ...any)
}

// wait blocks until it is decided, or ctx ends (false).
func (e ending) wait(ctx context.Context) (verdict, bool) {
	for {
		select {
		case <-ctx.Done():
			return 0, false
		case <-e.terminate:
			return leaveAll, true
		case <-e.interrupts:
		}
		running := e.running()
		if len(running) == 0 {
			return stopAll, true
		}
		for _, cell := range running {
			e.say("still running: %s", cell)
		}
		e.say("Ctrl-C again stops everything; k and Enter leaves it running without a server; Enter goes on serving.")
		if found, decided := e.ask(ctx); decided || ctx.Err() != nil {
			return found, decided
		}
		e.say("serving on")
	}
}

// lookAgain is how often it is looked whether something runs still.
const lookAgain = time.Second

// ask waits for the answer to the question; false: to serve on, or ctx has ended.
func (e ending) ask(ctx context.Context) (verdict, bool) {
	ticker := time.NewTicker(lookAgain)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return 0, false
		case <-e.terminate:
			return leaveAll, true
		case <-e.interrupts:
			return stopAll, true
		case line := <-e.lines():
			return leaveBusy, strings.EqualFold(strings.TrimSpace(line), "k")
		case <-ticker.C:
			if len(e.running()) == 0 {
				e.say("nothing runs any more")
				return stopAll, true
			}
		}
	}
}

// lineReader gives the lines of in from the first call on. The goroutine lives
// as long as the process: a read from a terminal cannot be ended.
func lineReader(in io.Reader) func() <-chan string {
	var lines chan string
	return func() <-chan string {
		if lines == nil {
			lines = make(chan string)
			go func() {
				// At the end of the input nothing more is said, and the channel stays silent.
				for scanner := bufio.NewScanner(in); scanner.Scan(); {
					lines <- scanner.Text()
				}
			}()
		}
		return lines
	}
}
