package files

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/internal/fault"
)

func TestSave(t *testing.T) {
	f, dir := open(t)
	ctx := context.Background()
	put(t, dir, "a.ipynb", "one")
	must(t, os.Chmod(filepath.Join(dir, "a.ipynb"), 0o640))
	_, stamp, err := f.Read("a.ipynb")
	must(t, err)
	next, err := f.Save(ctx, "a.ipynb", []byte("two"), &stamp)
	must(t, err)
	if data, now, err := f.Read("a.ipynb"); err != nil || string(data) != "two" || now != next {
		t.Errorf("%q, %v, %v, want stamp %v", data, now, err, next)
	}
	if info, err := os.Stat(filepath.Join(dir, "a.ipynb")); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	for _, c := range []struct {
		name   string
		path   Path
		expect *Stamp
		ok     bool
	}{
		{"an older version expected", "a.ipynb", &stamp, false},
		{"nothing expected, but there", "a.ipynb", &Stamp{}, false},
		{"something expected, but gone", "b.ipynb", &stamp, false},
		{"nothing expected, and so it is", "c.ipynb", &Stamp{}, true},
		{"whatever is there", "a.ipynb", nil, true},
		{"whatever is there, nothing", "d.ipynb", nil, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := f.Save(ctx, c.path, []byte("new"), c.expect)
			if (err == nil) != c.ok || !c.ok && (!errors.Is(err, ErrChanged) || fault.KindOf(err) != fault.Conflict) {
				t.Errorf("%v", err)
			}
		})
	}
	if left := temps(t, dir); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

func TestSaveSameSizeButChanged(t *testing.T) {
	f, dir := open(t)
	put(t, dir, "a.ipynb", "one")
	_, stamp, err := f.Read("a.ipynb")
	must(t, err)
	put(t, dir, "a.ipynb", "two")
	must(t, os.Chtimes(filepath.Join(dir, "a.ipynb"), stamp.ModTime, stamp.ModTime))
	if _, err := f.Save(context.Background(), "a.ipynb", []byte("mine"), &stamp); !errors.Is(err, ErrChanged) {
		t.Errorf("%v", err)
	}
	if got := content(t, dir, "a.ipynb"); got != "two" {
		t.Errorf("%q", got)
	}
}

