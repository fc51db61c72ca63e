package journaltest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"time"

	"github.com/runnel-dev/runnel/internal/journal"
)

func (t *trial) kill() {
	id, other := t.notebook("a.ipynb"), t.notebook("b.ipynb")
	t.append(id, 1, 2)
	t.ok(t.j.Snapshot(t.Context(), id, state(2)))
	t.append(id, 3, 4)
	t.append(other, 1, 1)
	hash := journal.Hash([]byte("big"))
	t.ok(errors.Join(t.j.Put(hash, []byte("big")), t.j.Spill(id, "o1", 0, []byte("middle"))))
	t.Kill(t.T)
	t.reopen()
	t.has(id, "state 2, batch 3, batch 4")
	t.has(other, "batch 1")
	if again := t.notebook("a.ipynb"); again != id {
		t.Errorf("number %d is %d now", id, again)
	}
	if got := t.content(t.j.Blob(hash)) + t.content(t.j.OpenSpill(id, "o1")); got != "bigmiddle" {
		t.Errorf("beside it is %q", got)
	}
	t.append(id, 5, 5)
	t.has(id, "state 2, batch 3, batch 4, batch 5")
}

func (t *trial) powerCut() {
	id := t.notebook("a.ipynb")
	t.append(id, 1, 3)
	t.ok(t.j.Sync(t.Context()))
	t.append(id, 4, 9)
	t.PowerCut(t.T)
	t.reopen()
	loaded := t.load(id)
	if n := len(loaded.Batches); n < 3 {
		t.Fatalf("%d batches are left of 3 that were synced", n)
	}
	for i, b := range loaded.Batches {
		if want := batch(i + 1); b.Seq != want.Seq || string(b.Data) != string(want.Data) {
			t.Errorf("in the place of batch %d is %d: %s", i+1, b.Seq, b.Data)
		}
	}
}

func (t *trial) powerCutSnapshot() {
	id := t.notebook("a.ipynb")
	t.append(id, 1, 3)
	t.ok(t.j.Sync(t.Context()))
	t.ok(t.j.Snapshot(t.Context(), id, state(3)))
	t.PowerCut(t.T)
	t.reopen()
	if t.load(id).Snapshot != nil {
		t.has(id, "state 3")
	} else {
		t.has(id, "batch 1, batch 2, batch 3")
	}
}

func (t *trial) syncAll() {
	a, b := t.notebook("a.ipynb"), t.notebook("b.ipynb")
	t.append(a, 1, 1)
	t.append(b, 1, 1)
	t.ok(errors.Join(t.j.SetLive(t.Context(), b, true), t.j.Rename(t.Context(), a, "c.ipynb")))
	t.ok(t.j.Sync(t.Context()))
	t.ok(t.j.Sync(t.Context()))
	t.PowerCut(t.T)
	t.reopen()
	t.has(a, "batch 1")
	t.has(b, "batch 1")
	t.liveAre("b.ipynb")
	if got := t.notebook("c.ipynb"); got != a {
		t.Errorf("c.ipynb is %d, want %d", got, a)
	}
}

func (t *trial) closed() {
	id := t.notebook("a.ipynb")
	t.append(id, 1, 2)
	t.ok(t.j.Close())
	t.ok(t.j.Close())
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	calls := map[string]func() error{
		"Append":   func() error { return t.j.Append(ctx, id, batch(3)) },
		"Snapshot": func() error { return t.j.Snapshot(ctx, id, state(2)) },
		"Sync":     func() error { return t.j.Sync(ctx) },
		"Load":     func() error { _, err := t.j.Load(ctx, id); return err },
		"Notebook": func() error { _, err := t.j.Notebook(ctx, "b.ipynb"); return err },
		"Live":     func() error { _, err := t.j.Live(ctx); return err },
	}
	for name, call := range calls {
		for range 5 {
			if err := call(); !errors.Is(err, journal.ErrClosed) {
				t.Fatalf("%s of a closed journal: %v", name, err)
			}
		}
	}
	t.PowerCut(t.T)
	t.reopen()
	t.has(id, "batch 1, batch 2")
}

func (t *trial) cancelled() {
	id := t.notebook("a.ipynb")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for i := 1; i <= 20; i++ {
		if err := t.j.Append(ended, id, batch(i)); err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		t.append(id, i, i)
	}
	if err := t.j.Sync(ended); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if n := len(t.load(id).Batches); n != 20 {
		t.Errorf("%d batches of 20", n)
	}
}

func (t *trial) liveAre(want string) {
	t.Helper()
	paths, err := t.j.Live(t.Context())
	t.ok(err)
	if got := strings.Join(paths, " "); got != want {
		t.Errorf("live are %q, want %q", got, want)
	}
}

func (t *trial) live() {
	a, b, c := t.notebook("a.ipynb"), t.notebook("b.ipynb"), t.notebook("c.ipynb")
	t.liveAre("")
	for _, id := range []journal.NotebookID{c, a, b} {
		t.ok(t.j.SetLive(t.Context(), id, true))
	}
	t.ok(t.j.SetLive(t.Context(), b, true))
	t.liveAre("a.ipynb b.ipynb c.ipynb")
	t.ok(t.j.SetLive(t.Context(), b, false))
	t.Kill(t.T)
	t.reopen()
	t.liveAre("a.ipynb c.ipynb")
	t.ok(t.j.Rename(t.Context(), c, "0.ipynb"))
	t.liveAre("0.ipynb a.ipynb")
}

