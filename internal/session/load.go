package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/runnel-dev/runnel/internal/fault"
	"github.com/runnel-dev/runnel/internal/files"
	"github.com/runnel-dev/runnel/internal/journal"
	"github.com/runnel-dev/runnel/internal/notebook"
	"github.com/runnel-dev/runnel/internal/protocol"
)

// load makes a session of the file and of what the journal has. Its loop is not started yet.
func (h *Hub) load(ctx, life context.Context, p files.Path, create, recovering bool) (*Session, error) {
	doc, stamp, err := h.readNotebook(ctx, p, create)
	gone := recovering && isGone(err)
	if err != nil && !gone {
		return nil, err
	}
	id, idErr := h.cfg.Journal.Notebook(ctx, string(p))
	if idErr != nil {
		return nil, fault.Wrap(fault.Unavailable, "The server's journal cannot be used. Its log says why.", idErr)
	}
	loaded, loadErr := h.cfg.Journal.Load(ctx, id)
	if loadErr != nil {
		return nil, fault.Wrap(fault.Unavailable, "The server's journal cannot be read. Its log says why.", loadErr)
	}
	if err := h.cfg.Journal.SetLive(ctx, id, true); err != nil {
		return nil, fault.Wrap(fault.Unavailable, "The server's journal cannot be written.", err)
	}
	if gone {
		if loaded.Snapshot == nil && len(loaded.Batches) == 0 {
			return nil, err
		}
		doc, stamp = notebook.New(), files.Stamp{}
	}
	s := &Session{
		hub: h, id: id, path: p, log: h.log.With("notebook", string(p)), inputs: make(chan func()), said: make(chan said),
		posted: make(chan struct{}, 1), done: make(chan struct{}), asks: map[string]chan protocol.Response{},
		handles: map[string]*handle{}, carried: doc, left: time.Now(),
	}
	s.post.reached = map[string]uint64{}
	s.ctx, s.cancel = context.WithCancel(life)
	s.saves, s.endSaves = context.WithCancel(context.WithoutCancel(life))
	s.restore(loaded, doc, stamp, gone)
	if gone && s.opening == nil && s.core.priv.KernelID == "" && len(s.core.priv.Order) == 0 && s.wasSaved {
		s.cancel()
		return nil, err // removed by somebody, and nothing of it was only here
	}
	s.tail = newTail(s.core.pub.Epoch, s.core.pub.N)
	h.watcher.Watch(p, stamp, !s.core.save.readOnly)
	s.begin()
	return s, nil
}

// restore builds the core: from the journal when it has something, else from the file.
func (s *Session) restore(loaded journal.Loaded, doc *notebook.Document, stamp files.Stamp, gone bool) {
	cfg := coreConfig{inputTimeout: s.hub.cfg.InputTimeout, idleCull: s.hub.cfg.IdleCull, boot: s.hub.cfg.Boot, newID: s.hub.newID}
	mayWrite := gone || s.hub.mayWrite(s.path)
	fresh := func() {
		s.core = newCore(cfg, string(s.path), s.hub.newID())
		s.core.mayWrite(mayWrite)
		s.setNow()
	}
	fresh()
	seq := uint64(0)
	known := loaded.Snapshot != nil || len(loaded.Batches) > 0
	if known {
		if _, err := s.core.restore(loaded); err != nil {
			s.log.Error("the journal of this notebook cannot be used", "err", err)
			fresh()
			known, loaded.Damaged = false, true
		}
		if loaded.Snapshot != nil {
			seq = loaded.Snapshot.Seq
		}
		seq += uint64(len(loaded.Batches))
	}
	s.writer = newWriter(s.hub.cfg.Journal, s.id, seq, s.log)
	s.writer.failed = func(err error) { s.notify(func(p *post) { p.failure, p.changed = err, true }) }
	s.writer.grown = func() { s.notify(func(p *post) { p.grown = true }) }
	s.writer.acked = func(r reached) { s.notify(func(p *post) { p.reached[r.kernel] = r.record }) }
	if !known {
		s.core.load(doc)
		s.core.priv.Base = base{Stamp: stamp}
		s.openFromFile(doc)
	} else if gone {
		s.core.take()
		s.wasSaved = s.core.pub.Save.State == protocol.Saved
		s.core.resume()
		s.core.save.since, s.core.save.last = s.core.now, s.core.now // the file is written again
		s.core.emit(savedAs{})
		s.core.notice("warning", "file_gone", "The notebook's file was removed while no server was there. It is written again.", "")
	} else {
		s.openFromJournal(doc, stamp, !loaded.Damaged && loaded.Lost == 0)
	}
	if s.hub.cfg.Journal.Moved() != "" && !known {
		s.core.notice("error", "journal_damaged", "What the server had kept beside the notebooks could not be read and was put aside. What is shown is the file.", "")
	}
	if loaded.Damaged || loaded.Lost > 0 {
		text := "Part of what the server had kept of this notebook could not be read"
		if loaded.Lost > 0 {
			text += ": " + plural(loaded.Lost, "event") + " at the end are missing"
		}
		s.core.notice("error", "journal_damaged", text+". What is shown is what was left, and the file.", "")
	}
}

