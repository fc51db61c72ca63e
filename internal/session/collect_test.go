package session

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/internal/protocol"
)

// What no notebook refers to any more is removed; what one still shows, has in the journal or may take back is not.
func TestCollect(t *testing.T) {
	w := newWorld(t, "7")
	w.write("a.ipynb", fmt.Sprintf(`{"cells": [{"cell_type": "code", "id": "a", "metadata": {}, "execution_count": 1, "source": "x", "outputs": [
		{"output_type": "display_data", "metadata": {}, "data": {"text/plain": "%s"}}]}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}`, strings.Repeat("z", 2*protocol.InlineMax)))
	sv, s, p := w.begin()
	ref, ok := blobHash(p.state.Cell("a").Outputs[0].Data["text/plain"])
	if !ok {
		t.Fatalf("no blob in %s", asJSON(p.state.Cell("a").Outputs))
	}
	there := func() bool {
		f, err := sv.journal.Blob(ref.Blob.Hash)
		if err == nil {
			_ = f.Close()
		}
		return err == nil
	}
	collect := func(now time.Time) {
		t.Helper()
		if err := sv.hub.collect(testContext(t), now); err != nil {
			t.Fatal(err)
		}
	}
	later := func() time.Time { return time.Now().Add(2 * blobAge) }
	collect(later())
	if !there() {
		t.Fatal("what an open notebook shows is gone")
	}
	sv.do(s, protocol.Command{Type: protocol.CmdClearOutputs, CellIDs: []protocol.CellID{"a"}})
	p.untilSaved()
	collect(later())
	if !there() {
		t.Fatal("what the journal names is gone")
	}
	sv.stop() // writes a snapshot, without the output
	sv = w.serve()
	collect(time.Now())
	if !there() {
		t.Fatal("a young blob is gone")
	}
	collect(later())
	if there() {
		t.Error("a blob that nothing refers to is kept")
	}

	known := func() int {
		t.Helper()
		all, err := sv.journal.Notebooks(testContext(t))
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	if err := os.Remove(filepath.Join(w.dir, "a.ipynb")); err != nil {
		t.Fatal(err)
	}
	month := time.Now().Add(forgetAfter)
	collect(time.Now().Add(-time.Minute))
	collect(month.Add(-2 * time.Minute))
	if known() != 1 {
		t.Error("forgotten before its time")
	}
	collect(month.Add(time.Minute)) // the hub, which collects when it starts, may have been the one that missed the file
	if known() != 0 {
		t.Error("never forgotten")
	}
}

// keepCopy copies what a dead keeper would leave of the one kernel that runs, and gives how to put it back.
func (w *world) keepCopy() (putBack func() string) {
	w.t.Helper()
	dirs, err := os.ReadDir(w.runtime)
	if err != nil || len(dirs) != 1 {
		w.t.Fatalf("kernels %v, %v", dirs, err)
	}
	dir := filepath.Join(w.runtime, dirs[0].Name())
	entries, err := os.ReadDir(dir)
	if err != nil {
		w.t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, e := range entries {
		if e.Type().IsRegular() {
			if files[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	return func() string {
		w.t.Helper()
		if err := os.Mkdir(dir, 0o700); err != nil {
			w.t.Fatal(err)
		}
		for name, data := range files {
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
				w.t.Fatal(err)
			}
		}
		return dir
	}
}

// A keeper that was killed when the journal had all it knew leaves its folder: that one goes. What a notebook has not read yet stays, also when
// the notebook cannot be opened, and a kernel that lives is left alone.
func TestCollect_kernels(t *testing.T) {
	w := newWorld(t, "7")
	sv := w.serve()
	later := func() time.Time { return time.Now().Add(2 * kernelAge) }
	there := func(dir string) bool {
		_, err := os.Stat(dir)
		return err == nil
	}
	collect := func(now time.Time) error { return sv.hub.collectKernels(testContext(t), now) }

	s := sv.open("a.ipynb")
	p := sv.page(s)
	sv.execute(s, "a", "print('read')")
	p.untilDone("a", protocol.StatusOK)
	putBack := w.keepCopy()
	sv.do(s, protocol.Command{Type: protocol.CmdKernelStop})
	p.until("no kernel", func(s *protocol.State) bool { return s.Kernel.State == protocol.KernelNone })
	waitFor(t, "the keeper's end", func() bool { left, err := os.ReadDir(w.runtime); return err == nil && len(left) == 0 })
	left := putBack()
	if err := collect(time.Now()); err != nil || !there(left) {
		t.Fatalf("young: there %v, %v", there(left), err)
	}

	s = sv.open("b.ipynb")
	p = sv.page(s)
	sv.execute(s, "b", "import os, time\nprint('begun', flush=True)\nwhile not os.path.exists('go'): time.sleep(0.01)\nprint('said while no server was there')")
	p.untilText("b", "begun")
	p.untilSaved()
	if err := collect(later()); err != nil || there(left) {
		t.Fatalf("old: there %v, %v", there(left), err)
	}
	whole := w.read("b.ipynb")
	p.c.Close()
	sv.stop()
	w.write("go", "")
	found, err := w.manager().Find(testContext(t))
	if err != nil || len(found) != 1 {
		t.Fatalf("%+v, %v", found, err)
	}
	waitFor(t, "the end of the run", func() bool {
		now, err := w.manager().Find(testContext(t))
		return err == nil && now[0].State.Busy == 0
	})
	if err := syscall.Kill(found[0].KeeperPID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the keeper's end", func() bool { now, err := w.manager().Find(testContext(t)); return err == nil && !now[0].Alive })
	left = putBack()
	w.write("b.ipynb", "no notebook")
	sv = w.serve()
	<-sv.hub.ready
	if err := collect(later()); err == nil || !there(left) {
		t.Errorf("of a notebook that cannot be opened: there %v, %v", there(left), err)
	}
	w.write("b.ipynb", whole)
	p = sv.page(sv.open("b.ipynb"))
	p.untilText("b", "said while no server was there")
	p.until("the kernel's end", func(s *protocol.State) bool { return s.Kernel.State == protocol.KernelDead })
	if err := collect(later()); err != nil || there(left) {
		t.Errorf("at the end: there %v, %v", there(left), err)
	}
	waitFor(t, "what was read to be gone", func() bool { now, err := os.ReadDir(w.runtime); return err == nil && len(now) == 0 })
}

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited for %s", what)
		}
	}
}
