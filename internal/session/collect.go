package session

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"os"
	"time"

	"github.com/runnel-dev/runnel/internal/files"
	"github.com/runnel-dev/runnel/internal/kernel"
)

// What the journal keeps is collected when a server starts and once a day.
const (
	collectEvery = 24 * time.Hour
	forgetAfter  = 30 * 24 * time.Hour // without its file a notebook is remembered so long: the file may come back
	blobAge      = time.Hour           // a younger blob may be named by what is not written yet
	kernelAge    = 24 * time.Hour      // what a dead keeper left stays so long: somebody may look why it died
)

func (h *Hub) collectDaily(ctx context.Context) {
	tick := time.NewTicker(collectEvery)
	defer tick.Stop()
	for {
		if err := h.collect(ctx, time.Now()); err != nil && ctx.Err() == nil {
			h.log.Warn("the journal is not tidied up", "err", err)
		}
		if err := h.collectKernels(ctx, time.Now()); err != nil && ctx.Err() == nil {
			h.log.Warn("what dead kernels left is not tidied up", "err", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// collect forgets notebooks whose file has been gone for long, and removes blobs and spill files that no notebook refers to.
func (h *Hub) collect(ctx context.Context, now time.Time) error {
	if err := h.noteMissing(ctx, now); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done, err := h.cfg.Journal.Collect(ctx, h.held(ctx, cancel), now.Add(-forgetAfter), now.Add(-blobAge))
	if done.Notebooks+done.Blobs+done.Spills > 0 {
		h.log.Info("journal tidied up", "notebooks", done.Notebooks, "blobs", done.Blobs, "spills", done.Spills, "bytes", done.Bytes)
	}
	return err
}

// noteMissing tells the journal which files are gone. A folder that is not there itself, as a disk that is not mounted, says nothing.
func (h *Hub) noteMissing(ctx context.Context, now time.Time) error {
	if _, err := os.Stat(h.cfg.Folder.Dir()); err != nil {
		return err
	}
	all, err := h.cfg.Journal.Notebooks(ctx)
	if err != nil {
		return err
	}
	for path, id := range all {
		h.mu.Lock()
		open := h.sessions[files.Path(path)] != nil || h.opening[files.Path(path)] != nil
		h.mu.Unlock()
		if open {
			continue
		}
		_, err := h.cfg.Folder.Stat(files.Path(path))
		switch {
		case err == nil:
			err = h.cfg.Journal.Missing(ctx, id, time.Time{})
		case isGone(err):
			err = h.cfg.Journal.Missing(ctx, id, now)
		default:
			err = nil // not known
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// held is the state of each open session: what it has read from a file, or not yet written, is not in the journal. One that ends meanwhile
// has written what it must. When one cannot be asked, stop is called.
func (h *Hub) held(ctx context.Context, stop func()) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		h.mu.Lock()
		all := make([]*Session, 0, len(h.sessions))
		for _, s := range h.sessions {
			all = append(all, s)
		}
		h.mu.Unlock()
		for _, s := range all {
			var encode func() (json.RawMessage, error)
			if err := s.call(ctx, func() { encode = s.core.snapshotFunc() }); err != nil {
				select {
				case <-s.done:
					continue
				case <-ctx.Done():
					return
				}
			}
			state, err := encode()
			if err != nil {
				stop()
				return
			}
			if !yield(state) {
				return
			}
		}
	}
}

// collectKernels removes what dead keepers left and no notebook will read: their records are in the journal, or nothing names them.
func (h *Hub) collectKernels(ctx context.Context, now time.Time) error {
	if h.cfg.Journal.Moved() != "" {
		return nil // which kernels a damaged database names is not known
	}
	n, err := h.cfg.Launcher.Collect(ctx, now.Add(-kernelAge), func() (map[kernel.ID]bool, error) { return h.kernelsNeeded(ctx) })
	if n > 0 {
		h.log.Info("left by dead kernels and removed", "folders", n)
	}
	return err
}

// kernelsNeeded are those of which a notebook has more to read: its current kernel, and those before that the journal has not the whole
// of. A notebook that is not open has no kernel, unless it was to be taken up and could not be: then it is not known what is needed.
func (h *Hub) kernelsNeeded(ctx context.Context) (map[kernel.ID]bool, error) {
	live, err := h.cfg.Journal.Live(ctx)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	open := maps.Clone(h.sessions)
	h.mu.Unlock()
	for _, path := range live {
		if open[files.Path(path)] == nil {
			return nil, fmt.Errorf("%s is not open and may have a kernel", path)
		}
	}
	needed := map[kernel.ID]bool{}
	for _, s := range open {
		if err := s.call(ctx, func() { s.holds(needed) }); err != nil {
			return nil, err
		}
	}
	return needed, nil
}

// holds names the kernels whose records the session has not all, or not all in the journal. It belongs to the loop.
func (s *Session) holds(kernels map[kernel.ID]bool) {
	kernels[kernel.ID(s.core.priv.KernelID)] = true
	for id := range s.handles {
		kernels[kernel.ID(id)] = true
	}
}
