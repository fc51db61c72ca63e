package session

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/runnel-dev/runnel/internal/fault"
	"github.com/runnel-dev/runnel/internal/protocol"
)

const twoCells = `{
 "cells": [
  {
   "cell_type": "markdown",
   "id": "head",
   "metadata": {},
   "source": [
    "# Title"
   ]
  },
  {
   "cell_type": "code",
   "execution_count": 3,
   "id": "code",
   "metadata": {
    "odd": 1.0
   },
   "outputs": [
    {
     "name": "stdout",
     "output_type": "stream",
     "text": [
      "out\n"
     ]
    }
   ],
   "source": [
    "print('out')"
   ]
  }
 ],
 "metadata": {
  "kernelspec": {
   "display_name": "Python 3",
   "language": "python",
   "name": "python3"
  },
  "mine": {
   "unknown": true
  }
 },
 "nbformat": 4,
 "nbformat_minor": 5
}
`

func insert(id, source string) protocol.Command {
	return protocol.Command{Type: protocol.CmdCellInsert, CellID: protocol.CellID(id), Index: 99, Source: source}
}

func TestOpeningChangesNothing(t *testing.T) {
	w := newWorld(t, "")
	w.write("a.ipynb", twoCells)
	sv, _, p := w.begin()
	if len(p.state.Cells) != 2 || text(p.state.Cell("code")) != "out\n" || p.state.Save.State != protocol.Saved {
		t.Errorf("state %s", asJSON(p.state))
	}
	before, err := os.Stat(filepath.Join(w.dir, "a.ipynb"))
	if err != nil {
		t.Fatal(err)
	}
	sv.stop()
	after, err := os.Stat(filepath.Join(w.dir, "a.ipynb"))
	if err != nil {
		t.Fatal(err)
	}
	if w.read("a.ipynb") != twoCells || !os.SameFile(before, after) || !before.ModTime().Equal(after.ModTime()) {
		t.Error("the file was written")
	}
}

// TestReadOnlyFile: it is known before anything is changed, and when it may be written again, what was changed is saved at once.
func TestReadOnlyFile(t *testing.T) {
	w := newWorld(t, "")
	w.write("a.ipynb", twoCells)
	mode := func(m os.FileMode) {
		t.Helper()
		if err := os.Chmod(filepath.Join(w.dir, "a.ipynb"), m); err != nil {
			t.Fatal(err)
		}
	}
	mode(0o444)
	sv, s, p := w.begin()
	if save := p.state.Save; !save.ReadOnly || save.State != protocol.Saved {
		t.Errorf("opened: %+v", save)
	}
	sv.do(s, insert("new", "x = 1"))
	p.until("a save that fails", func(s *protocol.State) bool {
		return s.Save.State == protocol.SaveFailed && s.Save.ReadOnly && s.Save.Text != ""
	})
	if w.read("a.ipynb") != twoCells {
		t.Error("it was written")
	}
	sv.stop()
	sv, _, p = w.begin()
	if save := p.state.Save; !save.ReadOnly || save.State == protocol.Saved || p.state.Cell("new") == nil {
		t.Errorf("opened again: %+v", save)
	}
	mode(0o644)
	p.until("saved", func(s *protocol.State) bool {
		return s.Save == protocol.Save{State: protocol.Saved, Since: s.Save.Since}
	})
	if !strings.Contains(w.read("a.ipynb"), "x = 1") {
		t.Error("the file lacks what was changed")
	}
	mode(0o444)
	p.until("for everybody", func(s *protocol.State) bool { return s.Save.ReadOnly && s.Save.State == protocol.Saved })
	sv.stop()
}

