package journaltest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/runnel-dev/runnel/internal/journal"
)

func (t *trial) blob() {
	text := []byte("a value")
	hash := journal.Hash(text)
	f, err := t.j.Blob(hash)
	t.none("before it was put", f, err)
	t.ok(errors.Join(t.j.Put(hash, text), t.j.Put(hash, text)))
	if got := t.content(t.j.Blob(hash)); got != "a value" {
		t.Errorf("it is %q", got)
	}
	f, err = t.j.Blob(hash)
	t.ok(err)
	if _, err := f.Seek(2, io.SeekStart); err != nil {
		t.Error(err)
	}
	if got := t.content(f, nil); got != "value" {
		t.Errorf("from 2 on it is %q", got)
	}
	for _, name := range []string{"", "x", "../marks", strings.ToUpper(hash), hash[1:], hash + "0"} {
		f, err := t.j.Blob(name)
		t.none(fmt.Sprintf("blob %q", name), f, err)
	}
}

func (t *trial) spill() {
	id := t.notebook("a.ipynb")
	f, err := t.j.OpenSpill(id, "o1")
	t.none("before anything was written", f, err)
	for range 2 { // as after a crash
		for i, part := range []string{"abc", "def"} {
			t.ok(t.j.Spill(id, "o1", int64(3*i), []byte(part)))
		}
	}
	t.ok(errors.Join(t.j.Spill(id, "o1", 5, []byte("Fgh")), t.j.Spill(id, "o2", 0, []byte("other"))))
	if got := t.content(t.j.OpenSpill(id, "o1")); got != "abcdeFgh" {
		t.Errorf("it is %q", got)
	}
	for _, name := range []string{"", ".", "../x", "a/b", strings.Repeat("x", 65), "ö"} {
		if t.j.Spill(id, name, 0, []byte("x")) == nil {
			t.Errorf("%q was taken for an output's name", name)
		}
		f, err := t.j.OpenSpill(id, name)
		t.none(fmt.Sprintf("output %q", name), f, err)
	}
	t.ok(errors.Join(t.j.DropSpill(id, "o1"), t.j.DropSpill(id, "o1")))
	f, err = t.j.OpenSpill(id, "o1")
	t.none("dropped", f, err)
	if got := t.content(t.j.OpenSpill(id, "o2")); got != "other" {
		t.Errorf("the other is %q", got)
	}
	t.ok(t.j.DropSpill(id, ""))
	f, err = t.j.OpenSpill(id, "o2")
	t.none("all dropped", f, err)
}

func (t *trial) rename() {
	a, b := t.notebook("a.ipynb"), t.notebook("b.ipynb")
	t.append(a, 1, 1)
	hash := t.blobOf("only b has it", 2*time.Hour)
	t.ok(t.j.Append(t.Context(), b, naming(1, hash)))
	t.ok(errors.Join(t.j.Spill(b, "o1", 0, []byte("middle")), t.j.SetLive(t.Context(), b, true)))
	t.ok(errors.Join(t.j.Rename(t.Context(), a, "a.ipynb"), t.j.Rename(t.Context(), a, "b.ipynb")))
	t.liveAre("")
	if id := t.notebook("b.ipynb"); id != a {
		t.Errorf("b.ipynb is %d, want %d", id, a)
	}
	t.removes(journal.Collected{Blobs: 1, Spills: 1}, time.Hour)
	t.has(a, "batch 1")
	t.gone(b)
}

// blobOf puts a blob and lets it be as old as that.
func (t *trial) blobOf(text string, age time.Duration) string {
	t.Helper()
	hash := journal.Hash([]byte(text))
	t.ok(t.j.Put(hash, []byte(text)))
	t.Age(t.T, hash, age)
	return hash
}

// naming is a batch that refers to a blob.
func naming(i int, hash string) journal.Batch {
	b := batch(i)
	b.Data = fmt.Appendf(nil, `{"runnel_blob":{"hash":"%s","size":1}}`, hash)
	return b
}

// removes collects what was missing for a day and blobs older than that, and checks how much it was.
func (t *trial) removes(want journal.Collected, older time.Duration, held ...string) {
	t.Helper()
	texts := [][]byte{}
	for _, h := range held {
		texts = append(texts, []byte("state: "+h))
	}
	now := time.Now()
	got, err := t.j.Collect(t.Context(), slices.Values(texts), now.Add(-24*time.Hour), now.Add(-older))
	t.ok(err)
	if got.Bytes = 0; got != want {
		t.Errorf("removed %+v, want %+v", got, want)
	}
}

