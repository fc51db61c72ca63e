package journal

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// put keeps a blob and lets it be as old as that.
func put(t *testing.T, j *Journal, text string, age time.Duration) string {
	t.Helper()
	hash := Hash([]byte(text))
	if err := j.Put(hash, []byte(text)); err != nil {
		t.Fatal(err)
	}
	at := time.Now().Add(-age)
	if err := os.Chtimes(j.blobPath(hash), at, at); err != nil {
		t.Fatal(err)
	}
	return hash
}

func notebook(t *testing.T, j *Journal, path string) NotebookID {
	t.Helper()
	id, err := j.Notebook(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// A crash at any point of a collection, here by what it leaves: rows are gone and files are not. The next one removes the rest, and
// a number is never used again.
func TestCollectAfterCrash(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	id := notebook(t, j, "a.ipynb")
	hash := put(t, j, "blob", 2*time.Hour)
	if err := j.Append(t.Context(), id, Batch{Seq: 1, N: 1, Data: []byte(`"` + hash + `"`)}); err != nil {
		t.Fatal(err)
	}
	if err := j.Spill(id, "o1", 0, []byte("middle")); err != nil {
		t.Fatal(err)
	}
	if err := j.Missing(t.Context(), id, time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, err := j.forget(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = open(t, dir)
	next := notebook(t, j, "a.ipynb")
	if next == id {
		t.Fatal("the number is used again")
	}
	done, err := j.Collect(t.Context(), slices.Values([][]byte{}), time.Now(), time.Now().Add(-time.Hour))
	if err != nil || done.Blobs != 1 || done.Spills != 1 {
		t.Errorf("removed %+v: %v", done, err)
	}
}

// A journal of a version that knew nothing of missing files opens, and keeps what it has.
func TestJournalWithoutMissing(t *testing.T) {
	dir := t.TempDir()
	conn, err := sqlite.OpenConn(filepath.Join(dir, "journal.db"), sqlite.OpenReadWrite|sqlite.OpenCreate)
	if err != nil {
		t.Fatal(err)
	}
	before := strings.Replace(schema, ", missing INTEGER NOT NULL DEFAULT 0", "", 1)
	err = sqlitex.ExecuteScript(conn, before+"INSERT INTO notebooks (path, live) VALUES ('old.ipynb', 1);", nil)
	if err != nil || before == schema {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		j := open(t, dir)
		if live, err := j.Live(t.Context()); err != nil || len(live) != 1 || j.Moved() != "" {
			t.Errorf("live %v, moved %q: %v", live, j.Moved(), err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCollectCutShort: what the writer still does for a call that has ended is nobody's result any more (the race detector looks on).
func TestCollectCutShort(t *testing.T) {
	j := open(t, t.TempDir())
	for i := range 300 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*2*time.Microsecond)
		_, err := j.Collect(ctx, func(func([]byte) bool) {}, time.Now(), time.Now())
		cancel()
		if err != nil && ctx.Err() == nil {
			t.Fatal(err)
		}
	}
}