func TestAutosaveAndWhatIsCarried(t *testing.T) {
	quiet(t, func(t *testing.T, w *world) {
		w.write("a.ipynb", twoCells)
		sv, s, p := w.begin()
		sv.do(s, insert("new", "x = 1"))
		p.until("unsaved", func(s *protocol.State) bool { return s.Save.State == protocol.Unsaved })
		p.untilSaved()
		sv.do(s, protocol.Command{Type: protocol.CmdCellDelete, CellIDs: []protocol.CellID{"new"}})
		sv.do(s, protocol.Command{Type: protocol.CmdSave})
		p.until("saving", func(s *protocol.State) bool { return s.Save.State != protocol.Saved })
		p.untilSaved()
		if got := w.read("a.ipynb"); got != twoCells {
			t.Errorf("not as it was:\n%s", got)
		}
	})
}

func TestOutputOfUnknownTypeIsKept(t *testing.T) {
	quiet(t, func(t *testing.T, w *world) {
		const strange = `"outputs":[{"output_type":"hologram","depth":3,"data":{"a":1}}]`
		w.write("a.ipynb", `{"cells":[{"cell_type":"code","id":"a","metadata":{},"source":"1","execution_count":null,`+strange+`}],"metadata":{},"nbformat":4,"nbformat_minor":5}`)
		sv, s, p := w.begin()
		for _, cell := range []string{"one", "two"} {
			sv.do(s, insert(cell, "x"))
			p.until("unsaved", func(s *protocol.State) bool { return s.Save.State != protocol.Saved })
			p.untilSaved()
		}
		var got bytes.Buffer
		if err := json.Compact(&got, []byte(w.read("a.ipynb"))); err != nil {
			t.Fatal(err)
		}
		for _, part := range []string{`"output_type":"hologram"`, `"depth":3`, `"data":{"a":1}`} {
			if !strings.Contains(got.String(), part) {
				t.Errorf("%s is lost: %s", part, &got)
			}
		}
	})
}

func TestAnotherProgramChangesTheFile(t *testing.T) {
	quiet(t, func(t *testing.T, w *world) {
		w.write("a.ipynb", twoCells)
		sv, s, p := w.begin()
		w.write("a.ipynb", strings.ReplaceAll(twoCells, "# Title", "# Other"))
		p.until("the other title", func(s *protocol.State) bool { return s.Cell("head").Source == "# Other" })
		if p.state.Save.State != protocol.Saved || text(p.state.Cell("code")) != "out\n" {
			t.Errorf("state %s", asJSON(p.state))
		}
		// Both change: different cells are joined, the same cell is kept twice.
		sv.kernels.broken = errors.New("there are none")
		sv.do(s, protocol.Command{Type: protocol.CmdExecute, CellID: "head2", Code: new(string)})
		p.untilDone("head2", protocol.StatusKernelDied)
		sv.do(s, insert("ours", "o"))
		w.write("a.ipynb", strings.ReplaceAll(twoCells, "# Title", "# Third"))
		p.until("both", func(s *protocol.State) bool { return s.Cell("head").Source == "# Third" && s.Cell("ours") != nil })
		p.untilSaved()
		if got := w.read("a.ipynb"); !strings.Contains(got, "# Third") || !strings.Contains(got, `"ours"`) {
			t.Errorf("the file: %s", got)
		}
		p.same()
	})
}

// editedHead is a page on two cells of which the first was changed, which is not saved yet.
func editedHead(w *world) (*server, *Session, *page) {
	w.t.Helper()
	w.write("a.ipynb", twoCells)
	sv, s, p := w.begin()
	sv.do(s, protocol.Command{Type: protocol.CmdEdit, CellID: "head", Changes: json.RawMessage(`[2,[5,"Ours"]]`)})
	return sv, s, p
}

func TestBothChangedTheSameCell(t *testing.T) {
	quiet(t, func(t *testing.T, w *world) {
		_, _, p := editedHead(w)
		w.write("a.ipynb", strings.ReplaceAll(twoCells, "# Title", "# Theirs"))
		p.until("both", func(s *protocol.State) bool { return len(s.Cells) == 3 })
		p.until("said", func(s *protocol.State) bool { return s.Save.State == protocol.SaveClashed })
		all := asJSON(p.state)
		if !strings.Contains(all, "# Ours") || !strings.Contains(all, "# Theirs") {
			t.Errorf("state %s", all)
		}
	})
}

