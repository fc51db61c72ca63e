package journaltest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/runnel-dev/runnel/internal/journal"
)

// Journal is what the contract is about: all that a session uses.
type Journal interface {
	Append(ctx context.Context, id journal.NotebookID, b journal.Batch) error
	Snapshot(ctx context.Context, id journal.NotebookID, s journal.Batch) error
	Load(ctx context.Context, id journal.NotebookID) (journal.Loaded, error)
	Sync(ctx context.Context) error
	Close() error

	Notebook(ctx context.Context, path string) (journal.NotebookID, error)
	Notebooks(ctx context.Context) (map[string]journal.NotebookID, error)
	Rename(ctx context.Context, id journal.NotebookID, path string) error
	SetLive(ctx context.Context, id journal.NotebookID, live bool) error
	Live(ctx context.Context) ([]string, error)
	Missing(ctx context.Context, id journal.NotebookID, since time.Time) error
	Collect(ctx context.Context, held iter.Seq[[]byte], missing, put time.Time) (journal.Collected, error)

	Put(hash string, data []byte) error
	Blob(hash string) (io.ReadSeekCloser, error)
	Spill(id journal.NotebookID, output string, offset int64, data []byte) error
	OpenSpill(id journal.NotebookID, output string) (io.ReadSeekCloser, error)
	DropSpill(id journal.NotebookID, output string) error
	PutBase(id journal.NotebookID, tag string, data []byte) error
	Base(id journal.NotebookID, tag string) ([]byte, error)
	PutNext(id journal.NotebookID, tag string) error
	IsNext(id journal.NotebookID, tag string) bool
	PutMove(id journal.NotebookID, to string) error
	Move(id journal.NotebookID) string
}

// Medium is what a journal is kept on, with one journal open at a time.
type Medium interface {
	// Open opens the journal of what is there.
	Open(t *testing.T) Journal
	// Kill ends the process of the open journal: what it has written is there.
	Kill(t *testing.T)
	// PowerCut ends the open journal and takes as much as a power cut may take.
	PowerCut(t *testing.T)
	// Fill leaves no room for a large batch, or gives room again.
	Fill(t *testing.T, full bool)
	// FailSync makes the next fsync fail.
	FailSync(t *testing.T)
	// Age makes a blob so much older.
	Age(t *testing.T, hash string, by time.Duration)
}

// Contract holds a kind of journal to what docs/journal.md promises of every one, rule by rule. What only a disk can show, damage and private
// files, is in the tests of package journal.
func Contract(t *testing.T, make func(t *testing.T) Medium) {
	for _, clause := range clauses {
		t.Run(clause.says, func(t *testing.T) {
			m := make(t)
			clause.holds(&trial{T: t, Medium: m, j: m.Open(t)})
		})
	}
}

var clauses = []struct {
	says  string
	holds func(*trial)
}{
	{"J1 a notebook begins empty", (*trial).beginsEmpty},
	{"J1 batches come back whole and in their order", (*trial).order},
	{"J1 a batch that leaves a gap is refused, and nothing of it stays", (*trial).gap},
	{"J1 each notebook counts for itself", (*trial).apart},
	{"J1 many write at once", (*trial).many},
	{"J1 what was given and what was read is the caller's", (*trial).owned},
	{"J1 a snapshot stands for what was before it", (*trial).snapshot},
	{"J1 a snapshot of the past is refused", (*trial).snapshotBehind},
	{"J3 what is written survives a kill", (*trial).kill},
	{"J3 what is synced survives a power cut, and nothing is there without what was before it", (*trial).powerCut},
	{"J3 a power cut leaves a snapshot or what it stands for", (*trial).powerCutSnapshot},
	{"J3 a sync is for all notebooks", (*trial).syncAll},
	{"J3 closing syncs, and ends every call", (*trial).closed},
	{"J3 a call whose time is over says so, and can be made again", (*trial).cancelled},
	{"J5 live notebooks are known to the next server", (*trial).live},
	{"J5 the file's version is known by its tag", (*trial).versions},
	{"J6 what is missing at the end is told, and the journal goes on", (*trial).lost},
	{"J8 after a failed sync nothing more is taken", (*trial).failedSync},
	{"J9 what is refused takes nothing with it", (*trial).beside},
	{"J9 a batch that is there is not written again", (*trial).again},
	{"J9 a full disk refuses a batch, and takes it when there is room", (*trial).full},
	{"J9 a snapshot that a full disk refuses leaves the batches", (*trial).fullSnapshot},
	{"J10 a blob is what its name says", (*trial).blob},
	{"J10 text aside is written by its place", (*trial).spill},
	{"J13 a renamed notebook goes on, and the one of that name is forgotten", (*trial).rename},
	{"J13 what belongs to no notebook is removed", (*trial).collect},
	{"J13 a notebook is forgotten when its file has been missing for long", (*trial).forget},
	{"J13 a number is given to one notebook only", (*trial).numbers},
	{"J14 a blob that is young, or put again, stays", (*trial).young},
}

