package gateway

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnel-dev/runnel/internal/protocol"
)

// long is a text of so many bytes in numbered lines, as the server keeps it.
func long(bytes int) *protocol.Text {
	var lines strings.Builder
	for i := 0; lines.Len() < bytes; i++ {
		fmt.Fprintf(&lines, "line %06d of a long output 😀\n", i)
	}
	t := &protocol.Text{}
	t.Put(0, lines.String(), 0)
	return t
}

// printed is a notebook of 40 cells with 1 MB of output in three of them.
func printed() *protocol.State {
	s := &protocol.State{Notebook: "n.ipynb", Epoch: "e1", Metadata: json.RawMessage("{}"), Cells: []*protocol.Cell{}}
	for i := range 40 {
		c := &protocol.Cell{ID: protocol.CellID(fmt.Sprint("c", i)), Type: "code", Source: strings.Repeat("total = total + step\n", 12), Metadata: json.RawMessage("{}"),
			Outputs: []*protocol.Output{{ID: protocol.OutputID(fmt.Sprint("o", i)), Kind: protocol.KindStream, Name: "stdout", Text: long(100)}}}
		s.Cells = append(s.Cells, c)
	}
	for i, size := range map[int]int{1: 700_000, 2: 200_000, 30: 100_000} {
		s.Cells[i].Outputs[0].Text = long(size)
	}
	return s
}

// grow reads a snapshot to its end; each is called with what is there after each frame.
func grow(t *testing.T, c *client, each func(s *protocol.State)) *protocol.State {
	t.Helper()
	c.until("welcome")
	var first protocol.Snapshot
	if err := json.Unmarshal(<-c.f.out, &first); err != nil || first.Type != "snapshot" {
		t.Fatalf("%q, %v", first.Type, err)
	}
	each(first.State)
	for more := first.More; more; {
		var part protocol.SnapshotPart
		if err := json.Unmarshal(<-c.f.out, &part); err != nil {
			t.Fatal(err)
		}
		if part.Type != "snapshot_part" {
			continue
		}
		addPart(t, first.State, part)
		each(first.State)
		more = part.More
	}
	return first.State
}

// On 64 kbit/s the first cells of a notebook of 1 MB are there within 5 s, all sources soon after, and then what happens: of
// long texts the ends (P20).
func TestPage_slowLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newFakeHub("n.ipynb")
		n := h.session("n.ipynb")
		n.state = printed()
		c := serve(t, h, Params{})
		c.f.rate = 8 << 10
		began := time.Now()
		c.send(hello)
		var readable, sources time.Duration
		got := grow(t, c, func(s *protocol.State) {
			if readable == 0 && len(s.Cells) > 0 {
				readable = time.Since(began)
			}
			if sources == 0 && len(s.Cells) == 40 {
				sources = time.Since(began)
			}
		})
		whole := time.Since(began)
		t.Logf("first cells after %v, all sources after %v, whole after %v", readable, sources, whole)
		if readable > 5*time.Second || sources > 10*time.Second || whole > 15*time.Second {
			t.Error("too late")
		}
		n.emit(protocol.TextPut{CellID: "c1", OutputID: "o1", At: n.state.Cells[1].Outputs[0].Text.Total, Text: "the end"})
		c.until("events")
		got.Apply(n.log[0])
		for i, cell := range n.state.Cells {
			text, want := got.Cells[i].Outputs[0].Text, cell.Outputs[0].Text
			end := (want.Head + want.Tail)[len(want.Head)+len(want.Tail)-len(text.Tail):]
			if text.Total != want.Total || !strings.HasPrefix(want.Head, text.Head) || text.Tail != end {
				t.Errorf("%s: %d of %d units, begins %.20q, ends %q", cell.ID, text.Total, want.Total, text.Head, text.Tail[max(0, len(text.Tail)-20):])
			}
			if cut := i == 1 || i == 2 || i == 30; cut != (len(text.Head) < len(want.Head)) {
				t.Errorf("%s: %d of %d bytes at its begin", cell.ID, len(text.Head), len(want.Head))
			} else if cut && (len(text.Head) < beginUnits || len(text.Tail) < endUnits) {
				t.Errorf("%s: only %d bytes at its begin, %d at its end", cell.ID, len(text.Head), len(text.Tail))
			}
		}
	})
}

// On a line that carries it within the time, nothing is cut.
func TestPage_quickLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newFakeHub("n.ipynb")
		n := h.session("n.ipynb")
		n.state = printed()
		c := serve(t, h, Params{})
		c.f.rate = 1 << 20
		c.send(hello)
		got := grow(t, c, func(*protocol.State) {})
		for i, cell := range n.state.Cells {
			if text := got.Cells[i].Outputs[0].Text; !text.Equal(*cell.Outputs[0].Text) {
				t.Errorf("%s: %d units, %d bytes at its begin, %d at its end", cell.ID, text.Total, len(text.Head), len(text.Tail))
			}
		}
	})
}