func TestOneSideDeletedWhatTheOtherChanged(t *testing.T) {
	quiet(t, func(t *testing.T, w *world) {
		sv, s, p := editedHead(w)
		var theirs map[string]any
		if err := json.Unmarshal([]byte(twoCells), &theirs); err != nil {
			t.Fatal(err)
		}
		theirs["cells"] = slices.DeleteFunc(theirs["cells"].([]any), func(c any) bool { return c.(map[string]any)["id"] == "head" })
		w.write("a.ipynb", asJSON(theirs))
		p.until("said", func(s *protocol.State) bool { return s.Save.State == protocol.SaveClashed })
		head := p.state.Cell("head")
		if head == nil || head.Source != "# Ours" || string(head.Metadata) != `{"runnel":{"clash":{"deleted":"disk"}}}` {
			t.Errorf("state %s", asJSON(p.state))
		}
		if text := p.state.Save.Text; !strings.Contains(text, "deleted") || strings.Contains(text, "Both versions") {
			t.Errorf("it says %q", text)
		}
		// Settled by the person: the file has no mark.
		sv.do(s, protocol.Command{Type: protocol.CmdCellChange, CellID: "head", Metadata: json.RawMessage(`{}`)})
		sv.do(s, protocol.Command{Type: protocol.CmdSave})
		p.untilSaved()
		if got := w.read("a.ipynb"); strings.Contains(got, "clash") || !strings.Contains(got, "# Ours") {
			t.Errorf("the file: %s", got)
		}
	})
}

func TestTheServerWasAwayWhenTheFileChanged(t *testing.T) {
	quiet(t, func(t *testing.T, w *world) {
		w.write("a.ipynb", twoCells)
		sv, s, p := w.begin()
		sv.do(s, insert("one", "1"))
		p.until("unsaved", func(s *protocol.State) bool { return s.Save.State != protocol.Saved })
		p.untilSaved()
		// What the journal has and the file has not: a folder that cannot be written.
		state := filepath.Join(w.dir, "a.ipynb")
		saved := w.read("a.ipynb")
		sv.do(s, insert("two", "2"))
		sv.stop()
		if !strings.Contains(w.read("a.ipynb"), `"two"`) {
			t.Fatal("not saved at the end")
		}
		if err := os.WriteFile(state, []byte(strings.ReplaceAll(saved, "# Title", "# Away")), 0o644); err != nil {
			t.Fatal(err)
		}
		sv = w.serve()
		s = sv.open("a.ipynb")
		p = sv.page(s)
		if p.state.Cell("head").Source != "# Away" || p.state.Cell("two") != nil || p.state.Cell("one") == nil {
			t.Errorf("state %s", asJSON(p.state))
		}
	})
}

