package files

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/runnel-dev/runnel/internal/fault"
)

func TestMain(m *testing.M) {
	if os.Getenv(saverEnv) != "" {
		saverMain()
		return
	}
	goleak.VerifyTestMain(m)
}

// open makes a folder to serve, and a secret beside it that must stay one.
func open(t *testing.T) (f *Folder, dir string) {
	t.Helper()
	base := t.TempDir()
	dir = filepath.Join(base, "data")
	must(t, os.Mkdir(dir, 0o755))
	must(t, os.Mkdir(dir+"-secret", 0o755))
	must(t, os.WriteFile(filepath.Join(dir+"-secret", "x.ipynb"), []byte("secret"), 0o644))
	f, err := Open(dir, Options{Trash: filepath.Join(base, "trash")})
	must(t, err)
	t.Cleanup(func() { must(t, f.Close()) })
	return f, f.Dir()
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func put(t testing.TB, dir, name, text string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
	must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
}

func content(t testing.TB, dir, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	must(t, err)
	return string(data)
}

// temps are the temporary files left in a folder.
func temps(t testing.TB, dir string) []string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(dir, tempPrefix+"*"))
	must(t, err)
	return list
}

func TestParse(t *testing.T) {
	for _, bad := range []string{
		"..", "../x", "a/../x", "a/..", ".", "./a", "a/./b", "/", "/etc/passwd", "a//b", "a/", "%2e%2e/x", "%2E%2E%2Fx", "..%2fx", "a%2f..%2fb",
		"%252e%252e", "%25252525252e", "..\\x", "a\\b", "C:\\x", "C:/x", "\\\\host\\share", "//host/share", "a\x00b", "a%00b", "a\nb", "a\x7f", "a\u0085b",
		".git", ".ssh/id", "a/.hidden", "%2egit", "a/.ipynb_checkpoints/b", ".runnel-x.tmp", "a.", "a ", "a./b", "con", "NUL", "aux.ipynb", "COM1", "lpt9.txt",
		"con .x", "conin$", "\xff", "a/\xc3", strings.Repeat("n", 256), strings.Repeat("a/", 100) + "a", strings.Repeat("abcdefgh/", 50) + strings.Repeat("x", 4000),
	} {
		if p, err := Parse(bad); !errors.Is(err, ErrPath) {
			t.Errorf("%.60q: %q, %v", bad, p, err)
		} else if k := fault.KindOf(err); k != fault.Forbidden && k != fault.Invalid {
			t.Errorf("%.60q: kind %v", bad, k)
		}
	}
	for _, good := range []string{
		"", "a", "a/b/c.ipynb", "Ünïcode 日本 😀.ipynb", "100%.ipynb", "50%25", "a..b", "a b", "console.py", "com10", "10:30 plot.ipynb", "~a", "-rf", "a'b\"c<d>",
		strings.Repeat("n", 255),
	} {
		if p, err := Parse(good); err != nil || string(p) != good {
			t.Errorf("%.60q: %q, %v", good, p, err)
		}
	}
}

// TestNothingOutside: whatever is asked of the folder by these paths, nothing outside of it is read or written (S13, S14).
func TestNothingOutside(t *testing.T) {
	f, dir := open(t)
	put(t, dir, "a.ipynb", "a")
	put(t, dir, ".hidden/x.ipynb", "hidden")
	must(t, os.Mkdir(filepath.Join(dir, "sub"), 0o755))
	link := func(target, name string) { must(t, os.Symlink(target, filepath.Join(dir, name))) }
	link("../data-secret", "out")
	link("../data-secret/x.ipynb", "out.ipynb")
	link(dir+"-secret/x.ipynb", "absolute.ipynb")
	link("/etc/passwd", "passwd")
	link(".hidden", "peek")
	link(".hidden/x.ipynb", "peek.ipynb")
	link("loop", "loop")
	link("..", "up")
	link("sub/../../data-secret/x.ipynb", "winding.ipynb")
	must(t, syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o644))
	listener, err := net.Listen("unix", filepath.Join(dir, "socket"))
	must(t, err)
	defer listener.Close()
	if os.Getuid() == 0 {
		must(t, syscall.Mknod(filepath.Join(dir, "device"), syscall.S_IFCHR|0o666, 1<<8|3))
	} else {
		link("/dev/null", "device")
	}
	ctx := context.Background()
	for _, name := range []string{
		"out/x.ipynb", "out", "out.ipynb", "absolute.ipynb", "passwd", "peek/x.ipynb", "peek", "peek.ipynb", "loop", "up", "up/data-secret/x.ipynb", "winding.ipynb",
		"fifo", "socket", "device", "../data-secret/x.ipynb", ".hidden/x.ipynb", "sub/../../data-secret/x.ipynb", "/etc/passwd",
	} {
		p := Path(name) // not through Parse: the folder holds by itself
		check := func(what string, err error) {
			t.Helper()
			if k := fault.KindOf(err); err == nil || k != fault.Forbidden && k != fault.NotFound && k != fault.Invalid {
				t.Errorf("%s %s: %v (%v)", what, name, err, k)
			}
		}
		_, _, err := f.Read(p)
		check("read", err)
		_, err = f.OpenFile(p)
		check("open", err)
		_, err = f.Stat(p)
		check("stat", err)
		_, err = f.List(p)
		check("list", err)
		_, err = f.Save(ctx, p, []byte("mine"), nil)
		check("save", err)
		_, err = f.Delete(p)
		check("delete", err)
		check("rename from", f.Rename(p, "new"))
		for _, inside := range []Path{p + "/y", p + "/y/z"} {
			_, err = f.Create(ctx, inside, []byte("mine"))
			check("create in", err)
			check("mkdir in", f.Mkdir(inside))
			check("rename into", f.Rename("a.ipynb", inside))
		}
	}
	if got := content(t, dir+"-secret", "x.ipynb"); got != "secret" {
		t.Errorf("the secret is %q", got)
	}
	entries, err := f.List("")
	must(t, err)
	if names := names(entries); !slices.Equal(names, []string{"sub", "a.ipynb"}) {
		t.Errorf("listed: %q", names)
	}
}