// TestSaveWithAnother: of two saves over one version, of two folders one in the other as two servers have them, one says that the file was
// changed, also when both have begun before either has ended.
func TestSaveWithAnother(t *testing.T) {
	outer, dir := open(t)
	put(t, dir, "in/a.ipynb", "one")
	inner, err := Open(filepath.Join(dir, "in"), Options{})
	must(t, err)
	t.Cleanup(func() { inner.Close() })
	_, stamp, err := outer.Read("in/a.ipynb")
	must(t, err)
	other := make(chan error, 1)
	outer.step = func(what string) error {
		if what != "rename" { // the old file was looked at
			return nil
		}
		go func() {
			_, err := inner.Save(context.Background(), "a.ipynb", []byte("other"), &stamp)
			other <- err
		}()
		select {
		case err := <-other:
			other <- err
		case <-time.After(200 * time.Millisecond): // it waits
		}
		return nil
	}
	_, mine := outer.Save(context.Background(), "in/a.ipynb", []byte("mine"), &stamp)
	if theirs := <-other; mine != nil || !errors.Is(theirs, ErrChanged) {
		t.Errorf("%v and %v", mine, theirs)
	}
	if got := content(t, dir, "in/a.ipynb"); got != "mine" {
		t.Errorf("%q", got)
	}
	if left := temps(t, filepath.Join(dir, "in")); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

func TestSaveThroughSymlink(t *testing.T) {
	f, dir := open(t)
	put(t, dir, "real/a.ipynb", "one")
	must(t, os.Symlink("real/a.ipynb", filepath.Join(dir, "a.ipynb")))
	_, err := f.Save(context.Background(), "a.ipynb", []byte("two"), nil)
	must(t, err)
	if info, err := os.Lstat(filepath.Join(dir, "a.ipynb")); err != nil || info.Mode().Type() != os.ModeSymlink || content(t, dir, "real/a.ipynb") != "two" {
		t.Errorf("%v, %v", info, err)
	}
}

func TestSaveReadOnly(t *testing.T) {
	f, dir := open(t)
	put(t, dir, "a.ipynb", "one")
	must(t, os.Chmod(filepath.Join(dir, "a.ipynb"), 0o444))
	_, err := f.Save(context.Background(), "a.ipynb", []byte("two"), nil)
	if !errors.Is(err, ErrReadOnly) || fault.KindOf(err) != fault.Forbidden {
		t.Errorf("%v", err)
	}
	if got := content(t, dir, "a.ipynb"); got != "one" {
		t.Errorf("%q", got)
	}
}

func TestSaveFromTooMuch(t *testing.T) {
	f, dir := open(t)
	for _, size := range []int{99, 100, 101} {
		_, err := f.SaveFrom(context.Background(), "up.bin", io.LimitReader(zeros{}, int64(size)), 100, nil)
		if (size <= 100) != (err == nil) || err != nil && fault.KindOf(err) != fault.TooLarge {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
	if left := temps(t, dir); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// TestSaveWhileRenamed: a file that is renamed while it is being saved is one file afterwards, under the new name; the save is in it, or has failed.
func TestSaveWhileRenamed(t *testing.T) {
	for step, want := range map[string]string{"write": "old", "rename": "new"} { // before the last look at the old file, and after
		f, dir := open(t)
		put(t, dir, "a.ipynb", "old")
		_, stamp, err := f.Read("a.ipynb")
		must(t, err)
		renamed := make(chan error, 1)
		f.step = func(what string) error {
			if what != step {
				return nil
			}
			go func() { renamed <- f.Rename("a.ipynb", "b.ipynb") }()
			select {
			case err := <-renamed:
				renamed <- err
			case <-time.After(200 * time.Millisecond): // it waits
			}
			return nil
		}
		_, err = f.Save(context.Background(), "a.ipynb", []byte("new"), &stamp)
		must(t, <-renamed)
		if (err == nil) != (want == "new") || err != nil && !errors.Is(err, ErrChanged) {
			t.Errorf("renamed before %s, the save gives %v", step, err)
		}
		if got := content(t, dir, "b.ipynb"); got != want {
			t.Errorf("renamed before %s, the file is %q", step, got)
		}
		if _, err := os.Lstat(filepath.Join(dir, "a.ipynb")); err == nil {
			t.Errorf("renamed before %s, the old name is there again", step)
		}
	}
}

// TestSaveFails makes each step of a save fail: the old content stays, nothing is left behind, and the next save works.
func TestSaveFails(t *testing.T) {
	for _, step := range []string{"create", "write", "sync", "close", "rename"} {
		for _, errno := range []syscall.Errno{syscall.EIO, syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS} {
			t.Run(fmt.Sprint(step, " ", errno), func(t *testing.T) {
				f, dir := open(t)
				put(t, dir, "a.ipynb", "old")
				_, stamp, err := f.Read("a.ipynb")
				must(t, err)
				f.step = func(what string) error {
					if what == step {
						return errno
					}
					return nil
				}
				_, err = f.Save(context.Background(), "a.ipynb", []byte("new"), &stamp)
				want := map[syscall.Errno]fault.Kind{
					syscall.EIO: fault.Unavailable, syscall.ENOSPC: fault.NoSpace, syscall.EDQUOT: fault.NoSpace, syscall.EROFS: fault.Forbidden,
				}[errno]
				if !errors.Is(err, errno) || fault.KindOf(err) != want || (want == fault.NoSpace) != errors.Is(err, ErrNoSpace) {
					t.Errorf("%v (%v)", err, fault.KindOf(err))
				}
				if got := content(t, dir, "a.ipynb"); got != "old" || len(temps(t, dir)) > 0 {
					t.Errorf("%q, left %q", got, temps(t, dir))
				}
				f.step = func(string) error { return nil }
				_, err = f.Save(context.Background(), "a.ipynb", []byte("new"), &stamp)
				must(t, err)
			})
		}
	}
}

func TestSaveBrokenOff(t *testing.T) {
	f, dir := open(t)
	put(t, dir, "a.ipynb", "old")
	ctx, cancel := context.WithCancel(context.Background())
	f.step = func(what string) error {
		if what == "sync" {
			cancel()
		}
		return nil
	}
	if _, err := f.Save(ctx, "a.ipynb", []byte("new"), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if got := content(t, dir, "a.ipynb"); got != "old" || len(temps(t, dir)) > 0 {
		t.Errorf("%q, left %q", got, temps(t, dir))
	}
}

func TestSavesAtOnce(t *testing.T) {
	f, dir := open(t)
	var wg sync.WaitGroup
	var mu sync.Mutex
	made := 0
	for i := range 20 {
		wg.Go(func() {
			_, err := f.Save(context.Background(), "a.ipynb", fmt.Appendf(nil, "version %d", i), &Stamp{})
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				made++
			} else if !errors.Is(err, ErrChanged) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if made != 1 || len(temps(t, dir)) > 0 || len(f.saving) > 0 {
		t.Errorf("%d saves of a new file took effect; left %q, %d gates", made, temps(t, dir), len(f.saving))
	}
}

func TestSweep(t *testing.T) {
	f, dir := open(t)
	put(t, dir, tempPrefix+"OLD"+tempSuffix, "x")
	put(t, dir, tempPrefix+"YOUNG"+tempSuffix, "x")
	past := time.Now().Add(-2 * tempAge)
	must(t, os.Chtimes(filepath.Join(dir, tempPrefix+"OLD"+tempSuffix), past, past))
	_, err := f.Save(context.Background(), "a.ipynb", nil, nil)
	must(t, err)
	if left := temps(t, dir); len(left) != 1 || !strings.Contains(left[0], "YOUNG") {
		t.Errorf("left: %q", left)
	}
}

const saverEnv = "RUNNEL_TEST_SAVER"

// version is a content that shows whether it is whole.
func version(n int) []byte {
	return bytes.Repeat(fmt.Appendf(nil, "%08d\n", n), 20_000)
}

// saverMain saves one version after another until it is killed. It says so when it begins.
func saverMain() {
	f, err := Open(os.Getenv(saverEnv), Options{})
	if err == nil {
		fmt.Println("ready")
		for n := 1; err == nil; n++ {
			_, err = f.Save(context.Background(), "a.ipynb", version(n), nil)
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// TestKilledWhileSaving kills a saving process at random moments: the file is always one whole version (promise 14). RUNNEL_SOAK=1 does
// it 1,000 times.
func TestKilledWhileSaving(t *testing.T) {
	times := 60
	if os.Getenv("RUNNEL_SOAK") != "" {
		times = 1000
	}
	_, dir := open(t)
	must(t, os.WriteFile(filepath.Join(dir, "a.ipynb"), version(0), 0o644))
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	halves := 0
	for i := range times {
		killSaver(t, dir, time.Duration(random.IntN(8000))*time.Microsecond)
		data := []byte(content(t, dir, "a.ipynb"))
		n, err := strconv.Atoi(string(bytes.TrimLeft(data[:min(8, len(data))], "0")))
		if err != nil {
			n = 0
		}
		if !bytes.Equal(data, version(n)) {
			t.Fatalf("kill %d: %d bytes that are no version, beginning %.20q", i, len(data), data)
		}
		left := temps(t, dir)
		halves += len(left)
		for _, name := range left {
			must(t, os.Remove(name))
		}
	}
	t.Logf("%d kills, %d of them in the middle of writing", times, halves)
	if halves == 0 {
		t.Error("no kill met a save in its middle: the test shows nothing")
	}
}

func killSaver(t *testing.T, dir string, after time.Duration) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), saverEnv+"="+dir)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	_, err = io.ReadFull(out, make([]byte, len("ready\n")))
	must(t, err)
	<-time.After(after)
	must(t, cmd.Process.Kill())
	if err := cmd.Wait(); !strings.Contains(fmt.Sprint(err), "killed") {
		t.Fatalf("the saver ended by itself: %v", err)
	}
}

func BenchmarkSave50MB(b *testing.B) {
	f, err := Open(b.TempDir(), Options{})
	must(b, err)
	defer f.Close()
	data := make([]byte, 50<<20)
	stamp, err := f.Save(context.Background(), "a.ipynb", data, nil)
	must(b, err)
	for b.Loop() {
		stamp, err = f.Save(context.Background(), "a.ipynb", data, &stamp)
		must(b, err)
	}
}