// openFromFile: what the file says is the beginning; it is put into the journal when something happens.
func (s *Session) openFromFile(doc *notebook.Document) {
	s.core.settle()
	st := s.core.take()
	for _, b := range st.blobs {
		if err := s.hub.cfg.Journal.Put(b.hash, b.data); err != nil {
			s.log.Error("blob not kept", "err", err)
		}
	}
	snapshot := s.core.snapshotFunc()
	stamp := s.core.priv.Base.Stamp
	s.opening = func() (json.RawMessage, error) {
		if data, err := notebook.Encode(doc); err == nil {
			s.keepBase(stamp, data)
		}
		return snapshot()
	}
	for _, text := range doc.Repaired {
		s.core.notice("warning", "file_repaired", text, "")
	}
}

// openFromJournal: the journal's state goes on, joined with the file when that has changed since (J5). whole: nothing of it is missing.
func (s *Session) openFromJournal(doc *notebook.Document, stamp files.Stamp, whole bool) {
	c := s.core
	s.align(doc)
	for _, e := range c.take().effects {
		if spill, ok := e.(keepSpill); ok { // it may not have been written
			s.perform(spill)
		}
	}
	c.resume()
	switch {
	case c.priv.Base.Stamp.Same(stamp):
	case c.pub.Save.State == protocol.Saved:
		c.adopt(doc, nil)
		c.save.since = 0
		s.takenIn(doc, stamp)
	case whole && s.hub.cfg.Journal.IsNext(s.id, baseTag(stamp)): // our own; the server before did not live to journal that it was written
		s.takenIn(doc, stamp)
	default:
		if s.carried = s.keptBase(c.priv.Base.Stamp); s.carried != nil {
			s.align(s.carried)
		}
		s.mergeFile(doc, stamp)
	}
	c.settle()
}

// align gives the cells of a file that was read anew the ids that they have here: not every file holds ids.
func (s *Session) align(doc *notebook.Document) {
	here := notebook.New()
	for _, cell := range s.core.pub.Cells {
		here.Cells = append(here.Cells, &notebook.Cell{ID: notebook.CellID(cell.ID), Type: cell.Type, Source: cell.Source})
	}
	doc.Align(here)
}

// begin performs what restoring has decided and takes up the kernel of before.
func (s *Session) begin() {
	if k := s.core.priv.KernelID; k != "" {
		s.attach()
	} else if s.core.priv.Current != "" {
		s.core.kernelGone("The server ended while this ran; how it ended is not known.", false)
	} else if len(s.core.priv.Order) > 0 {
		s.core.advance()
	}
	s.commit(reachedNone, false)
}

// mayWrite says whether a file may be saved, as far as can be seen.
func (h *Hub) mayWrite(p files.Path) bool {
	entry, err := h.cfg.Folder.Stat(p)
	return err != nil || entry.Writable
}

// readNotebook reads and decodes the file, or makes it.
func (h *Hub) readNotebook(ctx context.Context, p files.Path, create bool) (*notebook.Document, files.Stamp, error) {
	data, stamp, err := h.cfg.Folder.Read(p)
	if create && isGone(err) {
		doc := notebook.New()
		if data, err = notebook.Encode(doc); err != nil {
			return nil, stamp, fmt.Errorf("make notebook: %w", err)
		}
		if err = h.makeFolders(p.Dir()); err == nil {
			stamp, err = h.cfg.Folder.Create(ctx, p, data)
		}
		if err != nil {
			return nil, stamp, fmt.Errorf("make notebook %s: %w", p, err)
		}
		return doc, stamp, nil
	}
	if err != nil {
		return nil, stamp, fmt.Errorf("read notebook %s: %w", p, err)
	}
	doc, err := decodeNotebook(data, h.newID)
	return doc, stamp, err
}

// makeFolders makes a folder and those around it, where they are not there.
func (h *Hub) makeFolders(p files.Path) error {
	if p == "" {
		return nil
	}
	if _, err := h.cfg.Folder.Stat(p); err == nil {
		return nil
	}
	if err := h.makeFolders(p.Dir()); err != nil {
		return err
	}
	if err := h.cfg.Folder.Mkdir(p); err != nil && !errors.Is(err, files.ErrExists) {
		return err
	}
	return nil
}

// decodeNotebook reads a file's content; an empty file is an empty notebook.
func decodeNotebook(data []byte, newID func() string) (*notebook.Document, error) {
	if len(data) == 0 {
		return notebook.New(), nil
	}
	doc, err := notebook.Decode(data, func() notebook.CellID { return notebook.CellID(newID()) })
	if err != nil {
		if fault.KindOf(err) == fault.Internal {
			err = fault.Wrap(fault.Invalid, "This file cannot be opened as a notebook: "+err.Error(), err)
		}
		return nil, err
	}
	return doc, nil
}
