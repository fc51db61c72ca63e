package server

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/runnel-dev/runnel/internal/kernel"
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
	Left    []string // notebooks whose kernel lives on, because it is to or because even force did not end it
}

// Running is a cell that runs.
type Running struct {
	Notebook string
	Cell     int // as a person counts, from 1; 0: none of them has begun
	Since    time.Duration
}

const (
	stopTime   = 10 * time.Second // for all of it, when nobody says otherwise
	linesTime  = 2 * time.Second
	listTime   = 5 * time.Second
	strayTime  = 30 * time.Second
	atOnce     = 16                      // kernels that are stopped side by side
	kernelTime = 2500 * time.Millisecond // for a kernel to end by itself
	forceTime  = 10 * time.Second        // for one that is ended by force: twice what its keeper has to answer
	lookAgain  = 20 * time.Millisecond
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

// Stop ends the server: it runs nothing new, stops the kernels that are to stop while the clients still hear of it, tells the
// clients, saves the notebooks, and lets go of the folder. Later calls wait for the first and give its results. ctx bounds the waiting for
// kernels to end by themselves; those that have not are ended by force, for which each has a time of its own.
func (s *Server) Stop(ctx context.Context, mode Mode) (Report, error) {
	s.once.Do(func() { s.report, s.err = s.stop(ctx, mode) })
	return s.report, s.err
}

func (s *Server) stop(ctx context.Context, mode Mode) (Report, error) {
	after := context.WithoutCancel(ctx)
	var report Report
	if mode != LeaveAll {
		s.hub.End()
	}
	unended := s.stopKernels(ctx, mode, &report)
	s.api.Close(protocol.CloseRestarting, "the server stops")
	closing, cancel := context.WithTimeout(after, linesTime)
	if err := s.http.Shutdown(closing); err != nil {
		_ = s.http.Close() // requests that would not end
	}
	cancel()
	for _, info := range s.hub.Sessions() {
		if info.Save.State == protocol.SaveFailed || info.Save.State == protocol.SaveClashed {
			report.Unsaved = append(report.Unsaved, info.Notebook)
		} else {
			report.Saved = append(report.Saved, info.Notebook) // at the latest by the session's end, just below
		}
	}
	errs := []error{s.close()}
	if mode == StopAll {
		errs = append(errs, s.stopStrays(after, &report, unended))
	}
	for _, u := range unended {
		report.Left = append(report.Left, u.notebook)
		errs = append(errs, u.err)
	}
	return report, errors.Join(errs...)
}

func lives(k protocol.Kernel) bool {
	return k.ID != "" && k.State != protocol.KernelNone && k.State != protocol.KernelDead
}

// unended is a kernel that was to end and has not.
type unended struct {
	notebook string
	err      error
}

// stopKernels stops those of the open notebooks that mode says. What has not ended is returned, by kernel.
func (s *Server) stopKernels(ctx context.Context, mode Mode, report *Report) map[kernel.ID]unended {
	listing, cancel := context.WithTimeout(context.WithoutCancel(ctx), listTime)
	before := s.hub.SessionsWithin(listing)
	cancel()
	var mu sync.Mutex // guards report and left
	left := map[kernel.ID]unended{}
	var group errgroup.Group
	group.SetLimit(atOnce)
	for _, info := range before {
		if !lives(info.Kernel) {
			continue
		}
		busy := info.Running != "" || info.Queue > 0
		if mode == LeaveAll || mode == LeaveBusy && busy {
			mu.Lock()
			report.Left = append(report.Left, info.Notebook)
			mu.Unlock()
			continue
		}
		group.Go(func() error {
			err := s.stopKernel(ctx, info)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				left[kernel.ID(info.Kernel.ID)] = unended{info.Notebook, fmt.Errorf("stop the kernel of %s: %w", info.Notebook, err)}
			} else {
				report.Stopped = append(report.Stopped, info.Notebook)
			}
			return nil
		})
	}
	_ = group.Wait() // errors are kept with their kernels
	return left
}

// stopKernel asks a kernel to end, then makes it: also when ctx is over, which bounds the asking only. What runs and waits on it has its
// end at once.
func (s *Server) stopKernel(ctx context.Context, info session.Info) error {
	if stopped, err := s.tellStop(ctx, info, false, kernelTime); stopped && err == nil {
		return nil
	}
	stopped, err := s.tellStop(context.WithoutCancel(ctx), info, true, forceTime)
	if err == nil && !stopped {
		err = errors.New("it does not end")
	}
	return err
}

// tellStop tells a notebook to stop its kernel and says whether that ended in time.
func (s *Server) tellStop(ctx context.Context, info session.Info, force bool, patience time.Duration) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	open, err := s.hub.Open(ctx, info.Notebook, false)
	if err != nil {
		return false, err
	}
	ack := open.Do(ctx, protocol.Command{Type: protocol.CmdKernelStop, CmdID: protocol.CommandID(uuid.Must(uuid.NewV7()).String()),
		Notebook: info.Notebook, Force: force})
	if ack.Status == protocol.AckRejected {
		return false, errors.New(ack.Error)
	}
	return ended(ctx, open), nil
}

// ended waits until the notebook has no kernel.
func ended(ctx context.Context, open *session.Session) bool {
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

// stopStrays ends, through their keepers, what the notebooks have not ended and the kernels of the folder that no notebook knew. What it
// ends is no longer in left; what even it does not end is.
func (s *Server) stopStrays(ctx context.Context, report *Report, left map[kernel.ID]unended) error {
	if s.kernels == nil {
		return nil
	}
	finding, cancel := context.WithTimeout(ctx, strayTime)
	defer cancel()
	found, err := s.kernels.Find(finding)
	if err != nil {
		return fmt.Errorf("look for kernels that are left: %w", err)
	}
	for id, u := range left {
		if !slices.ContainsFunc(found, func(f kernel.Found) bool { return f.ID == id && f.Alive && !f.State.Exited }) {
			report.Stopped = append(report.Stopped, u.notebook)
			delete(left, id)
		}
	}
	var mu sync.Mutex // guards report and left
	var group errgroup.Group
	group.SetLimit(atOnce)
	for _, f := range found {
		if !f.Alive || f.State.Exited {
			continue
		}
		group.Go(func() error {
			forcing, cancel := context.WithTimeout(ctx, forceTime)
			defer cancel()
			err := s.kernels.Stop(forcing, f.ID, true)
			mu.Lock()
			defer mu.Unlock()
			notebook := f.NotebookID
			if u, known := left[f.ID]; known {
				notebook = u.notebook
			}
			if err != nil {
				left[f.ID] = unended{notebook, fmt.Errorf("stop the kernel of %s: %w", notebook, err)}
				return nil
			}
			delete(left, f.ID)
			report.Stopped = append(report.Stopped, notebook)
			return nil
		})
	}
	_ = group.Wait() // errors are kept with their kernels
	return nil
}
