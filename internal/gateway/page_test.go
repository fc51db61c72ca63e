package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnel-dev/runnel/internal/fault"
	"github.com/runnel-dev/runnel/internal/protocol"
)

const hello = `{"type":"hello","protocol":1,"client_id":"page","subscriptions":[{"sub":"1","notebook":"n.ipynb"}]}`

func TestPage_welcomeSnapshotEvents(t *testing.T) {
	h := newFakeHub("n.ipynb")
	s := h.session("n.ipynb")
	s.emit(protocol.CellAdded{Cell: &protocol.Cell{ID: "a", Type: "code", Source: "1"}})
	c := serve(t, h, Params{ServerID: "srv", Version: "1.2"})
	c.send(hello)
	if m := c.next(); m["type"] != "welcome" || m["server_id"] != "srv" || m["version"] != "1.2" || m["protocol"] != 1.0 {
		t.Fatalf("first %v", m)
	}
	m := c.next()
	if m["type"] != "snapshot" || m["sub"] != "1" || m["more"] != false || m["cells"] != 1.0 {
		t.Fatalf("then %v", m)
	}
	s.emit(protocol.CellMoved{CellID: "a"}, protocol.CellMoved{CellID: "a"})
	m = c.next()
	if m["type"] != "events" || m["from"] != 2.0 || m["n"] != 3.0 || m["epoch"] != "e1" || len(m["events"].([]any)) != 2 {
		t.Errorf("events %v", m)
	}
	if len(h.opened) == 0 || h.opened[0] != "n.ipynb" || h.session(Scratch) != nil {
		t.Errorf("opened %v: a page must not open the scratch notebook", h.opened)
	}
}

func TestPage_resumeGoneAndMove(t *testing.T) {
	h := newFakeHub("n.ipynb")
	s := h.session("n.ipynb")
	for range 5 {
		s.emit(protocol.CellMoved{CellID: "a"})
	}
	c := serve(t, h, Params{})
	c.send(`{"type":"hello","protocol":1,"client_id":"p","subscriptions":[
		{"sub":"1","notebook":"n.ipynb","epoch":"e1","n":3},{"sub":"2","notebook":"none.ipynb"}]}`)
	seen := map[string]map[string]any{}
	for range 4 {
		m := c.next()
		seen[m["type"].(string)] = m
	}
	if m := seen["resume"]; m["from"] != 4.0 || m["sub"] != "1" {
		t.Errorf("resume %v", m)
	}
	if m := seen["events"]; m["from"] != 4.0 || m["n"] != 5.0 {
		t.Errorf("events %v", m)
	}
	if m := seen["gone"]; m["sub"] != "2" || m["code"] != "not_found" {
		t.Errorf("gone %v", m)
	}
	c.send(`{"type":"subscribe","sub":"1","notebook":"n.ipynb","epoch":"e0","n":5}`)
	if m := c.next(); m["type"] != "snapshot" {
		t.Errorf("another epoch: %v", m)
	}
	if got := s.open(); got != 1 {
		t.Errorf("%d cursors are open", got)
	}
	c.send(`{"type":"unsubscribe","sub":"1"}`)
	s.waitFor(0)
}

