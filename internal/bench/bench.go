// Package bench measures Runnel beside a client that talks to the kernel
// directly (the floor: nothing can be faster) and, when asked, beside Jupyter
// Server, all in one run on one machine.
//
// Its key idea: figures of different runs do not compare, so every figure is
// taken from all systems in turn, with the same kernel, started the same way,
// and what counts are the ratios.
//
// What a person sees in the page is measured elsewhere (web/bench), because it
// needs a browser.
package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/runnel-dev/runnel/internal/pyenv"
)

// Config says what to measure.
type Config struct {
	Python     string // the interpreter with ipykernel, for all systems
	Peer       string // "jupyter", or empty for none
	PeerPython string // the interpreter with jupyter_server
	Exe        string // the runnel program; empty: the one that runs now
	Quick      bool   // a tenth of the work, to see that it works
	Progress   io.Writer

	argv []string // how that interpreter starts a kernel, with {connection_file}
}

// Report is what a run has measured.
type Report struct {
	At      time.Time         `json:"at"`
	Machine Machine           `json:"machine"`
	Systems []string          `json:"systems"` // in the order of the columns
	Figures []Figure          `json:"figures"`
	Notes   map[string]string `json:"notes,omitempty"` // a system's failure to give a figure, by "figure/system"
}

// Figure is one thing measured, for each system that has it.
type Figure struct {
	Name   string          `json:"name"`
	Unit   string          `json:"unit"`
	Values map[string]Stat `json:"values"`
	Must   string          `json:"must,omitempty"` // what Runnel has to reach, in words
	Met    *bool           `json:"met,omitempty"`  // whether it did
}

// Stat is the distribution of one figure.
type Stat struct {
	N   int     `json:"n"`
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// system is something that runs code in a kernel for a client.
type system interface {
	name() string
	// open makes the place for a new kernel, which is running at the end of the first run in it at the latest.
	open(ctx context.Context) error
	// line gives a client's line to the newest kernel.
	line(ctx context.Context) (line, error)
	// shared reports whether several clients can watch one kernel.
	shared() bool
	// memory gives the resident memory of each of its processes, kernels apart.
	memory() (map[string]int64, error)
	close() error
}

// line is one client of one kernel.
type line interface {
	// run runs code and calls on for each event until the run has ended.
	run(ctx context.Context, code string, on func(event) error) error
	// answer answers the prompt that is open.
	answer(ctx context.Context, value string) error
	// listen calls on for what other clients' runs print, until on returns an error or ctx ends.
	listen(ctx context.Context, on func(event) error) error
	close()
}

// event is something of a run that reached the client.
type event struct {
	kind eventKind
	text string // printed, or the prompt
	size int    // of a display, in bytes
	at   time.Time
}

type eventKind int

const (
	printed eventKind = iota
	prompted
	displayed
)

// Run measures. It needs a minute or two; all it starts has ended when it returns.
func Run(ctx context.Context, config Config) (report Report, err error) {
	if config.argv, err = kernelArgv(ctx, config.Python); err != nil {
		return Report{}, err
	}
	systems, err := start(ctx, config)
	defer func() {
		for _, s := range systems {
			err = errors.Join(err, s.close())
		}
	}()
	if err != nil {
		return Report{}, err
	}
	machine, err := describe(ctx, config)
	if err != nil {
		return Report{}, err
	}
	report = Report{At: time.Now().UTC().Truncate(time.Second), Machine: machine, Notes: map[string]string{}}
	for _, s := range systems {
		report.Systems = append(report.Systems, s.name())
	}
	m := &measurement{config: config, systems: systems, report: &report}
	if err := m.all(ctx); err != nil {
		return report, err
	}
	if err := m.faults(ctx); err != nil {
		return report, err
	}
	judge(&report)
	return report, nil
}

// kernelArgv is how Runnel starts ipykernel with an interpreter; the others start it so too.
func kernelArgv(ctx context.Context, python string) ([]string, error) {
	choice, err := pyenv.New(pyenv.Config{Python: python}).Pick(ctx, "python3", "python", "")
	return choice.Argv, err
}

func start(ctx context.Context, config Config) ([]system, error) {
	floor, err := newFloor(config.argv)
	if err != nil {
		return nil, err
	}
	systems := []system{floor}
	runnel, err := newRunnel(ctx, config)
	if err != nil {
		return systems, err
	}
	systems = append(systems, runnel)
	switch config.Peer {
	case "":
	case "jupyter":
		peer, err := newPeer(ctx, config)
		if err != nil {
			return systems, err
		}
		systems = append(systems, peer)
	default:
		return systems, fmt.Errorf("no peer is called %q; there is jupyter", config.Peer)
	}
	return systems, nil
}
