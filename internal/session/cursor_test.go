package session

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/runnel-dev/runnel/internal/protocol"
)

func TestCursors(t *testing.T) {
	w := newWorld(t, "")
	sv := w.serve()
	s := sv.open("a.ipynb")
	p := sv.page(s)
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

// Whatever two puts do, they do the same as one, when they are joined at all.
func TestJoinTextSaysTheSame(t *testing.T) {
	const far = protocol.HeadMax + 40_000
	texts := []string{"", "a", "xyz", "\n", "a longer one", "😀", "é😀 end"}
	bases := []string{"", "hello there", strings.Repeat("x", far) + "hello there"}
	rng := rand.New(rand.NewPCG(1, 2))
	joins := 0
	for range 20_000 {
		base := bases[rng.IntN(len(bases))]
		from := int64(max(0, len(base)-20))
		put := func() protocol.TextPut {
			p := protocol.TextPut{CellID: "c", OutputID: "o", At: from + rng.Int64N(30), Text: texts[rng.IntN(len(texts))]}
			if rng.IntN(2) == 0 {
				p.TailAt = from + rng.Int64N(30)
			}
			return p
		}
		a, b := put(), put()
		if a.At > int64(len(base)) {
			continue
		}
		joined, ok := joinText(a, b)
		if !ok {
			continue
		}
		joins++
		one, two := protocol.Text{}, protocol.Text{}
		one.Put(0, base, 0)
		two.Put(0, base, 0)
		two.Put(a.At, a.Text, a.TailAt)
		two.Put(b.At, b.Text, b.TailAt)
		j := joined.(protocol.TextPut)
		one.Put(j.At, j.Text, j.TailAt)
		if !one.Equal(two) {
			t.Fatalf("base of %d, %+v then %+v as %+v: tail %q at %d, want %q at %d", len(base), a, b, j, one.Tail, one.TailAt, two.Tail, two.TailAt)
		}
	}
	if joins < 1_000 {
		t.Errorf("only %d were joined", joins)
	}
}

// Fifty pages follow one kernel's worth of events and all hold the server's state.
func TestFiftyPages(t *testing.T) {
	w := newWorld(t, "")
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
}
