package session

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/runnel-dev/runnel/internal/protocol"
)

// The server is killed at each point of a move: the next one finds the notebook, with all that only the journal has of it, where its file is, and makes no second file.
func TestKilledWhileRenaming(t *testing.T) {
	steps := []struct {
		after string
		do    func(w *world, s *Session) error
		at    string // where the file is then
	}{
		{"the note", func(_ *world, s *Session) error { return s.hub.cfg.Journal.PutMove(s.id, "b.ipynb") }, "a.ipynb"},
		{"the move", func(w *world, _ *Session) error {
			return os.Rename(filepath.Join(w.dir, "a.ipynb"), filepath.Join(w.dir, "b.ipynb"))
		}, "b.ipynb"},
		{"the journal's entry", func(_ *world, s *Session) error {
			return s.hub.cfg.Journal.Rename(testContext(t), s.id, "b.ipynb")
		}, "b.ipynb"},
	}
	w := newWorld(t, "")
	w.write("a.ipynb", twoCells)
	sv, s, _ := w.begin()
	if err := s.call(testContext(t), func() { s.moving = true }); err != nil {
		t.Fatal(err)
	}
	sv.do(s, insert("mine", "only the journal has it"))
	for _, step := range steps {
		if err := step.do(w, s); err != nil {
			t.Fatal(err)
		}
		after := w.copied()
		next := after.serve()
		p := next.page(next.open(step.at))
		if p.state.Cell("mine") == nil || p.state.Cell("head") == nil {
			t.Errorf("killed after %s: %s has %s", step.after, step.at, asJSON(p.state.Cells))
		}
		p.untilSaved()
		next.stop()
		if found, err := filepath.Glob(filepath.Join(after.dir, "*.ipynb")); err != nil || len(found) != 1 {
			t.Errorf("killed after %s: the files are %v", step.after, found)
		}
	}
}

// A move that cannot be done changes nothing, and what is saved later goes where the notebook is.
func TestRenameFails(t *testing.T) {
	quiet(t, func(t *testing.T, w *world) {
		w.write("b.ipynb", twoCells)
		sv, s, p := w.begin()
		if err := sv.hub.Rename(testContext(t), "a.ipynb", "b.ipynb"); err == nil {
			t.Error("renamed onto another file")
		}
		sv.do(s, insert("new", "x"))
		sv.do(s, protocol.Command{Type: protocol.CmdSave})
		p.untilSaved()
		if p.state.Notebook != "a.ipynb" || w.read("b.ipynb") != twoCells || sv.hub.cfg.Journal.Move(s.id) != "" {
			t.Errorf("it is %s, noted as moving to %q", p.state.Notebook, sv.hub.cfg.Journal.Move(s.id))
		}
	})
}

// A folder is renamed: the notebooks in it go on in the folder's new place, also under the next server, and those beside it stay.
func TestRenameFolder(t *testing.T) {
	quiet(t, func(t *testing.T, w *world) {
		sv := w.serve()
		in, beside := sv.open("sub/in.ipynb"), sv.open("sub2.ipynb")
		sv.do(in, insert("new", "x"))
		if err := sv.hub.Rename(testContext(t), "sub", "moved"); err != nil {
			t.Fatal(err)
		}
		if sv.open("moved/in.ipynb") != in || sv.open("sub2.ipynb") != beside {
			t.Error("another session")
		}
		sv.stop()
		next := w.serve()
		if p := next.page(next.open("moved/in.ipynb")); p.state.Cell("new") == nil {
			t.Errorf("the next server has %s", asJSON(p.state.Cells))
		}
		if _, err := os.Lstat(filepath.Join(w.dir, "sub")); err == nil {
			t.Error("the folder's old place is there again")
		}
	})
}
