package journal

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// FuzzRecovery damages the files of a small journal that a killed server left: bytes are put over one file at a place, and it may be cut behind
// them. The longest whole prefix is there, it is said what is missing, and the journal goes on (J6, J7).
func FuzzRecovery(f *testing.F) {
	dir, id := crashed(f)
	names := []string{"journal.db", "journal.db-wal", "marks", "journal.db-shm"}
	f.Add(byte(0), uint32(0), []byte("not a database"), false)
	f.Add(byte(0), uint32(100), []byte{}, true)
	f.Add(byte(1), uint32(0), []byte{0, 0, 0, 0}, false)
	f.Add(byte(1), uint32(32), bytes.Repeat([]byte{0xff}, 24), false)
	f.Add(byte(1), uint32(60_000), []byte("x"), true)
	f.Add(byte(1), uint32(70_001), []byte{1}, false)
	f.Add(byte(2), uint32(8), bytes.Repeat([]byte{0xff}, 8), false)
	f.Add(byte(2), uint32(0), []byte{}, true)
	f.Add(byte(3), uint32(0), bytes.Repeat([]byte{0xff}, 200), false)
	f.Fuzz(func(t *testing.T, file byte, at uint32, put []byte, cut bool) {
		part := copyDir(t, dir)
		path := filepath.Join(part, names[int(file)%len(names)])
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		place := int(at) % (len(data) + 1)
		end := place + copy(data[place:], put)
		if cut {
			data = data[:end]
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		checkDamaged(t, part, id, 40)
	})
}

// copyDir copies a journal folder.
func copyDir(t testing.TB, from string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}

// checkPrefix opens a damaged journal: what it gives is a prefix of the batches, and new ones follow it.
func checkPrefix(t testing.TB, dir string, id NotebookID, top int, wantLostSaid bool) int {
	t.Helper()
	j, err := Open(dir, nil)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	defer func() { _ = j.Close() }()
	got, err := j.Load(context.Background(), id)
	if err != nil {
		t.Fatalf("load: %v", err)
	}
	for i, b := range got.Batches {
		if b.Seq != uint64(i+1) || string(b.Data) != fmt.Sprintf("batch %d", i+1) {
			t.Fatalf("batch %d is %d %q", i+1, b.Seq, b.Data)
		}
	}
	n := len(got.Batches)
	if n < top && wantLostSaid && j.Moved() == "" && got.Lost != uint64(2*(top-n)) {
		t.Fatalf("%d of %d batches are there and %d events are said to be lost", n, top, got.Lost)
	}
	appendN(t, j, id, n+1, n+1)
	return n
}

// crashed makes a journal of 40 batches as a killed server leaves it: with its write-ahead log.
func crashed(t testing.TB) (dir string, id NotebookID) {
	t.Helper()
	j := open(t, t.TempDir())
	id, err := j.Notebook(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	appendN(t, j, id, 1, 40)
	return copyDir(t, j.dir), id
}

// J6: the longest whole prefix, whatever is cut off the end.
func TestTruncatedAtEveryByte(t *testing.T) {
	dir, id := crashed(t)
	wal := filepath.Join(dir, "journal.db-wal")
	data, err := os.ReadFile(wal)
	if err != nil {
		t.Fatal(err)
	}
	step := 1
	if testing.Short() {
		step = 997
	}
	seen := map[int]bool{}
	// One frame of the log is one page and its header; every byte of the last frames, then in larger steps.
	for cut := len(data); cut >= 0; cut -= step {
		if len(data)-cut > 300 {
			step = 4099
		}
		part := copyDir(t, dir)
		if err := os.Truncate(filepath.Join(part, "journal.db-wal"), int64(cut)); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(filepath.Join(part, "journal.db-shm")); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		if cut < 40_000 {
			break // the schema and the notebook's own line are gone: covered by TestAnyDamage
		}
		seen[checkPrefix(t, part, id, 40, true)] = true
	}
	if len(seen) < 3 {
		t.Errorf("only these lengths were seen: %v", seen)
	}
}

// J6, J7: any bytes flipped or zeroed anywhere: never a panic, never a wrong batch.
func TestAnyDamage(t *testing.T) {
	dir, id := crashed(t)
	rapid.Check(t, func(r *rapid.T) {
		part := copyDir(t, dir)
		defer func() { _ = os.RemoveAll(part) }()
		name := rapid.SampledFrom([]string{"journal.db", "journal.db-wal", "journal.db-shm", "marks"}).Draw(r, "file")
		path := filepath.Join(part, name)
		data, err := os.ReadFile(path)
		if err != nil || len(data) == 0 {
			return
		}
		at := rapid.IntRange(0, len(data)-1).Draw(r, "at")
		switch rapid.IntRange(0, 2).Draw(r, "damage") {
		case 0:
			data[at] ^= 1 << rapid.IntRange(0, 7).Draw(r, "bit")
		case 1:
			clear(data[at:])
		case 2:
			copy(data[at:], bytes.Repeat([]byte{0xA5, 0x5A, 0x13}, 500))
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			r.Fatal(err)
		}
		checkDamaged(r, part, id, 40)
	})
}

// checkDamaged opens a journal of top batches whose files were damaged: it gives a prefix of them, says so when some are missing, and goes on.
func checkDamaged(t interface{ Fatalf(string, ...any) }, dir string, id NotebookID, top int) {
	j, err := Open(dir, nil)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	defer func() { _ = j.Close() }()
	got, err := j.Load(context.Background(), id)
	if err != nil {
		t.Fatalf("load: %v", err)
	}
	n := len(got.Batches)
	for i, b := range got.Batches {
		if b.Seq != uint64(i+1) || string(b.Data) != fmt.Sprintf("batch %d", i+1) {
			t.Fatalf("batch %d is %d %q", i+1, b.Seq, b.Data)
		}
	}
	if n > top || n < top && !got.Damaged && got.Lost == 0 && j.Moved() == "" {
		t.Fatalf("%d of %d batches are there and nothing is said", n, top)
	}
	next := uint64(n + 1)
	if err := j.Append(context.Background(), id, Batch{Seq: next, N: next, Data: []byte("on")}); err != nil {
		t.Fatalf("append: %v", err)
	}
	if again, err := j.Load(context.Background(), id); err != nil || again.Damaged || len(again.Batches) != n+1 {
		t.Fatalf("after going on: %d batches, damaged %v, %v", len(again.Batches), again.Damaged, err)
	}
}

func TestNotADatabase(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "journal.db"), []byte(strings.Repeat("garbage", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	j := open(t, dir)
	if j.Moved() == "" {
		t.Error("nothing is said")
	}
	if _, err := os.Stat(j.Moved()); err != nil {
		t.Error(err)
	}
}

// J3: what was appended is there after kill -9.
func TestKilledWriter(t *testing.T) {
	rounds := 10
	if testing.Short() {
		rounds = 2
	}
	dir := t.TempDir()
	top := 0
	for range rounds {
		exe, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), exe)
		cmd.Env = append(os.Environ(), "JOURNAL_WRITER="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		said := 0
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if _, err := fmt.Sscanf(lines.Text(), "written %d", &said); err != nil {
				t.Fatalf("writer: %q", lines.Text())
			}
			if said >= top+50 {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
				break
			}
		}
		_ = cmd.Wait()
		if n := checkPrefix(t, dir, 1, said, true); n < said {
			t.Fatalf("%d of %d batches are left", n, said)
		} else {
			top = n + 1
		}
	}
}

// writer is the process that TestKilledWriter kills.
func writer(dir string) error {
	j, err := Open(dir, nil)
	if err != nil {
		return err
	}
	id, err := j.Notebook(context.Background(), "a")
	if err != nil {
		return err
	}
	got, err := j.Load(context.Background(), id)
	if err != nil {
		return err
	}
	for i := len(got.Batches) + 1; ; i++ {
		if err := j.Append(context.Background(), id, Batch{Seq: uint64(i), N: uint64(2 * i), Data: fmt.Appendf(nil, "batch %d", i)}); err != nil {
			return err
		}
		fmt.Println("written", i)
	}
}
