package server

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/runnel-dev/runnel/internal/protocol"
	"github.com/runnel-dev/runnel/internal/session"
	"github.com/runnel-dev/runnel/internal/steady"
)

// Mode says what becomes of the kernels when the server stops.
type Mode int

// The modes.
const (
	LeaveAll  Mode = iota // all are left to their keepers
	LeaveBusy             // those that run a cell, or have one waiting, are left; the others are stopped
	StopAll               // all are stopped
)

// Report says what a stop has done.
type Report struct {
	Saved   []string // notebooks whose file is up to date
	Unsaved []string // notebooks whose file is not: what is missing is in the journal, and saved by the next server
	Stopped []string // notebooks whose kernel was stopped
	Left    []string // notebooks whose kernel lives on
}

// Running is a cell that runs.
type Running struct {
	Notebook string
	Cell     int // as a person counts, from 1; 0: none of them has begun
	Since    time.Duration
}

const (
	stopTime      = 10 * time.Second // for all of it, when nobody says otherwise
	linesTime     = 2 * time.Second
	kernelTime    = 2500 * time.Millisecond // for a kernel to end by itself
	lookAgain     = 20 * time.Millisecond
	kernelKilling = time.Second
)

// Running lists the cells that run now, and the notebooks in which cells wait for a kernel that starts.
func (s *Server) Running(ctx context.Context) []Running {
	var list []Running
	for _, info := range s.hub.Sessions() {
		if info.Running == "" && info.Queue == 0 {
			continue
		}
		r := Running{Notebook: info.Notebook}
		if open, err := s.hub.Open(ctx, info.Notebook, false); err == nil {
			if state, err := open.State(ctx); err == nil {
				r.Cell, r.Since = numberOf(state, info.Running)
			}
		}
		list = append(list, r)
	}
	return list
}

func numberOf(state *protocol.State, id protocol.CellID) (number int, since time.Duration) {
	i := slices.IndexFunc(state.Cells, func(c *protocol.Cell) bool { return c.ID == id })
	if i < 0 || state.Cells[i].Run == nil {
		return i + 1, 0
	}
	return i + 1, steady.Now().Sub(time.UnixMilli(state.Cells[i].Run.StartedAt))
}

// Stop ends the server in the reverse order of its start: it no longer accepts, tells the clients, deals with the kernels, saves the
// notebooks, and lets go of the folder. Later calls wait for the first and give its results. ctx bounds the waiting for
// kernels and clients; what is not saved by then is in the journal.
func (s *Server) Stop(ctx context.Context, mode Mode) (Report, error) {
	s.once.Do(func() { s.report, s.err = s.stop(ctx, mode) })
	return s.report, s.err
}

func (s *Server) stop(ctx context.Context, mode Mode) (Report, error) {
	var report Report
	var errs []error
	before := s.hub.Sessions()
	s.api.Close(protocol.CloseRestarting, "the server stops")
	closing, cancel := context.WithTimeout(ctx, linesTime)
	if err := s.http.Shutdown(closing); err != nil {
		_ = s.http.Close() // requests that would not end
	}
	cancel()
	for _, info := range before {
		if !lives(info.Kernel) {
			continue
		}
		busy := info.Running != "" || info.Queue > 0
		if mode == LeaveAll || mode == LeaveBusy && busy {
			report.Left = append(report.Left, info.Notebook)
			continue
		}
		if err := s.stopKernel(ctx, info); err != nil {
			errs = append(errs, err)
			report.Left = append(report.Left, info.Notebook)
			continue
		}
		report.Stopped = append(report.Stopped, info.Notebook)
	}
	for _, info := range s.hub.Sessions() {
		if info.Save.State == protocol.SaveFailed || info.Save.State == protocol.SaveClashed {
			report.Unsaved = append(report.Unsaved, info.Notebook)
		} else {
			report.Saved = append(report.Saved, info.Notebook) // at the latest by the session's end, just below
		}
	}
	errs = append(errs, s.close())
	if mode == StopAll {
		errs = append(errs, s.stopStrays(ctx, &report))
	}
	return report, errors.Join(errs...)
}

func lives(k protocol.Kernel) bool {
	return k.ID != "" && k.State != protocol.KernelNone && k.State != protocol.KernelDead
}

// stopKernel asks a kernel to end, then makes it.
func (s *Server) stopKernel(ctx context.Context, info session.Info) error {
	open, err := s.hub.Open(ctx, info.Notebook, false)
	if err != nil {
		return fmt.Errorf("stop the kernel of %s: %w", info.Notebook, err)
	}
	for _, force := range []bool{false, true} {
		ack := open.Do(ctx, protocol.Command{Type: protocol.CmdKernelStop, CmdID: protocol.CommandID(uuid.Must(uuid.NewV7()).String()),
			Notebook: info.Notebook, Force: force})
		if ack.Status == protocol.AckRejected {
			return fmt.Errorf("stop the kernel of %s: %s", info.Notebook, ack.Error)
		}
		patience := kernelTime
		if force {
			patience = kernelKilling
		}
		if ended(ctx, open, patience) {
			return nil
		}
	}
	return fmt.Errorf("stop the kernel of %s: it does not end", info.Notebook)
}

// ended waits until the notebook has no kernel.
func ended(ctx context.Context, open *session.Session, patience time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(lookAgain)
	defer tick.Stop()
	for {
		state, err := open.State(ctx)
		if err == nil && !lives(state.Kernel) {
			return true
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return false
		}
	}
}

// stopStrays stops kernels of the folder that no notebook knew.
func (s *Server) stopStrays(ctx context.Context, report *Report) error {
	if s.kernels == nil {
		return nil
	}
	found, err := s.kernels.Find(ctx)
	if err != nil {
		return fmt.Errorf("look for kernels that are left: %w", err)
	}
	var errs []error
	for _, f := range found {
		if !f.Alive || f.State.Exited || slices.Contains(report.Left, f.NotebookID) {
			continue
		}
		if err := s.kernels.Stop(ctx, f.ID, true); err != nil {
			errs = append(errs, fmt.Errorf("stop the kernel of %s: %w", f.NotebookID, err))
			continue
		}
		report.Stopped = append(report.Stopped, f.NotebookID)
	}
	return errors.Join(errs...)
}
