package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/runnel-dev/runnel/internal/fault"
	"github.com/runnel-dev/runnel/internal/files"
	"github.com/runnel-dev/runnel/internal/notebook"
	"github.com/runnel-dev/runnel/internal/protocol"
)

// lastSaves is how long a session that ends may still save.
const lastSaves = 20 * time.Second

// saveFile writes the notebook in a goroutine of its own; its end is an input. One that is under way when the session ends goes on.
func (s *Session) saveFile() {
	v := s.version()
	s.wg.Go(func() {
		doc, stamp, err := s.writeFile(s.saves, v)
		s.send(context.Background(), func() {
			if err != nil && (s.moving || v.path != s.path) {
				s.core.saveElsewhere()
				return
			}
			s.saved(doc, stamp, err)
		})
	})
}

// saveLast is saveFile for a session that ends: it waits.
func (s *Session) saveLast() {
	s.core.save.pending, s.core.save.since, s.core.save.saving = s.core.save.since, 0, true
	doc, stamp, err := s.writeFile(s.saves, s.version())
	if err != nil {
		s.log.Error("not saved at the end; the journal has it", "err", err)
		s.core.saveFailed(fault.Message(err))
		return
	}
	s.saved(doc, stamp, nil)
}

// version is what a save writes, and where.
type version struct {
	state   *protocol.State
	carried *notebook.Document
	path    files.Path
	expect  files.Stamp // what is there now
	ticket  uint64      // of the writer: the state is in the journal when this is written
}

// version is what is to be saved now.
func (s *Session) version() version {
	return version{state: s.core.state(), carried: s.carried, path: s.path, expect: s.core.priv.Base.Stamp, ticket: s.writer.last()}
}

func (s *Session) writeFile(ctx context.Context, v version) (*notebook.Document, files.Stamp, error) {
	doc, err := document(v.state, v.carried, s.hub.cfg.Journal, s.id)
	if err != nil {
		return nil, files.Stamp{}, fmt.Errorf("gather notebook: %w", err)
	}
	data, err := notebook.Encode(doc)
	if err != nil {
		return nil, files.Stamp{}, fmt.Errorf("encode notebook: %w", err)
	}
	s.noteNext(ctx, v.ticket, data)
	stamp, err := s.hub.cfg.Folder.Save(ctx, v.path, data, &v.expect)
	if err == nil {
		s.keepBase(stamp, data)
	}
	return doc, stamp, err
}

// noteWait is how long a save waits for the journal.
const noteWait = time.Second

// noteNext makes the file that is about to be written known as ours, for the server after one that is killed before the journal has the
// end of the save. A version that has what the journal cannot take, or not soon, is not noted: there is more to it than the journal's state.
func (s *Session) noteNext(ctx context.Context, ticket uint64, data []byte) {
	ctx, cancel := context.WithTimeout(ctx, noteWait)
	defer cancel()
	err := s.writer.wait(ctx, ticket, true)
	if err == nil {
		err = s.hub.cfg.Journal.PutNext(s.id, baseTag(files.StampOf(data)))
	}
	if err != nil && ctx.Err() == nil {
		s.log.Warn("a version of the file is not noted before it is written", "err", err)
	}
}

// keepBase remembers the file's version beside the journal: what another program changes while no server is there is joined against it.
func (s *Session) keepBase(stamp files.Stamp, data []byte) {
	if err := s.hub.cfg.Journal.PutBase(s.id, baseTag(stamp), data); err != nil {
		s.log.Warn("the file's version is not kept for a later merge", "err", err)
	}
}

// takenIn: from here on this version of the file, which was read, is the one that the notebook goes by.
func (s *Session) takenIn(doc *notebook.Document, stamp files.Stamp) {
	if data, err := notebook.Encode(doc); err == nil {
		s.keepBase(stamp, data)
	}
	s.core.emit(savedAs{Base: base{Stamp: stamp}})
	s.carried = doc
}

func baseTag(stamp files.Stamp) string { return fmt.Sprintf("%v-%d", stamp.Hash, stamp.Size) }

// keptBase is that version, nil when it is not there.
func (s *Session) keptBase(stamp files.Stamp) *notebook.Document {
	data, err := s.hub.cfg.Journal.Base(s.id, baseTag(stamp))
	if err != nil {
		return nil
	}
	doc, err := decodeNotebook(data, s.hub.newID)
	if err != nil {
		return nil
	}
	return doc
}

