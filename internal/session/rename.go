package session

import (
	"context"
	"errors"
	"io/fs"
	"strings"

	"github.com/runnel-dev/runnel/internal/fault"
	"github.com/runnel-dev/runnel/internal/files"
	"github.com/runnel-dev/runnel/internal/protocol"
)

// move is an open notebook that gets another path.
type move struct {
	s  *Session
	to files.Path
}

// Rename moves a file or folder, never onto an existing one. Open notebooks in it go on under their new paths, with their kernels, in this server
// and, when Rename has returned, in the next. Where this one ends before, the next finds the notebooks where they are: the move is noted before it is done.
func (h *Hub) Rename(ctx context.Context, from, to files.Path) error {
	ctx = context.WithoutCancel(ctx)
	moves := h.movesOf(from, to)
	for _, m := range moves {
		m.s.noteMove(string(m.to))
		_ = m.s.call(ctx, func() { m.s.moving = true }) // one that has ended needs nothing
	}
	err := h.cfg.Folder.Rename(from, to)
	for _, m := range moves {
		_ = m.s.call(ctx, func() { m.s.moved(m.to, err == nil) })
		if err == nil {
			if err := h.cfg.Journal.Rename(ctx, m.s.id, string(m.to)); err != nil {
				m.s.log.Error("the journal keeps the old path", "err", err)
				continue // the next server goes by the note
			}
		}
		m.s.noteMove("")
	}
	if err == nil && len(moves) > 0 {
		if err := h.cfg.Journal.Sync(ctx); err != nil {
			h.log.Error("the journal may forget new paths when the machine ends", "err", err)
		}
	}
	return err
}

func (h *Hub) movesOf(from, to files.Path) (moves []move) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for path, s := range h.sessions {
		if path == from {
			moves = append(moves, move{s, to})
		} else if rest, inside := strings.CutPrefix(string(path), string(from)+"/"); inside {
			moves = append(moves, move{s, files.Path(string(to) + "/" + rest)})
		}
	}
	return moves
}

func (s *Session) noteMove(to string) {
	if err := s.hub.cfg.Journal.PutMove(s.id, to); err != nil {
		s.log.Warn("a move is not noted; a server after one that is killed now would look for the notebook where it was", "err", err)
	}
}

// moved is the end of a move. It belongs to the loop.
func (s *Session) moved(to files.Path, done bool) {
	s.moving = false
	if done {
		s.hub.relocate(s, to)
		for _, h := range s.handles {
			h.rename(string(to))
		}
		s.core.emit(protocol.Renamed{Notebook: string(to)})
	}
	s.hub.watcher.Watch(s.path, s.core.priv.Base.Stamp, !s.core.save.readOnly)
}

// relocate puts a session under its new path. It is called by its loop.
func (h *Hub) relocate(s *Session, path files.Path) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.watcher.Unwatch(s.path)
	if h.sessions[s.path] == s {
		delete(h.sessions, s.path)
	}
	s.path = path
	h.sessions[path] = s
}

// whereMoved is where the notebook is that the server before knew under this path: it may have ended when it had moved the file, and had not
// written that down yet.
func (h *Hub) whereMoved(ctx context.Context, path string) string {
	id, err := h.cfg.Journal.Notebook(ctx, path)
	to := ""
	if err == nil {
		to = h.cfg.Journal.Move(id)
	}
	if to == "" {
		return path
	}
	_, here := h.cfg.Folder.Stat(files.Path(path))
	_, there := h.cfg.Folder.Stat(files.Path(to))
	if there == nil && isGone(here) {
		if err := h.cfg.Journal.Rename(ctx, id, to); err != nil {
			h.log.Error("the journal keeps the old path", "err", err)
			return path
		}
		path = to
	}
	if err := h.cfg.Journal.PutMove(id, ""); err != nil {
		h.log.Warn("the note of a move stays", "err", err)
	}
	return path
}

// isGone says whether an error means that nothing is at the path.
func isGone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || fault.KindOf(err) == fault.NotFound
}
