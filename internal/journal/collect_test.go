package journal

import (
	"context"
	"fmt"
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

func TestCollect(t *testing.T) {
	j := open(t, t.TempDir())
	now := time.Now()
	collect := func(held ...string) Collected {
		t.Helper()
		var texts [][]byte
		for _, h := range held {
			texts = append(texts, []byte(h))
		}
		done, err := j.Collect(t.Context(), slices.Values(texts), now.Add(-24*time.Hour), now.Add(-time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		return done
	}
	has := func(what string, hash string, want bool) {
		t.Helper()
		f, err := j.Blob(hash)
		if err == nil {
			_ = f.Close()
		}
		if (err == nil) != want {
			t.Errorf("%s: there %v, want %v", what, err == nil, want)
		}
	}
	old := 2 * time.Hour
	inSnapshot, inBatch, held := put(t, j, "in a snapshot", old), put(t, j, "in a batch", old), put(t, j, "held", old)
	young, again, garbage := put(t, j, "young", 0), put(t, j, "put again", old), put(t, j, "garbage", old)
	if err := j.Put(again, []byte("put again")); err != nil {
		t.Fatal(err)
	}
	keep, gone := notebook(t, j, "keep.ipynb"), notebook(t, j, "gone.ipynb")
	ref := func(hash string) []byte { return fmt.Appendf(nil, `{"runnel_blob":{"hash":"%s","size":1}}`, hash) }
	for _, id := range []NotebookID{keep, gone} {
		if err := j.Snapshot(t.Context(), id, Batch{Seq: 0, N: 0, Data: ref(inSnapshot)}); err != nil {
			t.Fatal(err)
		}
		if err := j.Append(t.Context(), id, Batch{Seq: 1, N: 1, Data: ref(inBatch)}); err != nil {
			t.Fatal(err)
		}
		if err := j.Spill(id, "o1", 0, []byte("middle")); err != nil {
			t.Fatal(err)
		}
		if err := j.PutBase(id, "tag", []byte("{}")); err != nil {
			t.Fatal(err)
		}
	}
	if done := collect("state: " + held); done.Blobs != 1 || done.Notebooks != 0 || done.Spills != 0 {
		t.Errorf("removed %+v", done)
	}
	has("in a snapshot", inSnapshot, true)
	has("in a batch", inBatch, true)
	has("in memory", held, true)
	has("just put", young, true)
	has("put again", again, true)
	has("garbage", garbage, false)

	missing := func(id NotebookID, since time.Time) {
		t.Helper()
		if err := j.Missing(t.Context(), id, since); err != nil {
			t.Fatal(err)
		}
	}
	missing(gone, now.Add(-48*time.Hour))
	missing(gone, now) // the first time counts
	missing(keep, now.Add(-48*time.Hour))
	missing(keep, time.Time{}) // it has come back
	done := collect("state: " + held)
	if done.Notebooks != 1 || done.Spills != 2 || done.Blobs != 0 {
		t.Errorf("removed %+v", done)
	}
	if f, err := j.OpenSpill(gone, "o1"); err == nil {
		_ = f.Close()
		t.Error("the spill file of a forgotten notebook is there")
	}
	f, err := j.OpenSpill(keep, "o1")
	if err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	if _, err := j.Base(keep, "tag"); err != nil {
		t.Error(err)
	}
	if loaded, err := j.Load(t.Context(), gone); err != nil || loaded.Snapshot != nil || len(loaded.Batches) > 0 {
		t.Errorf("the forgotten notebook still has %+v: %v", loaded, err)
	}

	missing(keep, now.Add(-48*time.Hour))
	if err := j.SetLive(t.Context(), keep, true); err != nil {
		t.Fatal(err)
	}
	if done := collect(); done.Notebooks != 0 {
		t.Errorf("a live notebook was forgotten: %+v", done)
	}
	if err := j.SetLive(t.Context(), keep, false); err != nil {
		t.Fatal(err)
	}
	if id := notebook(t, j, "keep.ipynb"); id != keep { // whoever opens it takes the note away
		t.Fatal("another number")
	}
	if done := collect(); done.Notebooks != 0 {
		t.Errorf("an opened notebook was forgotten: %+v", done)
	}
}

// A notebook renamed over another leaves nothing of that other one for ever.
func TestCollectAfterRename(t *testing.T) {
	j := open(t, t.TempDir())
	a, b := notebook(t, j, "a.ipynb"), notebook(t, j, "b.ipynb")
	hash := put(t, j, "only b has it", 2*time.Hour)
	appendN(t, j, a, 1, 1)
	if err := j.Append(t.Context(), b, Batch{Seq: 1, N: 1, Data: []byte(`"` + hash + `"`)}); err != nil {
		t.Fatal(err)
	}
	if err := j.Spill(b, "o1", 0, []byte("middle")); err != nil {
		t.Fatal(err)
	}
	if err := j.Rename(t.Context(), a, "b.ipynb"); err != nil {
		t.Fatal(err)
	}
	done, err := j.Collect(t.Context(), slices.Values([][]byte{}), time.Now(), time.Now().Add(-time.Hour))
	if err != nil || done.Blobs != 1 || done.Spills != 1 {
		t.Errorf("removed %+v: %v", done, err)
	}
	if loaded, err := j.Load(t.Context(), a); err != nil || len(loaded.Batches) != 1 {
		t.Errorf("the renamed one has %+v: %v", loaded, err)
	}
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