// saved is the end of a save.
func (s *Session) saved(doc *notebook.Document, stamp files.Stamp, err error) {
	switch {
	case err == nil:
		s.carried = doc
		s.core.saveDone(stamp)
		s.hub.watcher.Watch(s.path, stamp, !s.core.save.readOnly)
	case errors.Is(err, files.ErrChanged):
		s.core.saveFailed("The file was changed by another program; joining both versions.")
		s.readAgain()
	default:
		s.log.Warn("not saved", "err", err)
		s.core.saveFailed(fault.Message(err))
	}
}

// fileChanged: the file is not what it was, and not by us.
func (s *Session) fileChanged(change files.Change) {
	if change.Path != s.path || s.moving {
		return
	}
	s.core.mayWrite(change.Writable)
	switch {
	case change.Stamp.Same(s.core.priv.Base.Stamp): // it is again
		s.core.save.failing = ""
	case change.Gone:
		s.fileGone()
	default:
		s.readAgain()
	}
}

func (s *Session) fileGone() {
	s.core.save.failing = ""
	s.core.emit(savedAs{})
	s.core.notice("warning", "file_gone", "The notebook's file was removed by another program. It is written again at the next change.", "")
}

// readAgain reads the changed file in a goroutine of its own.
func (s *Session) readAgain() {
	path := s.path
	s.wg.Go(func() {
		data, stamp, err := s.hub.cfg.Folder.Read(path)
		var doc *notebook.Document
		if err == nil {
			doc, err = decodeNotebook(data, s.hub.newID)
		}
		s.send(s.ctx, func() {
			switch {
			case path != s.path || s.moving || stamp.Same(s.core.priv.Base.Stamp):
			case fault.KindOf(err) == fault.NotFound:
				s.fileGone()
			case err != nil:
				s.core.notice("error", "file_broken", "The file was changed by another program and cannot be read as a notebook any more. It is left as it is; nothing is saved over it. "+fault.Message(err), "")
				s.core.save.failing = "The file on disk is not a notebook any more: " + fault.Message(err)
			default:
				s.takeOver(doc, stamp)
			}
		})
	})
}

// takeOver brings a changed file in: as it is when nothing here is unsaved, else both are joined.
func (s *Session) takeOver(doc *notebook.Document, stamp files.Stamp) {
	if s.carried != nil {
		doc.Align(s.carried)
	}
	if s.core.save.dirty() {
		s.mergeFile(doc, stamp)
		return
	}
	s.core.adopt(doc, s.carried)
	s.core.save.since = 0
	s.core.save.failing = ""
	s.takenIn(doc, stamp)
	s.core.notice("info", "file_reloaded", "The file was changed by another program; the new version is shown.", "")
}

// mergeFile joins what is unsaved here with what another program wrote, by cell, against the version both began with.
func (s *Session) mergeFile(theirs *notebook.Document, stamp files.Stamp) {
	c := s.core
	ours, err := document(c.state(), s.carried, s.hub.cfg.Journal, s.id)
	if err != nil {
		s.log.Error("the changed file is not joined", "err", err)
		return
	}
	before := s.carried
	if before == nil {
		before = notebook.New()
	}
	merged, clashes := notebook.Merge(before, ours, theirs, func() notebook.CellID { return notebook.CellID(c.cfg.newID()) })
	c.adopt(merged, ours)
	s.takenIn(theirs, stamp)
	c.save.failing = ""
	if c.save.since == 0 {
		c.save.since, c.save.last = c.now, c.now
	}
	if len(clashes) == 0 {
		c.notice("info", "file_merged", "The file was changed by another program; its changes were joined with yours.", "")
		return
	}
	text := clashWords(clashes)
	c.notice("warning", "file_clash", text, protocol.CellID(cmp.Or(clashes[0].Ours, clashes[0].Theirs)))
	c.save.clash = text
}

// clashWords says what became of the cells that both sides changed.
func clashWords(clashes []notebook.Clash) string {
	twice, deleted := uint64(0), uint64(0)
	for _, c := range clashes {
		if c.Ours == "" || c.Theirs == "" {
			deleted++
		} else {
			twice++
		}
	}
	text := "The file was changed by another program"
	if twice > 0 {
		text += fmt.Sprintf(" in %s that you changed too. Both versions are in the notebook, one after the other", plural(twice, "cell"))
	}
	if deleted > 0 {
		text += fmt.Sprintf(". What one side deleted and the other changed was kept: %s", plural(deleted, "cell"))
	}
	return text + "."
}