func (t *trial) collect() {
	old := 2 * time.Hour
	id := t.notebook("a.ipynb")
	inSnapshot, inBatch, held, garbage := t.blobOf("in a snapshot", old), t.blobOf("in a batch", old), t.blobOf("held", old), t.blobOf("garbage", old)
	t.ok(t.j.Snapshot(t.Context(), id, naming(0, inSnapshot)))
	t.ok(t.j.Append(t.Context(), id, naming(1, inBatch)))
	t.ok(errors.Join(t.j.Spill(id, "o1", 0, []byte("middle")), t.j.PutBase(id, "tag", []byte("{}")), t.j.PutNext(id, "tag")))
	t.removes(journal.Collected{Blobs: 1}, time.Hour, held)
	f, err := t.j.Blob(garbage)
	t.none("a blob that nothing names", f, err)
	for _, hash := range []string{inSnapshot, inBatch, held} {
		t.content(t.j.Blob(hash))
	}
	if _, err := t.j.Base(id, "tag"); err != nil || !t.j.IsNext(id, "tag") {
		t.Errorf("what is of a notebook that is there: %v", err)
	}
	t.content(t.j.OpenSpill(id, "o1"))
	t.removes(journal.Collected{Blobs: 1}, time.Hour)
	t.Kill(t.T)
	t.reopen()
	t.removes(journal.Collected{}, time.Hour)
}

func (t *trial) forget() {
	now := time.Now()
	day, days := now.Add(-24*time.Hour), now.Add(-48*time.Hour)
	gone, keep := t.notebook("gone.ipynb"), t.notebook("keep.ipynb")
	missing := func(id journal.NotebookID, since time.Time) {
		t.Helper()
		t.ok(t.j.Missing(t.Context(), id, since))
	}
	for _, id := range []journal.NotebookID{gone, keep} {
		t.append(id, 1, 1)
		t.ok(errors.Join(t.j.Spill(id, "o1", 0, []byte("middle")), t.j.PutBase(id, "tag", []byte("{}")), t.j.PutNext(id, "tag"), t.j.PutMove(id, "to")))
	}
	missing(gone, days)
	missing(gone, now) // the first time counts
	missing(keep, day.Add(time.Hour))
	t.Kill(t.T)
	t.reopen()
	t.removes(journal.Collected{Notebooks: 1, Spills: 4}, time.Hour)
	t.gone(gone)
	f, err := t.j.OpenSpill(gone, "o1")
	t.none("text aside of a forgotten notebook", f, err)
	if _, err := t.j.Base(gone, "tag"); !errors.Is(err, fs.ErrNotExist) || t.j.IsNext(gone, "tag") {
		t.Errorf("the version of a forgotten notebook: %v", err)
	}
	missing(keep, time.Time{}) // it has come back
	missing(keep, days)
	t.notebook("keep.ipynb") // and is opened
	t.removes(journal.Collected{}, time.Hour)
	t.ok(t.j.SetLive(t.Context(), keep, true))
	missing(keep, days) // of one that is live nothing is noted
	t.ok(t.j.SetLive(t.Context(), keep, false))
	t.removes(journal.Collected{}, time.Hour)
	missing(keep, days)
	t.ok(t.j.SetLive(t.Context(), keep, true))
	t.removes(journal.Collected{}, time.Hour)
	t.has(keep, "batch 1")
}

func (t *trial) numbers() {
	a, b := t.notebook("a.ipynb"), t.notebook("b.ipynb")
	t.ok(t.j.Rename(t.Context(), a, "b.ipynb"))
	t.ok(t.j.Missing(t.Context(), a, time.Now().Add(-48*time.Hour)))
	t.removes(journal.Collected{Notebooks: 1}, time.Hour)
	t.Kill(t.T)
	t.reopen()
	if next := t.notebook("b.ipynb"); next == a || next == b {
		t.Errorf("numbers %d and %d were given, and then %d", a, b, next)
	}
}

func (t *trial) young() {
	young, again, old := t.blobOf("young", 0), t.blobOf("put again", 2*time.Hour), t.blobOf("old", 2*time.Hour)
	t.ok(t.j.Put(again, []byte("put again")))
	t.removes(journal.Collected{Blobs: 1}, time.Hour)
	t.content(t.j.Blob(young))
	t.content(t.j.Blob(again))
	f, err := t.j.Blob(old)
	t.none("the old one", f, err)
}
