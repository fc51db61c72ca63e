package files

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/runnel-dev/runnel/internal/fault"
)

// smallDisk is a folder that is a disk of its own. Where none can be mounted the test is skipped, and says what shows the same.
func smallDisk(t *testing.T, size, instead string) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root on Linux may mount a disk; " + instead)
	}
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skip("only root on Linux may mount a disk, and not everywhere (" + err.Error() + "); " + instead)
	}
	t.Cleanup(func() { must(t, unix.Unmount(dir, 0)) })
	return dir
}

// TestFullDisk fills a small disk while saving: the old version stays whole, the error says what it is, and it heals by itself.
func TestFullDisk(t *testing.T) {
	dir := smallDisk(t, "512k", "TestSaveFails makes the same errors by a hook")
	f, err := Open(dir, Options{})
	must(t, err)
	defer f.Close()
	ctx := context.Background()
	stamp, err := f.Save(ctx, "a.ipynb", version(1)[:100_000], nil)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "ballast"), make([]byte, 300_000), 0o644))
	for size := 60_000; size < 1_000_000; size += 70_001 {
		next, err := f.Save(ctx, "a.ipynb", bytes.Repeat([]byte("x"), size), &stamp)
		if err == nil {
			stamp = next
			continue
		}
		if !errors.Is(err, ErrNoSpace) || fault.KindOf(err) != fault.NoSpace {
			t.Errorf("%d bytes: %v", size, err)
		}
		if _, now, err := f.Read("a.ipynb"); err != nil || !now.Same(stamp) || len(temps(t, dir)) > 0 {
			t.Errorf("%d bytes: %v, %v, left %q", size, now, err, temps(t, dir))
		}
	}
	must(t, os.Remove(filepath.Join(dir, "ballast")))
	if _, err = f.Save(ctx, "a.ipynb", version(2)[:150_000], &stamp); err != nil {
		t.Errorf("the disk has space again: %v", err)
	}
	must(t, unix.Mount("tmpfs", dir, "tmpfs", unix.MS_REMOUNT|unix.MS_RDONLY, ""))
	if _, err = f.Save(ctx, "a.ipynb", []byte("x"), nil); !errors.Is(err, ErrReadOnly) {
		t.Errorf("on a disk that is read only: %v", err)
	}
}

// TestFullAtRandomMoments fills the disk up to a random place, so that a save fails at a random byte or passes: the file is always one whole
// version, and nothing half stays (promise 14). RUNNEL_SOAK=1 does it 1,000 times.
func TestFullAtRandomMoments(t *testing.T) {
	dir := smallDisk(t, "1m", "TestSaveFails makes the same errors by a hook")
	f, err := Open(dir, Options{})
	must(t, err)
	defer f.Close()
	times := 100
	if os.Getenv("RUNNEL_SOAK") != "" {
		times = 1000
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	ballast := filepath.Join(dir, "ballast")
	have, failed := 0, 0
	stamp, err := f.Save(t.Context(), "a.ipynb", version(0), nil) // 180,000 bytes
	must(t, err)
	for i := 1; i <= times; i++ {
		must(t, os.WriteFile(ballast, make([]byte, 600_000+random.IntN(260_000)), 0o644))
		next, err := f.Save(t.Context(), "a.ipynb", version(i), &stamp)
		switch {
		case err == nil:
			stamp, have = next, i
		case !errors.Is(err, ErrNoSpace):
			t.Fatalf("save %d: %v", i, err)
		default:
			failed++
		}
		if got := content(t, dir, "a.ipynb"); got != string(version(have)) || len(temps(t, dir)) > 0 {
			t.Fatalf("save %d (%v): %d bytes that are not version %d, or left %q", i, err, len(got), have, temps(t, dir))
		}
		must(t, os.Remove(ballast))
	}
	t.Logf("%d saves, %d met the full disk", times, failed)
	if failed == 0 || failed == times {
		t.Error("the disk was full always or never: the test shows nothing")
	}
}

// TestTrashOnAnotherDisk: what cannot be renamed there is copied, and comes back whole.
func TestTrashOnAnotherDisk(t *testing.T) {
	trash := smallDisk(t, "4m", "TestCopyTree shows the copying")
	dir := t.TempDir()
	f, err := Open(dir, Options{Trash: trash})
	must(t, err)
	defer f.Close()
	put(t, dir, "sub/deep/a.ipynb", "text")
	id, err := f.Delete("sub")
	must(t, err)
	if _, err := os.Stat(filepath.Join(dir, "sub")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("still there: %v", err)
	}
	p, err := f.Restore(context.Background(), id)
	if err != nil || p != "sub" || content(t, dir, "sub/deep/a.ipynb") != "text" {
		t.Errorf("%q, %v", p, err)
	}
	put(t, dir, "big", string(make([]byte, 5<<20)))
	if _, err := f.Delete("big"); !errors.Is(err, ErrNoSpace) {
		t.Errorf("the trash is full: %v", err)
	}
	if info, err := os.Stat(filepath.Join(dir, "big")); err != nil || info.Size() != 5<<20 {
		t.Errorf("what could not be deleted is damaged: %v", err)
	}
}