func names(entries []Entry) (list []string) {
	for _, e := range entries {
		list = append(list, e.Name)
	}
	return list
}

// TestSwappedSymlink: a folder that becomes a symlink to outside between the calls leads nowhere.
func TestSwappedSymlink(t *testing.T) {
	f, dir := open(t)
	put(t, dir, "real/x.ipynb", "inside")
	inside, swap := filepath.Join(dir, "real"), filepath.Join(dir, "swap")
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
			}
			_ = os.Remove(swap)
			_ = os.Symlink(inside, swap)
			_ = os.Remove(swap)
			_ = os.Symlink(dir+"-secret", swap)
		}
	}()
	for i := range 2000 {
		if data, _, err := f.Read("swap/x.ipynb"); err == nil && string(data) == "secret" {
			t.Errorf("read %q from outside", data)
		}
		_, _ = f.Save(context.Background(), "swap/x.ipynb", []byte("inside"), nil)
		if _, err := f.Create(context.Background(), Path(fmt.Sprintf("swap/new%d", i)), nil); err == nil {
			_ = os.Remove(filepath.Join(inside, fmt.Sprintf("new%d", i)))
		}
	}
	close(stop)
	<-done
	entries, err := os.ReadDir(dir + "-secret")
	must(t, err)
	if got := content(t, dir+"-secret", "x.ipynb"); got != "secret" || len(entries) != 1 {
		t.Errorf("outside: %q, %d files", got, len(entries))
	}
}

func TestDeniedFolders(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "state/token", "secret")
	put(t, dir, "statement", "fine")
	f, err := Open(dir, Options{Trash: filepath.Join(dir, "state", "trash"), Deny: []string{filepath.Join(dir, "state")}})
	must(t, err)
	defer f.Close()
	if _, _, err := f.Read("state/token"); !errors.Is(err, ErrPath) {
		t.Errorf("read: %v", err)
	}
	if _, _, err := f.Read("statement"); err != nil {
		t.Error(err)
	}
	entries, err := f.List("")
	must(t, err)
	if len(entries) != 1 {
		t.Errorf("listed: %q", names(entries))
	}
	id, err := f.Delete("statement")
	must(t, err)
	_, err = f.Restore(context.Background(), id)
	must(t, err)
}

func TestList(t *testing.T) {
	f, dir := open(t)
	put(t, dir, "b.ipynb", "12345")
	put(t, dir, "A.txt", "1")
	put(t, dir, "zoo/inner.ipynb", "")
	must(t, os.Chmod(filepath.Join(dir, "A.txt"), 0o444))
	must(t, os.Symlink("b.ipynb", filepath.Join(dir, "c.ipynb")))
	entries, err := f.List("")
	must(t, err)
	var got []string
	for _, e := range entries {
		if e.Modified.IsZero() {
			t.Errorf("%s has no time", e.Name)
		}
		got = append(got, fmt.Sprint(e.Name, " ", e.Path, " ", e.Kind, " ", e.Size, " ", e.Writable))
	}
	want := []string{"zoo zoo dir 0 true", "A.txt A.txt file 1 false", "b.ipynb b.ipynb notebook 5 true", "c.ipynb c.ipynb notebook 5 true"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if entries, err = f.List("zoo"); err != nil || len(entries) != 1 || entries[0].Path != "zoo/inner.ipynb" {
		t.Errorf("%v, %v", entries, err)
	}
	if _, err := f.List("b.ipynb"); !errors.Is(err, ErrNotFile) {
		t.Errorf("a file as a folder: %v", err)
	}
	if _, _, err := f.Read("zoo"); !errors.Is(err, ErrNotFile) {
		t.Errorf("a folder as a file: %v", err)
	}
	if _, err := f.List("nowhere"); fault.KindOf(err) != fault.NotFound || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nowhere: %v", err)
	}
}

