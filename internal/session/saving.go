package session

import (
	"errors"
	"slices"

	"github.com/runnel-dev/runnel/internal/files"
	"github.com/runnel-dev/runnel/internal/journal"
	"github.com/runnel-dev/runnel/internal/protocol"
)

// When a changed notebook is written, in milliseconds.
const (
	saveQuiet = 1_500  // after the last change
	saveMax   = 10_000 // after the first
)

var saveRetries = []int64{1_000, 2_000, 5_000}

// base is the version of the file that this session has read or written last.
type base struct {
	Stamp files.Stamp `json:"stamp"`
}

func (f savedAs) apply(c *core) { c.priv.Base = f.Base }

// saver is when to write the file next. After a restart it is worked out anew from pub.Save.
type saver struct {
	since    int64 // first change that is not in the file; 0: none
	last     int64 // latest change
	pending  int64 // since, of the save under way
	saving   bool
	now      bool // asked for
	failures int
	retryAt  int64
	failing  string // why the last try failed
	journal  string // why the journal cannot be written
	clash    string // both versions of a cell are in the document: shown until the next save asked for
	off      bool   // loading: changes are not changes
	readOnly bool   // the file may not be written
}

// note remembers that the document changed.
func (s *saver) note(now int64) {
	if s.off {
		return
	}
	if s.since == 0 {
		s.since = now
	}
	s.last = now
}

// completesText says whether a run has ended whose text the file gets whole only now (wholeText).
func (c *core) completesText(e protocol.Event) bool {
	done, ok := e.(protocol.RunDone)
	if !ok {
		return false
	}
	cell := c.pub.Cell(done.CellID)
	return cell != nil && slices.ContainsFunc(cell.Outputs, func(o *protocol.Output) bool {
		return o.Text != nil && o.Text.TailAt > int64(protocol.UTF16Len(o.Text.Head))
	})
}

func changesDocument(e protocol.Event) bool {
	switch e := e.(type) {
	case protocol.CellAdded, protocol.CellRemoved, protocol.CellMoved, protocol.CellChanged, protocol.MetadataChanged, protocol.Edited,
		protocol.OutputsCleared, protocol.OutputSet, protocol.TextPut, protocol.RunCounted,
		protocol.WidgetOpened, protocol.WidgetUpdated, protocol.WidgetClosed:
		return true
	case protocol.RunDone:
		return e.Count != nil
	}
	return false
}

func (s *saver) dirty() bool { return s.since != 0 || s.saving }

// due is when to save, 0 for never.
func (s *saver) due() int64 {
	if s.saving || s.since == 0 && !s.now {
		return 0
	}
	if s.now {
		return 1
	}
	return max(min(s.last+saveQuiet, s.since+saveMax), s.retryAt)
}

// settle shows the save state as it is; every input ends with it.
func (c *core) settle() {
	state, text := protocol.Saved, ""
	switch s := &c.save; {
	case s.journal != "":
		state, text = protocol.SaveFailed, s.journal
	case s.failing != "":
		state, text = protocol.SaveFailed, s.failing
	case s.saving:
		state = protocol.Saving
	case s.since != 0:
		state = protocol.Unsaved
	case s.clash != "":
		state, text = protocol.SaveClashed, s.clash
	}
	if was := c.pub.Save; state != was.State || text != was.Text || c.save.readOnly != was.ReadOnly {
		since := c.now
		switch { // how old the oldest change is that is not in the file
		case state == was.State && text == was.Text:
			since = was.Since
		case state == protocol.Unsaved && c.save.since != 0:
			since = c.save.since
		case state == protocol.Saving && c.save.pending != 0:
			since = c.save.pending
		}
		c.emit(protocol.SaveChanged{Save: protocol.Save{State: state, Since: since, Text: text, ReadOnly: c.save.readOnly}})
	}
}

func (c *core) saveNow() {
	c.save.clash = ""
	c.save.now = c.save.since != 0 || c.save.saving
	c.save.retryAt = 0
	c.maybeSave()
}

func (c *core) maybeSave() {
	if due := c.save.due(); due == 0 || due > c.now {
		return
	}
	c.save.pending, c.save.since, c.save.now, c.save.saving = c.save.since, 0, false, true
	c.effect(saveFile{})
}

// saveDone: the version that was asked for is on disk.
func (c *core) saveDone(stamp files.Stamp) {
	c.emit(savedAs{Base: base{Stamp: stamp}})
	c.save.saving, c.save.failures, c.save.failing, c.save.retryAt = false, 0, "", 0
}

// saveElsewhere: it is not, as the file was on its way to another path. That is no failure; it is tried again.
func (c *core) saveElsewhere() {
	failing := c.save.failing
	c.saveFailed("")
	c.save.failing, c.save.failures = failing, max(c.save.failures-1, 0)
}

// mayWrite: the file may be written, or may not. When it may again, what failed is tried at once.
func (c *core) mayWrite(may bool) {
	if may && c.save.readOnly {
		c.save.retryAt = 0
	}
	c.save.readOnly = !may
}

// saveFailed: it is not; tried again by itself.
func (c *core) saveFailed(text string) {
	s := &c.save
	s.saving = false
	if s.since == 0 || s.pending != 0 && s.pending < s.since {
		s.since = max(s.pending, 1)
	}
	s.retryAt = c.now + saveRetries[min(s.failures, len(saveRetries)-1)]
	s.failures++
	s.failing = text
}

// journalState: the journal cannot be written (err), or can again.
func (c *core) journalState(err error) {
	if err == nil {
		c.save.journal = ""
		c.notice("info", "journal_back", "Changes are kept safe again.", "")
		return
	}
	why := "The server cannot write its journal"
	if errors.Is(err, journal.ErrFull) {
		why = "The disk is full"
	}
	c.save.journal = why + ": saving is delayed. Nothing is lost while the server runs."
	if errors.Is(err, journal.ErrSync) {
		c.save.journal = "The disk failed to keep what was written. What is done from now on is kept safe only after the server was started again."
	}
	c.notice("error", "journal_failing", c.save.journal, "")
}