func TestPage_commandsAndRequests(t *testing.T) {
	h := newFakeHub("n.ipynb")
	c := serve(t, h, Params{})
	c.send(hello)
	c.until("snapshot")
	c.send(`{"type":"edit","cmd_id":"c1","notebook":"n.ipynb","cell_id":"a","version":3,"changes":[1]}`)
	if m := c.next(); m["type"] != "ack" || m["cmd_id"] != "c1" || m["status"] != "accepted" || m["notebook"] != "n.ipynb" {
		t.Errorf("ack %v", m)
	}
	if got := h.session("n.ipynb").commands[0]; got.Client != "page" || got.Version != 3 || string(got.Changes) != "[1]" {
		t.Errorf("command %+v", got)
	}
	c.send(`{"type":"run","cmd_id":"c2","notebook":"other.ipynb"}`)
	if m := c.next(); m["status"] != "rejected" || m["code"] != "not_found" {
		t.Errorf("an unknown notebook: %v", m)
	}
	c.send(`{"type":"request","req_id":"q","notebook":"n.ipynb","kind":"complete","code":"pri","cursor":3}`)
	if m := c.next(); m["type"] != "response" || m["req_id"] != "q" || fmt.Sprint(m["matches"]) != "[pri!]" {
		t.Errorf("response %v", m)
	}
	for text, code := range map[string]string{
		`{"type":"run","notebook":"n.ipynb"}`: "missing_field", `{"type":"run","cmd_id":"x"}`: "missing_field", `{"type":"zzz"}`: "unknown_type",
		hello: "invalid", `{"type":"subscribe","notebook":"n.ipynb"}`: "missing_field", `{"type":"edit","cmd_id":7}`: "invalid",
	} {
		c.send(text)
		if m := c.next(); m["type"] != "error" || m["code"] != code {
			t.Errorf("%s: %v, want %s", text, m, code)
		}
	}
}

// TestPage_limits is S25 for a page: at a limit it is served, over it refused, and the connection stays.
func TestPage_limits(t *testing.T) {
	c := serve(t, newFakeHub("n.ipynb"), Params{})
	c.send(`{"type":"hello","protocol":1,"client_id":"p"}`)
	c.until("welcome")
	for i := range maxSubscriptions {
		c.send(fmt.Sprintf(`{"type":"subscribe","sub":"s%d","notebook":"n.ipynb"}`, i))
		c.until("snapshot")
	}
	c.send(`{"type":"subscribe","sub":"one more","notebook":"n.ipynb"}`)
	if m := c.next(); m["type"] != "error" || m["code"] != "invalid" {
		t.Errorf("one subscription more: %v", m)
	}
	id := strings.Repeat("i", maxID)
	c.send(`{"type":"run","cmd_id":"` + id + `","notebook":"n.ipynb"}`)
	if m := c.next(); m["type"] != "ack" || m["status"] != "accepted" {
		t.Errorf("an id at the limit: %v", m)
	}
	c.send(`{"type":"run","cmd_id":"` + id + `i","notebook":"n.ipynb"}`)
	if m := c.next(); m["status"] != "rejected" {
		t.Errorf("an id over the limit: %v", m)
	}
	deep := func(n int) string {
		return `{"type":"cell_change","cmd_id":"d","notebook":"n.ipynb","cell_id":"a","metadata":` + strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) + "}"
	}
	c.send(deep(200))
	if m := c.next(); m["status"] != "accepted" {
		t.Errorf("nested 200 deep: %v", m)
	}
	c.send(deep(1_000_000))
	if m := c.next(); m["type"] != "error" || m["code"] != "invalid" {
		t.Errorf("nested a million deep: %v", m)
	}
	c.send(`{"type":"ping"}`)
	c.until("ping")
}

func TestPage_serverNotReady(t *testing.T) {
	c := serve(t, newFakeHub(), Params{})
	c.send(`{"type":"hello","protocol":1,"client_id":"p","subscriptions":[{"sub":"1","notebook":"later.ipynb"}]}`)
	if got := c.ended().Code; got != protocol.CloseRestarting {
		t.Errorf("closed with %d: a notebook that cannot be opened now is not gone", got)
	}
}

func TestPage_anotherProtocol(t *testing.T) {
	c := serve(t, newFakeHub(), Params{})
	c.send(`{"type":"hello","protocol":99,"client_id":"p"}`)
	if got := c.ended().Code; got != protocol.CloseReload {
		t.Errorf("closed with %d", got)
	}
}

