package session

import (
	"os"
	"path/filepath"
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
