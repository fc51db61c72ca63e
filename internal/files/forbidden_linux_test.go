package files

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/runnel-dev/runnel/internal/fault"
)

// asAnother runs do as a user who is not root: on disks root may everything.
func asAnother(t *testing.T, dir string, do func()) {
	t.Helper()
	if os.Getuid() != 0 {
		do()
		return
	}
	const nobody = 65534
	for at := dir; len(at) > len(os.TempDir()); at = filepath.Dir(at) {
		must(t, os.Chmod(at, 0o777))
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	must(t, unix.Setfsuid(nobody))
	defer func() { must(t, unix.Setfsuid(0)) }()
	do()
}

// TestForbidden: where one may not read or write, it is said which of the two it is, where, and what helps.
func TestForbidden(t *testing.T) {
	f, dir := open(t)
	put(t, dir, "look/a.ipynb", "{}")
	put(t, dir, "shut/a.ipynb", "{}")
	must(t, os.Chmod(filepath.Join(dir, "look"), 0o555))
	must(t, os.Chmod(filepath.Join(dir, "shut"), 0))
	defer func() { must(t, os.Chmod(filepath.Join(dir, "shut"), 0o755)) }()
	ctx := context.Background()
	create := func(p Path) error { _, err := f.Create(ctx, p, nil); return err }
	asAnother(t, dir, func() {
		for _, c := range []struct {
			what  string
			err   error
			words []string
			write bool
		}{
			{"make", create("look/b.ipynb"), []string{"Nothing can be made in look", "may not write", "Choose another folder"}, true},
			{"make in a shut folder", create("shut/b.ipynb"), []string{"Nothing can be made in shut", "Choose another folder"}, true},
			{"ask for a name", f.Free("shut/b.ipynb"), []string{"Nothing can be made in shut"}, true},
			{"make a folder", f.Mkdir("look/b"), []string{"Nothing can be made in look"}, true},
			{"rename", f.Rename("look/a.ipynb", "look/b.ipynb"), []string{"cannot be changed", "permissions of the folder"}, true},
			{"save", func() error { _, err := f.Save(ctx, "look/a.ipynb", nil, nil); return err }(), []string{"a.ipynb cannot be written", "permissions of the file"}, true},
			{"read", func() error { _, _, err := f.Read("shut/a.ipynb"); return err }(), []string{"may not read a.ipynb", "permissions"}, false},
			{"list", func() error { _, err := f.List("shut"); return err }(), []string{"may not read shut", "permissions"}, false},
		} {
			if fault.KindOf(c.err) != fault.Forbidden || errors.Is(c.err, ErrReadOnly) != c.write {
				t.Errorf("%s: %v", c.what, c.err)
			}
			for _, word := range c.words {
				if !strings.Contains(fault.Message(c.err), word) {
					t.Errorf("%s: %q lacks %q", c.what, fault.Message(c.err), word)
				}
			}
		}
	})
}
