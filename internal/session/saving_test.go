package session

import (
	"testing"
	"time"

	"github.com/runnel-dev/runnel/internal/protocol"
)

// A save that takes long is as old as the first change that it is to write, not as its own beginning: a page says after 10 s that nothing is saved.
func TestSavingIsAsOldAsItsChange(t *testing.T) {
	b := newBench(t, time.Minute)
	b.do(func(c *core) { c.saveDone(base{}.Stamp) })
	first := b.c.now
	b.accept(protocol.Command{Type: protocol.CmdCellInsert, CellID: "a", CellType: "code"})
	for _, wait := range []int64{saveQuiet, 5_000} {
		if got := b.c.pub.Save; got.Since != first || got.State == protocol.Saved {
			t.Errorf("%d ms after the change the page is told %+v, the change was at %d", b.c.now-first, got, first)
		}
		b.do(func(c *core) { c.now += wait; c.maybeSave() })
	}
	if got := b.c.pub.Save; got.State != protocol.Saving || got.Since != first {
		t.Errorf("while it is written the page is told %+v, the change was at %d", got, first)
	}
}
