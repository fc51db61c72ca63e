package session

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"iter"
	"os"
	"time"

	"github.com/runnel-dev/runnel/internal/fault"
	"github.com/runnel-dev/runnel/internal/files"
)

// What the journal keeps is collected when a server starts and once a day.
const (
	collectEvery = 24 * time.Hour
	forgetAfter  = 30 * 24 * time.Hour // without its file a notebook is remembered so long: the file may come back
	blobAge      = time.Hour           // a younger blob may be named by what is not written yet
)

func (h *Hub) collectDaily(ctx context.Context) {
	tick := time.NewTicker(collectEvery)
	defer tick.Stop()
	for {
		if err := h.collect(ctx, time.Now()); err != nil && ctx.Err() == nil {
			h.log.Warn("the journal is not tidied up", "err", err)
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
		case errors.Is(err, fs.ErrNotExist) || fault.KindOf(err) == fault.NotFound:
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