func TestPage_silence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := serve(t, newFakeHub(), Params{})
		c.send(`{"type":"hello","protocol":1,"client_id":"p"}`)
		began := time.Now()
		c.until("welcome")
		<-c.f.closed
		if got := time.Since(began); got < silence || got > silence+time.Second || c.f.ending.Code != protocol.CloseSilent {
			t.Errorf("closed after %v with %v", got, c.f.ending)
		}
		if m := c.until("ping"); m["tops"] != nil {
			t.Errorf("ping %v", m)
		}
		c.until("ping")
	})
}

func TestServe_endings(t *testing.T) {
	c := serve(t, newFakeHub(), Params{})
	c.stop(Ending{protocol.CloseUnauthorized, "logged out"})
	if got := c.ended(); got.Code != protocol.CloseUnauthorized || got.Reason != "logged out" {
		t.Errorf("closed with %v", got)
	}
	c = serve(t, newFakeHub(), Params{})
	c.stop(errors.New("the server stops"))
	if got := c.ended(); got.Code != protocol.CloseRestarting {
		t.Errorf("closed with %v", got)
	}
}

// bigState has every kind of thing that must travel in parts.
func bigState() *protocol.State {
	s := &protocol.State{Notebook: "n.ipynb", Epoch: "e1", N: 7, Metadata: json.RawMessage(`{"a":1}`), Queue: []protocol.CellID{"c1"},
		Prompts: []protocol.Prompt{{RequestID: "q"}}, Bin: []protocol.BinEntry{}, Cells: []*protocol.Cell{}}
	for i := range 130 {
		c := &protocol.Cell{ID: protocol.CellID(fmt.Sprint("c", i)), Type: "code", Source: strings.Repeat("é", 3000), Metadata: json.RawMessage("{}"),
			Outputs: []*protocol.Output{}}
		switch i {
		case 3:
			c.Source = strings.Repeat("source 😀 ", 100_000)
		case 4:
			c.Outputs = append(c.Outputs, &protocol.Output{ID: "t", Kind: protocol.KindStream, Name: "stdout",
				Text: &protocol.Text{Head: strings.Repeat("h", 200_000), Tail: strings.Repeat("täil\n", 150_000), TailAt: 500_000, Total: 1_250_000}})
			fallthrough
		case 5:
			for j := range 900 {
				c.Outputs = append(c.Outputs, &protocol.Output{ID: protocol.OutputID(fmt.Sprint("o", i, "-", j)), Kind: protocol.KindDisplay,
					Data: map[string]json.RawMessage{"text/plain": json.RawMessage(`"` + strings.Repeat("d", 2000) + `"`)}})
			}
		}
		s.Cells = append(s.Cells, c)
	}
	return s
}

// On a clock of its own, which stands still while it works: what is left of long texts after 3 s is left out (P20).
func TestPage_bigSnapshotInParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newFakeHub("n.ipynb")
		want := bigState()
		h.session("n.ipynb").state = want.Clone()
		c := serve(t, h, Params{})
		c.send(hello)
		c.until("welcome")
		var got *protocol.State
		for more, frames := true, 0; more; frames++ {
			data := <-c.f.out
			if len(data) > protocol.MaxFrame {
				t.Fatalf("frame %d has %d bytes", frames, len(data))
			}
			if got == nil {
				var f protocol.Snapshot
				if err := json.Unmarshal(data, &f); err != nil {
					t.Fatal(err)
				}
				if f.Cells != 130 || len(f.State.Cells) > firstCells || len(f.State.Cells) == 0 {
					t.Fatalf("first frame: %d of %d cells", len(f.State.Cells), f.Cells)
				}
				got, more = f.State, f.More
				continue
			}
			var f protocol.SnapshotPart
			if err := json.Unmarshal(data, &f); err != nil {
				t.Fatal(err)
			}
			addPart(t, got, f)
			more = f.More
		}
		wantJSON, _ := encode(want)
		if gotJSON, _ := encode(got); !bytes.Equal(gotJSON, wantJSON) {
			t.Error("the parts do not give the state")
		}
		if !reflect.DeepEqual(want, bigState()) {
			t.Error("the shared state was changed")
		}
	})
}