// trial is one journal that is held to one clause.
type trial struct {
	*testing.T
	Medium
	j Journal
}

func (t *trial) ok(err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// reopen opens the journal that the next server finds.
func (t *trial) reopen() {
	t.Helper()
	t.j = t.Open(t.T)
}

func (t *trial) notebook(path string) journal.NotebookID {
	t.Helper()
	id, err := t.j.Notebook(t.Context(), path)
	t.ok(err)
	return id
}

// batch i ends with event 2i.
func batch(i int) journal.Batch {
	return journal.Batch{Seq: uint64(i), N: uint64(2 * i), Data: fmt.Appendf(nil, "batch %d", i)}
}

func state(i int) journal.Batch {
	return journal.Batch{Seq: uint64(i), N: uint64(2 * i), Data: fmt.Appendf(nil, "state %d", i)}
}

func (t *trial) append(id journal.NotebookID, from, to int) {
	t.Helper()
	for i := from; i <= to; i++ {
		t.ok(t.j.Append(t.Context(), id, batch(i)))
	}
}

func (t *trial) load(id journal.NotebookID) journal.Loaded {
	t.Helper()
	loaded, err := t.j.Load(t.Context(), id)
	t.ok(err)
	return loaded
}

// has checks what there is of a notebook: "state 3, batch 4, batch 5".
func (t *trial) has(id journal.NotebookID, want string) {
	t.Helper()
	loaded := t.load(id)
	var parts []string
	at := uint64(0)
	if s := loaded.Snapshot; s != nil {
		parts, at = append(parts, string(s.Data)), s.Seq
	}
	for _, b := range loaded.Batches {
		if at++; b.Seq != at || b.N != 2*at {
			t.Errorf("batch %d with event %d in the place of %d", b.Seq, b.N, at)
		}
		parts = append(parts, string(b.Data))
	}
	if got := strings.Join(parts, ", "); got != want || loaded.Damaged || loaded.Lost != 0 {
		t.Errorf("there is %q (damaged %v, %d lost), want %q", got, loaded.Damaged, loaded.Lost, want)
	}
}

// gone checks that there is nothing of a notebook any more.
func (t *trial) gone(id journal.NotebookID) {
	t.Helper()
	if loaded := t.load(id); loaded.Snapshot != nil || len(loaded.Batches) > 0 {
		t.Errorf("of a notebook that was forgotten there is %+v", loaded)
	}
}

func (t *trial) beginsEmpty() {
	id := t.notebook("a.ipynb")
	t.has(id, "")
	t.has(id+7, "")
	if again := t.notebook("a.ipynb"); again != id || id == 0 {
		t.Errorf("number %d, then %d", id, again)
	}
	all, err := t.j.Notebooks(t.Context())
	t.ok(err)
	if diff := cmp.Diff(map[string]journal.NotebookID{"a.ipynb": id}, all); diff != "" {
		t.Error(diff)
	}
}

func (t *trial) order() {
	id := t.notebook("a.ipynb")
	t.append(id, 1, 12)
	t.has(id, "batch 1, batch 2, batch 3, batch 4, batch 5, batch 6, batch 7, batch 8, batch 9, batch 10, batch 11, batch 12")
}

func (t *trial) gap() {
	id := t.notebook("a.ipynb")
	for _, seq := range []int{2, 3} {
		if t.j.Append(t.Context(), id, batch(seq)) == nil {
			t.Errorf("batch %d was taken as the first", seq)
		}
	}
	t.append(id, 1, 1)
	if t.j.Append(t.Context(), id, batch(3)) == nil {
		t.Error("batch 3 was taken after batch 1")
	}
	t.append(id, 2, 2)
	t.has(id, "batch 1, batch 2")
}

func (t *trial) apart() {
	a, b := t.notebook("a.ipynb"), t.notebook("b.ipynb")
	t.append(a, 1, 2)
	t.append(b, 1, 1)
	t.ok(t.j.Snapshot(t.Context(), a, state(2)))
	t.has(a, "state 2")
	t.has(b, "batch 1")
}

func (t *trial) many() {
	ids := make([]journal.NotebookID, 8)
	done := make(chan error)
	for i := range ids {
		ids[i] = t.notebook(fmt.Sprint(i))
		go func() {
			var err error
			for seq := 1; seq <= 20 && err == nil; seq++ {
				err = errors.Join(t.j.Append(t.Context(), ids[i], batch(seq)), t.j.Sync(t.Context()))
			}
			done <- err
		}()
	}
	for range ids {
		t.ok(<-done)
	}
	t.Kill(t.T)
	t.reopen()
	for _, id := range ids {
		if loaded := t.load(id); len(loaded.Batches) != 20 {
			t.Errorf("%d batches of notebook %d", len(loaded.Batches), id)
		}
	}
}

func (t *trial) owned() {
	id := t.notebook("a.ipynb")
	first, second := batch(1), state(1)
	t.ok(t.j.Append(t.Context(), id, first))
	clear(first.Data)
	clear(t.load(id).Batches[0].Data)
	t.has(id, "batch 1")
	t.ok(t.j.Snapshot(t.Context(), id, second))
	clear(second.Data)
	clear(t.load(id).Snapshot.Data)
	t.has(id, "state 1")
	text := []byte("text")
	hash := journal.Hash(text)
	t.ok(errors.Join(t.j.Put(hash, text), t.j.Spill(id, "o1", 0, text), t.j.PutBase(id, "tag", text)))
	clear(text)
	base, err := t.j.Base(id, "tag")
	t.ok(err)
	if got := t.content(t.j.Blob(hash)) + t.content(t.j.OpenSpill(id, "o1")) + string(base); got != "texttexttext" {
		t.Errorf("kept %q", got)
	}
}

func (t *trial) snapshot() {
	id := t.notebook("a.ipynb")
	t.ok(t.j.Snapshot(t.Context(), id, state(0)))
	t.has(id, "state 0")
	t.append(id, 1, 3)
	t.ok(t.j.Snapshot(t.Context(), id, state(3)))
	t.append(id, 4, 5)
	t.has(id, "state 3, batch 4, batch 5")
	t.ok(t.j.Snapshot(t.Context(), id, state(5)))
	newer := state(5)
	newer.Data = []byte("once more")
	t.ok(t.j.Snapshot(t.Context(), id, newer))
	t.append(id, 6, 6)
	t.has(id, "once more, batch 6")
}

func (t *trial) snapshotBehind() {
	id := t.notebook("a.ipynb")
	t.append(id, 1, 3)
	if t.j.Snapshot(t.Context(), id, state(2)) == nil {
		t.Error("a snapshot took what came after it with it")
	}
	t.has(id, "batch 1, batch 2, batch 3")
}

// content reads a file to its end.
func (t *trial) content(f io.ReadSeekCloser, err error) string {
	t.Helper()
	if err != nil {
		t.Error(err)
		return ""
	}
	data, err := io.ReadAll(f)
	t.ok(errors.Join(err, f.Close()))
	return string(data)
}

// none checks that there is no such file.
func (t *trial) none(what string, f io.ReadSeekCloser, err error) {
	t.Helper()
	if err == nil {
		_ = f.Close()
	}
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s: %v", what, err)
	}
}
