package journal

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("JOURNAL_WRITER"); dir != "" {
		fmt.Fprintln(os.Stderr, writer(dir))
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

func open(t testing.TB, dir string) *Journal {
	t.Helper()
	j, err := Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

func appendN(t testing.TB, j *Journal, id NotebookID, from, to int) {
	t.Helper()
	for i := from; i <= to; i++ {
		b := Batch{Seq: uint64(i), N: uint64(2 * i), Data: fmt.Appendf(nil, "batch %d", i)}
		if err := j.Append(t.Context(), id, b); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAppendAndLoad(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	id, err := j.Notebook(t.Context(), "a.ipynb")
	if err != nil {
		t.Fatal(err)
	}
	appendN(t, j, id, 1, 3)
	if err := j.Append(t.Context(), id, Batch{Seq: 3, N: 6, Data: []byte("again")}); err != nil {
		t.Fatal(err)
	}
	if err := j.Append(t.Context(), id, Batch{Seq: 9}); err == nil {
		t.Error("a gap was accepted")
	}
	if err := j.Snapshot(t.Context(), id, Batch{Seq: 3, N: 6, Data: []byte("state")}); err != nil {
		t.Fatal(err)
	}
	appendN(t, j, id, 4, 5)
	if err := j.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = open(t, dir)
	got, err := j.Load(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if got.Snapshot == nil || string(got.Snapshot.Data) != "state" || len(got.Batches) != 2 || string(got.Batches[1].Data) != "batch 5" || got.Lost != 0 || got.Damaged {
		t.Errorf("loaded %+v", got)
	}
	appendN(t, j, id, 6, 6)
}

func TestSpillIsIdempotent(t *testing.T) {
	j := open(t, t.TempDir())
	for range 2 {
		for i, part := range []string{"abc", "def"} {
			if err := j.Spill(1, "o1", int64(3*i), []byte(part)); err != nil {
				t.Fatal(err)
			}
		}
	}
	f, err := j.OpenSpill(1, "o1")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if got, _ := io.ReadAll(f); string(got) != "abcdef" {
		t.Errorf("got %q", got)
	}
	if err := j.Spill(1, "../x", 0, nil); err == nil {
		t.Error("a hostile name was accepted")
	}
}

func TestPrivateFiles(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	if err := j.Put(Hash([]byte("x")), []byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Notebook(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && path != dir && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func BenchmarkAppend(b *testing.B) {
	j := open(b, b.TempDir())
	id, err := j.Notebook(b.Context(), "a")
	if err != nil {
		b.Fatal(err)
	}
	data := make([]byte, 300)
	seq := uint64(0)
	for b.Loop() {
		seq++
		if err := j.Append(b.Context(), id, Batch{Seq: seq, N: seq, Data: data}); err != nil {
			b.Fatal(err)
		}
	}
}