func addPart(t *testing.T, s *protocol.State, f protocol.SnapshotPart) {
	t.Helper()
	s.Cells = append(s.Cells, f.Cells...)
	if f.CellID == "" {
		return
	}
	cell := s.Cell(f.CellID)
	cell.Outputs = append(cell.Outputs, f.Outputs...)
	if f.OutputID != "" {
		cell.Output(f.OutputID).Text.Fill(f.At, f.Text)
	} else {
		cell.Source += f.Text
	}
}

func TestPage_hugeEventBecomesSnapshot(t *testing.T) {
	h := newFakeHub("n.ipynb")
	s := h.session("n.ipynb")
	c := serve(t, h, Params{})
	c.send(hello)
	c.until("snapshot")
	s.emit(protocol.CellAdded{Cell: &protocol.Cell{ID: "a", Type: "code", Source: strings.Repeat("x", 2<<20)}})
	if m := c.next(); m["type"] != "snapshot" || m["more"] != true {
		t.Errorf("%v", m["type"])
	}
}

func TestPage_floodIsBatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newFakeHub("n.ipynb")
		s := h.session("n.ipynb")
		c := serve(t, h, Params{})
		c.send(hello)
		c.until("snapshot")
		began := time.Now()
		for range 2000 {
			s.emit(protocol.CellMoved{CellID: "a"})
			time.Sleep(50 * time.Microsecond)
		}
		frames := 0
		for n := 0.0; n < 2000; frames++ {
			n = c.until("events")["n"].(float64)
		}
		if most := int(time.Since(began)/frameGap) + paceCredit + 2; frames > most {
			t.Errorf("%d frames in %v, want at most %d", frames, time.Since(began), most)
		}
	})
}

func TestPace(t *testing.T) {
	for _, test := range []struct {
		name          string
		bytes, frames int // of each frame; how many in a second
	}{
		{"small frames", 100, 125 + paceCredit},
		{"frames of 16 KiB", largeFrame, 62},
		{"the largest", 1 << 20, 10},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var p pace
				frames := 0
				for began := time.Now(); time.Since(began) < time.Second; frames++ {
					p.wait(t.Context(), nil)
					p.sent(test.bytes)
				}
				if frames > test.frames+paceCredit || frames < test.frames-2 {
					t.Errorf("%d frames, want about %d", frames, test.frames)
				}
				time.Sleep(time.Second)
				began := time.Now()
				if p.wait(t.Context(), nil); time.Since(began) != 0 {
					t.Errorf("after a rest a frame waits %v", time.Since(began))
				}
				p.sent(test.bytes)
				news := make(chan struct{})
				close(news)
				if p.wait(t.Context(), news); time.Since(began) != 0 {
					t.Errorf("news wait %v", time.Since(began))
				}
			})
		})
	}
}

func TestFirst(t *testing.T) {
	h := newFakeHub("n.ipynb")
	s := h.session("n.ipynb")
	for i := range firstCells + 5 {
		s.emit(protocol.CellAdded{Index: i, Cell: &protocol.Cell{ID: protocol.CellID(fmt.Sprint("c", i)), Type: "code", Source: "1"}})
	}
	frame, err := First(t.Context(), h, "n.ipynb")
	if err != nil {
		t.Fatal(err)
	}
	var got protocol.Snapshot
	if err := json.Unmarshal(frame, &got); err != nil {
		t.Fatal(err)
	}
	if got.Type != "snapshot" || got.Sub != "" || !got.More || got.Cells != firstCells+5 || len(got.State.Cells) != firstCells || got.State.N != firstCells+5 {
		t.Errorf("frame %.300s", frame)
	}
	if s.open() != 0 {
		t.Error("its cursor is open still")
	}
	for path, want := range map[string]string{"none.ipynb": "not_found", "../evil": "invalid", "later.ipynb": "unavailable"} {
		if _, err := First(t.Context(), h, path); fault.KindOf(err).String() != want {
			t.Errorf("%s: %v", path, err)
		}
	}
}