func TestCreateRenameMkdir(t *testing.T) {
	f, dir := open(t)
	ctx := context.Background()
	for _, want := range []Path{"Untitled.ipynb", "Untitled 1.ipynb", "Untitled 2.ipynb"} {
		p, stamp, err := f.CreateFree(ctx, "", "Untitled", ".ipynb", []byte("{}"))
		if err != nil || p != want {
			t.Fatalf("%q, %v, want %q", p, err, want)
		}
		if _, now, err := f.Read(p); err != nil || now != stamp {
			t.Errorf("stamp %v, on disk %v, %v", stamp, now, err)
		}
	}
	if _, err := f.Create(ctx, "Untitled.ipynb", []byte("other")); !errors.Is(err, ErrExists) || fault.KindOf(err) != fault.Conflict {
		t.Errorf("create over: %v", err)
	}
	if err := f.Rename("Untitled.ipynb", "Untitled 1.ipynb"); !errors.Is(err, ErrExists) {
		t.Errorf("rename over: %v", err)
	}
	must(t, f.Mkdir("sub"))
	if err := f.Mkdir("sub"); !errors.Is(err, ErrExists) {
		t.Errorf("mkdir over: %v", err)
	}
	must(t, f.Rename("Untitled.ipynb", "sub/moved.ipynb"))
	must(t, f.Rename("sub", "other"))
	if got := content(t, dir, "other/moved.ipynb"); got != "{}" {
		t.Errorf("moved: %q", got)
	}
	if err := f.Rename("other", "other/inner"); fault.KindOf(err) != fault.Invalid {
		t.Errorf("into itself: %v", err)
	}
	if err := f.Rename("nowhere", "x"); fault.KindOf(err) != fault.NotFound {
		t.Errorf("nothing: %v", err)
	}
	if err := f.Rename("", "x"); err == nil {
		t.Error("the folder itself was renamed")
	}
	if info, err := os.Stat(filepath.Join(dir, "Untitled 1.ipynb")); err != nil || info.Mode().Perm()&0o044 == 0 {
		t.Errorf("mode of a new file: %v, %v", info.Mode(), err)
	}
	if left := temps(t, dir); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

func TestTrash(t *testing.T) {
	f, dir := open(t)
	ctx := context.Background()
	put(t, dir, "sub/deep/a.ipynb", "first")
	id, err := f.Delete("sub/deep/a.ipynb")
	must(t, err)
	must(t, os.RemoveAll(filepath.Join(dir, "sub")))
	if p, err := f.Restore(ctx, id); err != nil || p != "sub/deep/a.ipynb" || content(t, dir, string(p)) != "first" {
		t.Fatalf("%q, %v", p, err)
	}
	if _, err := f.Restore(ctx, id); fault.KindOf(err) != fault.NotFound {
		t.Errorf("twice: %v", err)
	}
	folder, err := f.Delete("sub")
	must(t, err)
	put(t, dir, "sub", "in the way")
	if p, err := f.Restore(ctx, folder); err != nil || p != "sub 1" || content(t, dir, "sub 1/deep/a.ipynb") != "first" {
		t.Errorf("%q, %v", p, err)
	}
	id, err = f.Delete("sub")
	must(t, err)
	items, err := f.Trash()
	if err != nil || len(items) != 1 || items[0].ID != id || items[0].Path != "sub" || items[0].Kind != KindFile {
		t.Errorf("%v, %v", items, err)
	}
	must(t, f.Purge(time.Now().Add(-time.Hour)))
	if items, _ := f.Trash(); len(items) != 1 {
		t.Error("purged what is young")
	}
	must(t, f.Purge(time.Now().Add(time.Hour)))
	if items, _ := f.Trash(); len(items) != 0 {
		t.Error("not purged")
	}
	for _, bad := range []TrashID{"", "..", "../data", "x", TrashID(strings.Repeat("A", 26))} {
		if _, err := f.Restore(ctx, bad); fault.KindOf(err) != fault.NotFound {
			t.Errorf("restore %q: %v", bad, err)
		}
	}
	if _, err := f.Delete(""); !errors.Is(err, ErrPath) {
		t.Errorf("delete all: %v", err)
	}
}

// TestCopyTree is how things go to a trash on another disk.
func TestCopyTree(t *testing.T) {
	f, dir := open(t)
	put(t, dir, "sub/deep/a.ipynb", "first")
	put(t, dir, "sub/b", "second")
	must(t, os.Chmod(filepath.Join(dir, "sub/b"), 0o640))
	must(t, os.Symlink("b", filepath.Join(dir, "sub/link")))
	must(t, copyTree(f.root, "sub", f.root, "copy"))
	if content(t, dir, "copy/deep/a.ipynb") != "first" || content(t, dir, "copy/link") != "second" {
		t.Error("not copied")
	}
	if info, err := os.Stat(filepath.Join(dir, "copy/b")); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}
