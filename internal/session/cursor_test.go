package session

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/runnel-dev/runnel/internal/protocol"
)

func TestCursors(t *testing.T) {
	w := inMemory(t)
	sv, s, p := w.begin()
	sv.do(s, insert("one", "1"))
	_, top := s.Top()
	p.until("the top", func(st *protocol.State) bool { return st.N >= top })

	t.Run("resume brings the events after n and nothing else", func(t *testing.T) {
		c := s.Subscribe("again", protocol.Subscription{Epoch: p.state.Epoch, N: p.state.N})
		defer c.Close()
		first, err := c.Next(testContext(t))
		if err != nil || !first.Resume || first.Snapshot != nil || first.From != p.state.N+1 {
			t.Fatalf("%+v, %v", first, err)
		}
		sv.do(s, insert("two", "2"))
		b, err := c.Next(testContext(t))
		if err != nil || b.From != p.state.N+1 || len(b.Events) == 0 || len(b.Encoded()) != len(b.Events) {
			t.Fatalf("%+v, %v", b, err)
		}
	})
	t.Run("another epoch, or a number that is not there, is a snapshot", func(t *testing.T) {
		for _, at := range []protocol.Subscription{{Epoch: "other", N: p.state.N}, {Epoch: p.state.Epoch, N: p.state.N + 1000}, {}} {
			c := s.Subscribe("new", at)
			b, err := c.Next(testContext(t))
			c.Close()
			if err != nil || b.Snapshot == nil || b.N != b.Snapshot.N {
				t.Errorf("%+v: %+v, %v", at, b, err)
			}
		}
	})
	t.Run("closing ends a Next that waits", func(t *testing.T) {
		c := s.SubscribePlain("plain")
		if _, err := c.Next(testContext(t)); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() {
			for {
				if _, err := c.Next(context.Background()); err != nil {
					ended <- err
					return
				}
			}
		}()
		c.Close()
		c.Close()
		if err := <-ended; !errors.Is(err, ErrClosed) {
			t.Errorf("%v", err)
		}
	})
	t.Run("far behind: a page gets the state, a plain client is told", func(t *testing.T) {
		slow, plain := s.Subscribe("slow", protocol.Subscription{}), s.SubscribePlain("plain")
		defer slow.Close()
		defer plain.Close()
		for _, c := range []*Cursor{slow, plain} {
			if _, err := c.Next(testContext(t)); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 30 {
			sv.do(s, insert(fmt.Sprintf("big%d", i), strings.Repeat("x", 3<<20)))
		}
		if b, err := slow.Next(testContext(t)); err != nil || b.Snapshot == nil {
			t.Errorf("page: %v, %v", b.N, err)
		}
		if _, err := plain.Next(testContext(t)); !errors.Is(err, ErrSlow) {
			t.Errorf("plain: %v", err)
		}
	})
}

func TestJoinSaysTheSame(t *testing.T) {
	long := strings.Repeat("0123456789\n", 2000)
	events := []protocol.Event{
		protocol.OutputSet{CellID: "a", Output: &protocol.Output{ID: "o1", Kind: protocol.KindStream, Name: "stdout", Text: &protocol.Text{}}},
		protocol.TextPut{CellID: "a", OutputID: "o1", At: 0, Text: "50%", Raw: "50%"},
		protocol.TextPut{CellID: "a", OutputID: "o1", At: 0, Text: "100%", Raw: "\r100%"},
		protocol.TextPut{CellID: "a", OutputID: "o1", At: 4, Text: " 😀", Raw: " 😀"},
		protocol.TextPut{CellID: "a", OutputID: "o1", At: 5, Text: "x", Raw: "\bx"},
		protocol.TextPut{CellID: "a", OutputID: "o1", At: 6, Text: long, Raw: long},
		protocol.SaveChanged{Save: protocol.Save{State: protocol.Unsaved}},
		protocol.SaveChanged{Save: protocol.Save{State: protocol.Saved}},
	}
	one, all := &protocol.State{Cells: []*protocol.Cell{newCell("a", "code", "")}}, &protocol.State{Cells: []*protocol.Cell{newCell("a", "code", "")}}
	raw := ""
	for _, e := range events {
		one.Apply(e)
		if p, ok := e.(protocol.TextPut); ok {
			raw += p.Raw
		}
	}
	joined := join(events)
	if len(joined) != 3 {
		t.Errorf("%d events", len(joined))
	}
	for _, e := range joined {
		all.Apply(e)
		if p, ok := e.(protocol.TextPut); ok && p.Raw != raw {
			t.Error("what was printed is not all there")
		}
	}
	if diff := cmp.Diff(asJSON(one), asJSON(all)); diff != "" {
		t.Error(diff)
	}
}

// Whatever puts do to a text, they do the same joined, for plain clients and for pages, for which dropped text is left out.
func TestJoinTextSaysTheSame(t *testing.T) {
	const far = protocol.HeadMax + 40_000
	texts := []string{"", "a", "xyz", "\n", "a longer one", "😀", "é😀 end"}
	var bases []protocol.Text
	for _, base := range []string{"", "hello there", strings.Repeat("x", far) + "hello there"} {
		var text protocol.Text
		text.Put(0, base, 0)
		bases = append(bases, protocol.Text{Head: text.Head, Tail: text.Tail, TailAt: text.TailAt, Total: text.Total}) // as it is in a snapshot
	}
	rng := rand.New(rand.NewPCG(1, 2))
	joins, skips := 0, 0
	for range 3_000 {
		base := bases[rng.IntN(len(bases))]
		after := func(events []protocol.Event) *protocol.Text {
			text := base
			st := &protocol.State{Cells: []*protocol.Cell{{ID: "c", Type: "code", Outputs: []*protocol.Output{{ID: "o", Kind: protocol.KindStream, Text: &text}}}}}
			for _, e := range events {
				st.Apply(e)
			}
			return st.Cells[0].Outputs[0].Text
		}
		var events []protocol.Event
		for range 2 + rng.IntN(4) {
			now := after(events)
			p := protocol.TextPut{CellID: "c", OutputID: "o", At: now.Total - rng.Int64N(20), Text: texts[rng.IntN(len(texts))]}
			if rng.IntN(2) == 0 {
				p.TailAt = now.Total + rng.Int64N(10) - 5
			}
			p.Raw = p.Text
			changed := *after(append(events, p))
			if p.At < 0 || p.At > now.Total || changed.Total != p.At+int64(protocol.UTF16Len(p.Text)) || p.TailAt > changed.Total {
				continue // it does not fit, which a session's do
			}
			events = append(events, p)
		}
		want := after(events)
		for _, pages := range []bool{false, true} {
			j := joiner{pages: pages}
			for _, e := range events {
				j.add(e)
			}
			joined := j.events()
			joins += len(events) - len(joined)
			for _, e := range joined {
				if e.(protocol.TextPut).Skipped > 0 {
					skips++
				}
			}
			if got := after(joined); !got.Equal(*want) {
				t.Fatalf("base of %d, %+v as %+v: tail %q at %d, want %q at %d", base.Total, events, joined, got.Tail, got.TailAt, want.Tail, want.TailAt)
			}
			if again := after(slices.Concat(joined, joined)); len(joined) == 1 && !again.Equal(*want) {
				t.Fatalf("base of %d, %+v twice: tail %q at %d, want %q at %d", base.Total, joined, again.Tail, again.TailAt, want.Tail, want.TailAt)
			}
		}
	}
	if joins < 2_000 || skips < 200 {
		t.Errorf("only %d were joined, %d with text left out", joins, skips)
	}
}

// A page that was away for a moment of a flood gets its end, in one batch, and not what was printed meanwhile.
func TestFloodForAPage(t *testing.T) {
	one := &protocol.State{Cells: []*protocol.Cell{newCell("c", "code", "")}}
	var events []protocol.Event
	emit := func(e protocol.Event) {
		one.Apply(e)
		events = append(events, e)
	}
	emit(protocol.OutputSet{CellID: "c", Output: &protocol.Output{ID: "o", Kind: protocol.KindStream, Name: "stdout", Text: &protocol.Text{}}})
	line := strings.Repeat("0123456789", 10_000)
	all := &protocol.State{Cells: []*protocol.Cell{newCell("c", "code", "")}}
	text := func() *protocol.Text { return one.Cells[0].Outputs[0].Text }
	for range 200 { // 20 MB
		e := protocol.TextPut{CellID: "c", OutputID: "o", At: text().Total, Text: line, Raw: line}
		grown := *text()
		grown.Total += int64(len(line))
		if over := tailOver(&grown); over > 0 {
			e.TailAt = grown.TailAt + over
		}
		emit(e)
	}
	tail := newTail("e", 0)
	c := &Cursor{s: &Session{tail: tail}, begun: true, closed: make(chan struct{})}
	batches, bytes := 0, 0
	for some := range slices.Chunk(events, 20) { // 2 MB at once
		tail.put(some)
		for c.at < tail.top {
			b, err := c.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, raw := range b.Encoded() {
				e, err := protocol.DecodeEvent(raw)
				if err != nil {
					t.Fatal(err)
				}
				all.Apply(e)
				bytes += len(raw)
			}
			batches++
		}
	}
	if got := all.Cells[0].Outputs[0].Text; !got.Equal(*text()) {
		t.Errorf("%d of %d, tail %d at %d, want at %d", got.Total, text().Total, len(got.Tail), got.TailAt, text().TailAt)
	}
	if batches > 20 || bytes > 7<<20 {
		t.Errorf("%d batches, %d bytes", batches, bytes)
	}
}

// Fifty pages follow one kernel's worth of events and all hold the server's state.
func TestFiftyPages(t *testing.T) {
	quiet(t, func(t *testing.T, w *world) {
		sv := w.serve()
		s := sv.open("a.ipynb")
		var pages []*page
		for range 50 {
			pages = append(pages, sv.page(s))
		}
		for i := range 100 {
			sv.do(s, insert(fmt.Sprint("c", i), "x"))
		}
		for _, p := range pages {
			p.same()
			if len(p.state.Cells) != 100 {
				t.Fatalf("%d cells", len(p.state.Cells))
			}
		}
	})
}

func TestNews(t *testing.T) {
	tail := newTail("e", 0)
	c := &Cursor{s: &Session{tail: tail}, begun: true, closed: make(chan struct{})}
	there := func() bool {
		select {
		case <-c.News():
			return true
		default:
			return false
		}
	}
	put := protocol.TextPut{CellID: "c", OutputID: "o", Text: "x"}
	waiting := c.News()
	tail.put([]protocol.Event{put, put})
	if there() {
		t.Error("output is news")
	}
	tail.put([]protocol.Event{put, protocol.RunDone{CellID: "c"}, put})
	select {
	case <-waiting:
	default:
		t.Error("who waits is not told")
	}
	if !there() {
		t.Error("the end of a run is no news")
	}
	if _, err := c.Next(t.Context()); err != nil || there() {
		t.Errorf("%v, and what was read is still news", err)
	}
}