func (t *trial) versions() {
	id := t.notebook("a.ipynb")
	_, err := t.j.Base(id, "one")
	if !errors.Is(err, fs.ErrNotExist) || t.j.IsNext(id, "one") || t.j.IsNext(id, "") {
		t.Errorf("a version that was never kept: %v", err)
	}
	if to := t.j.Move(id); to != "" {
		t.Errorf("a move to %q that was never noted", to)
	}
	for _, tag := range []string{"zero", "one", "one", "two"} {
		t.ok(t.j.PutMove(id, tag))
		t.ok(errors.Join(t.j.PutBase(id, tag, []byte("{}\n"+tag)), t.j.PutNext(id, tag)))
	}
	t.Kill(t.T)
	t.reopen()
	if data, err := t.j.Base(id, "one"); err != nil || string(data) != "{}\none" || t.j.IsNext(id, "one") || t.j.IsNext(id+1, "two") {
		t.Errorf("the version before is %q: %v", data, err)
	}
	if _, err := t.j.Base(id, "zero"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the version before that is given: %v", err)
	}
	if to := t.j.Move(id); to != "two" || t.j.Move(id+1) != "" {
		t.Errorf("the move that was noted last is %q", to)
	}
	t.ok(errors.Join(t.j.PutMove(id, ""), t.j.PutMove(id, "")))
	if to := t.j.Move(id); to != "" {
		t.Errorf("the move is %q when it is over", to)
	}
	if data, err := t.j.Base(id, "two"); err != nil || string(data) != "{}\ntwo" || !t.j.IsNext(id, "two") {
		t.Errorf("the last version is %q: %v", data, err)
	}
}

func (t *trial) lost() {
	id := t.notebook("a.ipynb")
	t.append(id, 1, 3)
	t.ok(t.j.Sync(t.Context()))
	t.append(id, 4, 5)
	t.PowerCut(t.T)
	t.reopen()
	loaded := t.load(id)
	n := len(loaded.Batches)
	if lost := uint64(2 * (5 - n)); loaded.Lost != lost || loaded.Damaged != (lost > 0) {
		t.Errorf("%d of 5 batches are there: %d events are said to be lost, damaged %v", n, loaded.Lost, loaded.Damaged)
	}
	t.append(id, n+1, 5)
	t.has(id, "batch 1, batch 2, batch 3, batch 4, batch 5")
}

func (t *trial) failedSync() {
	id := t.notebook("a.ipynb")
	t.append(id, 1, 1)
	t.FailSync(t.T)
	for range 2 {
		if err := t.j.Sync(t.Context()); !errors.Is(err, journal.ErrSync) {
			t.Fatalf("a sync that failed: %v", err)
		}
	}
	if err := t.j.Append(t.Context(), id, batch(2)); !errors.Is(err, journal.ErrSync) {
		t.Errorf("a batch after it: %v", err)
	}
	if err := t.j.Snapshot(t.Context(), id, state(1)); !errors.Is(err, journal.ErrSync) {
		t.Errorf("a snapshot after it: %v", err)
	}
	t.has(id, "batch 1")
	t.Kill(t.T)
	t.reopen()
	t.append(id, 2, 2)
	t.ok(t.j.Sync(t.Context()))
	t.has(id, "batch 1, batch 2")
}

func (t *trial) again() {
	id := t.notebook("a.ipynb")
	t.append(id, 1, 2)
	other := batch(2)
	other.Data = []byte("other")
	t.ok(t.j.Append(t.Context(), id, other))
	t.append(id, 1, 3)
	t.has(id, "batch 1, batch 2, batch 3")
	t.ok(t.j.Snapshot(t.Context(), id, state(3)))
	t.append(id, 2, 4)
	t.has(id, "state 3, batch 4")
}

// beside: a write may have come together with one that is refused.
func (t *trial) beside() {
	id, over := t.notebook("refused.ipynb"), make(chan struct{})
	var refused, taken sync.WaitGroup
	defer refused.Wait()
	defer close(over)
	for range 4 {
		refused.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
					_ = t.j.Append(t.Context(), id, batch(7))
				}
			}
		})
	}
	ids := make([]journal.NotebookID, 8)
	for i := range ids {
		ids[i] = t.notebook(fmt.Sprint(i))
		taken.Go(func() {
			for seq := 1; seq <= 20; seq++ {
				if err := t.j.Append(t.Context(), ids[i], batch(seq)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	taken.Wait()
	for _, id := range ids {
		if n := len(t.load(id).Batches); n != 20 {
			t.Errorf("of notebook %d %d batches are there", id, n)
		}
	}
	t.gone(id)
}

// big does not find room on a full disk.
func big(i int) journal.Batch {
	return journal.Batch{Seq: uint64(i), N: uint64(2 * i), Data: []byte(strings.Repeat("y", 1<<20))}
}

func (t *trial) full() {
	id := t.notebook("a.ipynb")
	t.append(id, 1, 3)
	t.Fill(t.T, true)
	for range 3 {
		if err := t.j.Append(t.Context(), id, big(4)); !errors.Is(err, journal.ErrFull) {
			t.Fatalf("on a full disk: %v", err)
		}
	}
	t.has(id, "batch 1, batch 2, batch 3")
	t.ok(t.j.Sync(t.Context()))
	t.Fill(t.T, false)
	t.ok(t.j.Append(t.Context(), id, big(4)))
	t.append(id, 5, 5)
	t.has(id, "batch 1, batch 2, batch 3, "+string(big(4).Data)+", batch 5")
}

func (t *trial) fullSnapshot() {
	id := t.notebook("a.ipynb")
	t.append(id, 1, 3)
	t.Fill(t.T, true)
	if err := t.j.Snapshot(t.Context(), id, big(3)); !errors.Is(err, journal.ErrFull) {
		t.Fatalf("on a full disk: %v", err)
	}
	t.has(id, "batch 1, batch 2, batch 3")
	t.Fill(t.T, false)
	t.ok(t.j.Snapshot(t.Context(), id, state(3)))
	t.has(id, "state 3")
}
