package session

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/internal/fault"
)

// A notebook that is named and absent is created, its folders too; never outside, and not in the place of a file.
func TestAbsentNotebookIsCreated(t *testing.T) {
	quiet(t, func(t *testing.T, w *world) {
		sv := w.serve()
		w.write("file", "text")
		sv.open("a/b/c.ipynb")
		if _, err := os.Stat(filepath.Join(w.dir, "a", "b", "c.ipynb")); err != nil {
			t.Error(err)
		}
		for _, path := range []string{"../out/c.ipynb", "file/c.ipynb", ".hidden/../../c.ipynb"} {
			if _, err := sv.hub.Open(testContext(t), path, true); err == nil || fault.KindOf(err) == fault.Internal {
				t.Errorf("%s: %v", path, err)
			}
		}
		if _, err := sv.hub.Open(testContext(t), "x/y.ipynb", false); fault.KindOf(err) != fault.NotFound {
			t.Errorf("not to be created: %v", err)
		}
		if got := w.read("file"); got != "text" {
			t.Errorf("the file is %q", got)
		}
	})
}

// What a client names is opened and made as a notebook only when its name says that it is one; one that got another name while it was open
// can be had under that.
func TestNotebookIsNamedSo(t *testing.T) {
	quiet(t, func(t *testing.T, w *world) {
		sv := w.serve()
		w.write("empty.txt", "")
		w.write("notes.json", twoCells)
		for _, path := range []string{"x.txt", "x", "sub/x.ipynb.bak", "empty.txt", "notes.json", "", "xipynb"} {
			_, err := sv.hub.Open(testContext(t), path, true)
			if fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.Message(err), ".ipynb") {
				t.Errorf("%q: %v", path, err)
			}
		}
		for _, name := range []string{"x.txt", "x", "sub", "xipynb"} {
			if _, err := os.Lstat(filepath.Join(w.dir, name)); err == nil {
				t.Errorf("%s was made", name)
			}
		}
		s := sv.open("A.IPYNB")
		if err := sv.hub.Rename(testContext(t), "A.IPYNB", "b.txt"); err != nil {
			t.Fatal(err)
		}
		if again, err := sv.hub.Open(testContext(t), "b.txt", true); err != nil || again != s {
			t.Errorf("renamed while it was open: %v", err)
		}
	})
}
