package session

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/internal/protocol"
)

// What no notebook refers to any more is removed; what one still shows, has in the journal or may take back is not.
func TestCollect(t *testing.T) {
	w := newWorld(t, "7")
	w.write("a.ipynb", fmt.Sprintf(`{"cells": [{"cell_type": "code", "id": "a", "metadata": {}, "execution_count": 1, "source": "x", "outputs": [
		{"output_type": "display_data", "metadata": {}, "data": {"text/plain": "%s"}}]}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}`, strings.Repeat("z", 2*protocol.InlineMax)))
	sv := w.serve()
	s := sv.open("a.ipynb")
	p := sv.page(s)
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