// The server is killed when the file is there and the journal does not know it yet; meanwhile the person went on in the same cell.
func TestKilledBetweenFileAndJournal(t *testing.T) {
	w := newWorld(t, "")
	sv, s, _ := editedHead(w)
	var v version
	if err := s.call(testContext(t), func() {
		v = version{state: s.core.state(), carried: s.carried, path: s.path, expect: s.core.priv.Base.Stamp, ticket: s.writer.last()}
	}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.writeFile(testContext(t), v); err != nil {
		t.Fatal(err)
	}
	sv.do(s, protocol.Command{Type: protocol.CmdEdit, CellID: "head", Version: 1, Changes: json.RawMessage(`[6,[0,", and more"]]`)})
	after := w.copied()
	sv = after.serve()
	p := sv.page(sv.open("a.ipynb"))
	if len(p.state.Cells) != 2 || p.state.Cell("head").Source != "# Ours, and more" || p.state.Save.State == protocol.SaveClashed {
		t.Errorf("state %s", asJSON(p.state))
	}
	p.untilSaved()
	if got := after.read("a.ipynb"); !strings.Contains(got, "# Ours, and more") {
		t.Errorf("the file: %s", got)
	}
}

func TestBrokenFile(t *testing.T) {
	quiet(t, func(t *testing.T, w *world) {
		w.write("a.ipynb", "{\n \"cells\": [,]\n}")
		sv := w.serve()
		_, err := sv.hub.Open(testContext(t), "a.ipynb", true)
		if fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.Message(err), "line 2") {
			t.Errorf("%v: %s", err, fault.Message(err))
		}
		_, err = sv.hub.Open(testContext(t), "none.ipynb", false)
		if fault.KindOf(err) != fault.NotFound {
			t.Errorf("no file: %v", err)
		}
		if _, err := sv.hub.Open(testContext(t), "../a.ipynb", false); err == nil || errors.Is(err, os.ErrNotExist) {
			t.Errorf("outside: %v", err)
		}
		w.write("b.ipynb", twoCells)
		s := sv.open("b.ipynb")
		p := sv.page(s)
		w.write("b.ipynb", "{ broken")
		p.until("said", func(s *protocol.State) bool { return s.Save.State == protocol.SaveFailed })
		sv.do(s, insert("new", "x"))
		if err := s.call(testContext(t), func() { s.core.saveNow() }); err != nil {
			t.Fatal(err)
		}
		p.c.Close()
		sv.stop()
		if w.read("b.ipynb") != "{ broken" {
			t.Error("written over")
		}
	})
}

// What was broken is put back as it was, or taken away: nothing is wrong any more.
func TestBrokenFileIsPutBack(t *testing.T) {
	quiet(t, func(t *testing.T, w *world) {
		w.write("a.ipynb", twoCells)
		sv := w.serve()
		p := sv.page(sv.open("a.ipynb"))
		failed := func(s *protocol.State) bool { return s.Save.State == protocol.SaveFailed }
		w.write("a.ipynb", "{ broken")
		p.until("said", failed)
		w.write("a.ipynb", twoCells)
		p.untilSaved()
		w.write("a.ipynb", "{ broken")
		p.until("said", failed)
		if err := os.Remove(filepath.Join(w.dir, "a.ipynb")); err != nil {
			t.Fatal(err)
		}
		p.untilSaved()
	})
}

func TestRenamed(t *testing.T) {
	quiet(t, func(t *testing.T, w *world) {
		w.write("a.ipynb", twoCells)
		sv, s, p := w.begin()
		k := sv.idleKernel(s, p)
		if err := sv.hub.Rename(testContext(t), "a.ipynb", "b.ipynb"); err != nil {
			t.Fatal(err)
		}
		p.until("the new name", func(s *protocol.State) bool { return s.Notebook == "b.ipynb" })
		synctest.Wait()
		if got := k.notebook.Load(); got != "b.ipynb" {
			t.Errorf("the kernel is called that of %v", got)
		}
		sv.do(s, insert("new", "x"))
		sv.do(s, protocol.Command{Type: protocol.CmdSave})
		p.until("saved", func(s *protocol.State) bool { return s.Save.State == protocol.Saved })
		if again := sv.open("b.ipynb"); again != s {
			t.Error("another session")
		}
		sv.stop()
		if !strings.Contains(w.read("b.ipynb"), `"new"`) {
			t.Error("not saved under the new name")
		}
	})
}

