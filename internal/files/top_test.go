package files

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/internal/fault"
)

// TestFolderMadeAgain: a served folder that is removed is not there, and is served again when it was made again.
func TestFolderMadeAgain(t *testing.T) {
	f, dir := open(t)
	put(t, dir, "a.ipynb", "one")
	ctx := context.Background()
	for _, text := range []string{"two", "three", "four"} {
		must(t, os.RemoveAll(dir))
		_, list := f.List("")
		_, save := f.Save(ctx, "a.ipynb", []byte(text), nil)
		_, _, read := f.Read("a.ipynb")
		for what, err := range map[string]error{"list": list, "save": save, "read": read, "mkdir": f.Mkdir("sub")} {
			if fault.KindOf(err) != fault.NotFound || !strings.Contains(fault.Message(err), "folder that is served") || !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s in a folder that is gone: %v", what, err)
			}
		}
		must(t, os.Mkdir(dir, 0o755))
		if _, err := f.Save(ctx, "a.ipynb", []byte(text), nil); err != nil || content(t, dir, "a.ipynb") != text {
			t.Errorf("saved %q, %v", content(t, dir, "a.ipynb"), err)
		}
		entries, err := f.List("")
		if err != nil || len(entries) != 1 {
			t.Errorf("listed %q, %v", names(entries), err)
		}
	}
	id, err := f.Delete("a.ipynb")
	must(t, err)
	must(t, os.RemoveAll(dir))
	must(t, os.Mkdir(dir, 0o755))
	if p, err := f.Restore(ctx, id); err != nil || content(t, dir, string(p)) != "four" {
		t.Errorf("restored %q, %v", p, err)
	}
}

// TestFolderMovedAway: it goes on where it is, until another one is at its path.
func TestFolderMovedAway(t *testing.T) {
	f, dir := open(t)
	put(t, dir, "a.ipynb", "one")
	must(t, os.Rename(dir, dir+"-moved"))
	if data, _, err := f.Read("a.ipynb"); err != nil || string(data) != "one" {
		t.Errorf("moved: %q, %v", data, err)
	}
	put(t, dir, "a.ipynb", "another")
	if data, _, err := f.Read("a.ipynb"); err != nil || string(data) != "another" {
		t.Errorf("another in its place: %q, %v", data, err)
	}
}

// TestFolderReplacedByOthers: neither a link nor a folder of somebody else is taken for the one that was removed.
func TestFolderReplacedByOthers(t *testing.T) {
	f, dir := open(t)
	must(t, os.RemoveAll(dir))
	refused := func(why string) {
		t.Helper()
		if data, _, err := f.Read("x.ipynb"); err == nil {
			t.Errorf("%s: read %q", why, data)
		}
		if _, err := f.Save(context.Background(), "y.ipynb", nil, nil); err == nil {
			t.Errorf("%s: saved", why)
		}
	}
	must(t, os.Symlink(dir+"-secret", dir))
	refused("a link to outside")
	must(t, os.Remove(dir))
	must(t, os.WriteFile(dir, nil, 0o600))
	refused("a file")
	must(t, os.Remove(dir))
	if os.Getuid() == 0 { // only root can give a folder away
		put(t, dir, "x.ipynb", "theirs")
		must(t, os.Chown(dir, 4711, 4711))
		refused("a folder of somebody else")
		must(t, os.RemoveAll(dir))
	}
	// A folder above it becomes a link.
	above := filepath.Dir(dir)
	must(t, os.Rename(above, above+"-real"))
	must(t, os.MkdirAll(filepath.Join(above+"-other", "data"), 0o755))
	put(t, filepath.Join(above+"-other", "data"), "x.ipynb", "elsewhere")
	must(t, os.Symlink(above+"-other", above))
	refused("a link above it")
}

// TestWatchFolderMadeAgain: what is in a folder that was made again is noticed, by the system's notices too.
func TestWatchFolderMadeAgain(t *testing.T) {
	f, dir := open(t)
	put(t, dir, "a.ipynb", "one")
	w := NewWatcher(f, 20*time.Millisecond, nil)
	run(t, w)
	w.Watch("a.ipynb", stampAt(t, f, "a.ipynb"), true)
	waitFollowed(t, w)
	must(t, os.RemoveAll(dir))
	if c := <-w.Changes(); !c.Gone {
		t.Errorf("removed: %+v", c)
	}
	put(t, dir, "a.ipynb", "two")
	if c := <-w.Changes(); c.Gone || !c.Stamp.Same(stampAt(t, f, "a.ipynb")) {
		t.Errorf("made again: %+v", c)
	}
}

// TestNoticesOfAFolderMadeAgain: the poll is too slow to help; a nudge is enough to follow the folder anew.
func TestNoticesOfAFolderMadeAgain(t *testing.T) {
	f, dir := open(t)
	put(t, dir, "sub/a.ipynb", "one")
	w := NewWatcher(f, time.Hour, nil)
	run(t, w)
	w.Watch("sub/a.ipynb", stampAt(t, f, "sub/a.ipynb"), true)
	waitFollowed(t, w)
	must(t, os.RemoveAll(filepath.Join(dir, "sub")))
	if c := <-w.Changes(); !c.Gone {
		t.Errorf("removed: %+v", c)
	}
	must(t, os.Mkdir(filepath.Join(dir, "sub"), 0o755))
	waitFollowed(t, w)
	put(t, dir, "sub/a.ipynb", "two")
	if c := <-w.Changes(); c.Gone || !c.Stamp.Same(stampAt(t, f, "sub/a.ipynb")) {
		t.Errorf("made again: %+v", c)
	}
}
