package journal

import (
	"fmt"
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