// The served folder is removed under an open notebook, and made again: what is typed meanwhile is not saved, which is said, and is then in the new folder.
func TestServedFolderIsMadeAgain(t *testing.T) {
	quiet(t, func(t *testing.T, w *world) {
		sv, s, p := editedHead(w)
		p.untilSaved()
		if err := os.RemoveAll(w.dir); err != nil {
			t.Fatal(err)
		}
		sv.do(s, insert("late", "x = 1"))
		sv.do(s, protocol.Command{Type: protocol.CmdSave})
		p.until("not saved, and why", func(s *protocol.State) bool {
			return s.Save.State == protocol.SaveFailed && strings.Contains(s.Save.Text, "folder that is served")
		})
		if err := os.Mkdir(w.dir, 0o755); err != nil {
			t.Fatal(err)
		}
		p.untilSaved()
		if got := w.read("a.ipynb"); !strings.Contains(got, `"late"`) || !strings.Contains(got, "Ours") {
			t.Errorf("the file: %s", got)
		}
	})
}

// A server that ends in the middle of a large save lets the save end: it says nothing of something that is not saved, and writes the file once.
func TestServerEndsWhileSaving(t *testing.T) {
	w := newWorld(t, "")
	var log bytes.Buffer // the hub's goroutines are gone when it is read
	w.log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	sv, s, p := w.begin()
	for i := range 8 {
		sv.do(s, insert(fmt.Sprintf("big%d", i), strings.Repeat("a line of much text\n", 100_000)))
	}
	sv.do(s, protocol.Command{Type: protocol.CmdSave})
	p.until("saving", func(s *protocol.State) bool { return s.Save.State == protocol.Saving })
	sv.stop()
	if got := w.read("a.ipynb"); !strings.Contains(got, `"big7"`) || log.Len() > 0 {
		t.Errorf("the file has %d bytes, the log is %s", len(got), &log)
	}
}

// The server is killed when the file is there, and is kept as the version known last, and the journal does not know it yet; then another program changes it.
func TestKilledBetweenFileAndJournal_changedThen(t *testing.T) {
	w := newWorld(t, "")
	sv, s, p := editedHead(w)
	p.until("unsaved", func(s *protocol.State) bool { return s.Save.State != protocol.Saved })
	p.untilSaved()
	sv.do(s, protocol.Command{Type: protocol.CmdEdit, CellID: "head", Version: 1, Changes: json.RawMessage(`[6,[0,", and more"]]`)})
	var v version
	if err := s.call(testContext(t), func() { v = s.version() }); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.writeFile(testContext(t), v); err != nil {
		t.Fatal(err)
	}
	after := w.copied()
	after.write("a.ipynb", strings.Replace(after.read("a.ipynb"), "print('out')", "print('theirs')", 1))
	sv = after.serve()
	p = sv.page(sv.open("a.ipynb"))
	if len(p.state.Cells) != 2 || p.state.Cell("head").Source != "# Ours, and more" || p.state.Cell("code").Source != "print('theirs')" {
		t.Errorf("state %s", asJSON(p.state))
	}
}

// The server is killed again and again before it has saved what it joined, and another program changes the file each time: what is known of that file is the
// version that was joined, so that a cell which only the other program changes is taken from there, and never a clash.
func TestKilledBeforeWhatWasJoinedIsSaved(t *testing.T) {
	w := newWorld(t, "")
	editedHead(w)
	for i, from := range []string{"print('out')", "print('0')", "print('1')"} {
		to := fmt.Sprintf("print('%d')", i)
		w = w.copied()
		data := w.read("a.ipynb")
		if !strings.Contains(data, from) {
			t.Fatalf("life %d: the file is %s", i, data)
		}
		w.write("a.ipynb", strings.Replace(data, from, to, 1))
		sv := w.serve()
		s := sv.open("a.ipynb")
		sv.do(s, insert(fmt.Sprintf("new%d", i), "1")) // what was joined is in the journal with it
		state, err := s.State(testContext(t))
		if err != nil {
			t.Fatal(err)
		}
		if len(state.Cells) != 3+i || state.Cell("code").Source != to || state.Cell("head").Source != "# Ours" {
			t.Fatalf("life %d: %s", i, asJSON(state.Cells))
		}
	}
}
