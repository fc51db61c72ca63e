package gateway

import (
	"context"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/runnel-dev/runnel/internal/jsontext"
	"github.com/runnel-dev/runnel/internal/protocol"
)

// printing plays a kernel: the code is what is printed, then the run ends well; "raise" ends it badly.
func printing(s *fakeSession, c protocol.Command) protocol.Ack {
	if c.Type != protocol.CmdExecute {
		return protocol.Ack{Status: protocol.AckAccepted}
	}
	run, out := protocol.RunID(c.CmdID), protocol.OutputID("o-"+string(c.CmdID))
	count := 1
	s.emit(
		protocol.CellAdded{Cell: &protocol.Cell{ID: c.CellID, Type: "code"}},
		protocol.RunQueued{CellID: c.CellID, Run: &protocol.Run{ID: run}},
		protocol.RunStarted{CellID: c.CellID, RunID: run},
		protocol.OutputSet{CellID: c.CellID, Output: &protocol.Output{ID: out, Kind: protocol.KindStream, Name: "stdout", Text: &protocol.Text{}}},
		protocol.TextPut{CellID: c.CellID, OutputID: out, Text: *c.Code, Raw: *c.Code + "\r"},
	)
	if *c.Code == "raise" {
		s.emit(protocol.RunDone{CellID: c.CellID, RunID: run, Status: "error", Ename: "ZeroDivisionError", Evalue: "division by zero", Traceback: []string{"tb"}})
	} else {
		s.emit(protocol.RunDone{CellID: c.CellID, RunID: run, Status: "ok", Count: &count, Variables: json.RawMessage(`{"x":{"type":"int"}}`)})
	}
	return protocol.Ack{Status: protocol.AckAccepted}
}

func without(m map[string]any, keys ...string) map[string]any {
	for _, key := range keys {
		delete(m, key)
	}
	return m
}

func TestPlain_execute(t *testing.T) {
	tests := map[string]struct {
		send string
		want []map[string]any
	}{
		"streaming": {`{"type":"execute","code":"hi","cell_id":"a","streaming":true,"extra":1}`, []map[string]any{
			{"type": "stream_output", "cell_id": "a", "content": "hi\r", "name": "stdout"},
			{"type": "output", "cell_id": "a", "content": "", "is_last": true, "result": map[string]any{"status": "ok", "execution_count": 1.0,
				"variables": map[string]any{"x": map[string]any{"type": "int"}}}},
		}},
		"not streaming": {`{"type":"execute","code":"hi","cell_id":"a"}`, []map[string]any{
			{"type": "output", "cell_id": "a", "content": "hi\r", "is_last": false, "name": "stdout"},
			{"type": "output", "cell_id": "a", "content": "", "is_last": true, "result": map[string]any{"status": "ok", "execution_count": 1.0,
				"variables": map[string]any{"x": map[string]any{"type": "int"}}}},
		}},
		"an exception": {`{"type":"execute","code":"raise","cell_id":"a","streaming":true}`, []map[string]any{
			{"type": "stream_output", "cell_id": "a", "content": "raise\r", "name": "stdout"},
			{"type": "error", "cell_id": "a", "error": "division by zero", "is_last": true, "ename": "ZeroDivisionError", "status": "error",
				"traceback": []any{"tb"}},
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h := newFakeHub("n.ipynb")
			h.session("n.ipynb").do = printing
			c := serve(t, h, Params{Notebook: "n.ipynb"})
			c.send(tt.send)
			for _, want := range tt.want {
				if diff := cmp.Diff(want, without(c.next(), "run_id")); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

func TestPlain_withoutCellID(t *testing.T) {
	h := newFakeHub()
	c := serve(t, h, Params{})
	c.send(`{"type":"execute","code":""}`)
	c.send(`{"type":"ping"}`)
	c.until("ping")
	s := h.session(Scratch)
	if s == nil || len(s.commands) != 1 || s.commands[0].CellID == "" || *s.commands[0].Code != "" {
		t.Fatalf("commands: %+v", s)
	}
}

// What others run comes in the form that the client knows: that of its own last execute; to one that has sent none as stream_output (P3).
func TestPlain_runsOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newFakeHub("n.ipynb")
		s := h.session("n.ipynb")
		s.do = printing
		a, b, listener := serve(t, h, Params{Notebook: "n.ipynb"}), serve(t, h, Params{Notebook: "n.ipynb"}), serve(t, h, Params{Notebook: "n.ipynb"})
		for _, each := range []*client{a, b, listener} {
			each.follows()
		}
		run := func(c *client, streaming string, wantA, wantB string) {
			t.Helper()
			c.send(`{"type":"execute","code":"x","cell_id":"a"` + streaming + `}`)
			for _, told := range []struct {
				c    *client
				want string
			}{{a, wantA}, {b, wantB}, {listener, "stream_output"}} {
				if m := told.c.next(); m["type"] != told.want || m["is_last"] == true {
					t.Errorf("text came as %v, want %s", m, told.want)
				}
				if m := told.c.next(); m["is_last"] != true {
					t.Errorf("the end came as %v", m)
				}
			}
		}
		run(a, "", "output", "stream_output")
		run(b, `,"streaming":true`, "output", "stream_output")
		run(b, `,"streaming":false`, "output", "output")
		run(a, `,"streaming":true`, "stream_output", "output")
		run(b, "", "stream_output", "output")
	})
}

// A run keeps the form that it was asked with, whatever its client has asked for since: also for what a thread of it prints after its end.
func TestPlain_formOfARun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newFakeHub("n.ipynb")
		s := h.session("n.ipynb")
		s.do = printing
		c := serve(t, h, Params{Notebook: "n.ipynb"})
		for _, cell := range []string{`"a"`, `"b","streaming":true`} {
			c.send(`{"type":"execute","code":"x","cell_id":` + cell + `}`)
			c.next()
			c.next()
		}
		for _, late := range []struct{ cell, want string }{{"a", "output"}, {"b", "stream_output"}} {
			i := slices.IndexFunc(s.commands, func(cmd protocol.Command) bool { return string(cmd.CellID) == late.cell })
			s.emit(protocol.TextPut{CellID: protocol.CellID(late.cell), OutputID: protocol.OutputID("o-" + string(s.commands[i].CmdID)), Text: "late", Raw: "late"})
			if m := c.next(); m["type"] != late.want || m["content"] != "late" {
				t.Errorf("late text of %s came as %v, want %s", late.cell, m, late.want)
			}
		}
	})
}

// follows waits until the plain client is told what happens from now on.
func (c *client) follows() {
	c.t.Helper()
	c.send(`{"type":"interrupt"}`) // which waits until its notebook is open
	c.send(`{"type":"ping"}`)
	c.until("ping")
}

// waitFor returns once so many cursors are open.
func (s *fakeSession) waitFor(cursors int) {
	for {
		s.mu.Lock()
		open, changed := s.cursors, s.changed
		s.mu.Unlock()
		if open == cursors {
			return
		}
		<-changed
	}
}

func (s *fakeSession) open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cursors
}

func TestPlain_badMessages(t *testing.T) {
	tests := map[string]struct{ send, code string }{
		"not JSON":                {`{"type":`, "invalid"},
		"empty":                   {` `, "invalid"},
		"a list":                  {`[1]`, "invalid"},
		"null":                    {`null`, "invalid"},
		"a string":                {`"execute"`, "invalid"},
		"no type":                 {`{"code":"1"}`, "missing_field"},
		"type of another kind":    {`{"type":7}`, "invalid"},
		"type null":               {`{"type":null}`, "invalid"},
		"unknown type":            {`{"type":"nonsense"}`, "unknown_type"},
		"a page's command":        {`{"type":"edit","cmd_id":"1"}`, "unknown_type"},
		"execute without code":    {`{"type":"execute","cell_id":"a"}`, "missing_field"},
		"code null":               {`{"type":"execute","cell_id":"a","code":null}`, "missing_field"},
		"code a number":           {`{"type":"execute","cell_id":"a","code":1}`, "invalid"},
		"cell_id a number":        {`{"type":"execute","cell_id":1,"code":"1"}`, "invalid"},
		"cell_id with controls":   {`{"type":"execute","cell_id":"a\u0000b","code":"1"}`, "invalid"},
		"cell_id too long":        {`{"type":"execute","cell_id":"` + strings.Repeat("a", 300) + `","code":"1"}`, "invalid"},
		"streaming a string":      {`{"type":"execute","cell_id":"a","code":"1","streaming":"yes"}`, "invalid"},
		"reply without value":     {`{"type":"input_reply"}`, "missing_field"},
		"value a number":          {`{"type":"input_reply","value":1}`, "invalid"},
		"request_id a number":     {`{"type":"input_reply","value":"1","request_id":1}`, "invalid"},
		"a late hello":            {`{"type":"hello","protocol":1}`, "invalid"},
		"too large":               {"", "too_large"},
		"nested beyond all sense": {`{"type":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}`, "invalid"},
	}
	h := newFakeHub("n.ipynb")
	c := serve(t, h, Params{Notebook: "n.ipynb"})
	c.send(`{"type":"ping"}`)
	c.until("ping")
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if tt.send == "" {
				c.f.in <- nil
			} else {
				c.send(tt.send)
			}
			m := c.next()
			if m["type"] != "error" || m["code"] != tt.code || m["error"] == "" {
				t.Errorf("answer %v, want code %s", m, tt.code)
			}
			if _, there := m["cell_id"]; there {
				t.Errorf("it names a cell: %v", m)
			}
		})
	}
	if n := len(h.session("n.ipynb").commands); n != 0 {
		t.Errorf("%d commands came through", n)
	}
}

func TestPlain_prompts(t *testing.T) {
	h := newFakeHub("n.ipynb")
	s := h.session("n.ipynb")
	s.emit(protocol.PromptOpened{Prompt: protocol.Prompt{RequestID: "q", CellID: "a", Prompt: "Name: ", Password: true}})
	c := serve(t, h, Params{Notebook: "n.ipynb"}) // says nothing, and still sees what waits
	want := map[string]any{"type": "input_request", "prompt": "Name: ", "cell_id": "a", "request_id": "q", "password": true}
	if diff := cmp.Diff(want, c.next()); diff != "" {
		t.Error(diff)
	}
	s.do = func(s *fakeSession, cmd protocol.Command) protocol.Ack {
		if cmd.RequestID == "old" {
			return protocol.Ack{Status: protocol.AckRejected, Code: protocol.CodeAlreadyAnswered, Error: "It was answered."}
		}
		return protocol.Ack{Status: protocol.AckAccepted}
	}
	s.emit(protocol.Notice{Code: "input_dropped", Text: "not for this one"}, protocol.PromptClosed{RequestID: "p", How: "answered"})
	if m := c.next(); m["type"] != "input_closed" {
		t.Errorf("a closed prompt: %v", m)
	}
	c.send(`{"type":"input_reply","value":"ada"}`)
	c.send(`{"type":"input_reply","value":"","request_id":"old"}`)
	if m := c.next(); m["code"] != "already_answered" {
		t.Errorf("a late answer: %v", m)
	}
	s.emit(protocol.Notice{Code: "input_dropped", Text: "dropped"})
	if m := c.next(); m["code"] != "input_dropped" || m["error"] != "dropped" {
		t.Errorf("a dropped answer: %v", m)
	}
	if got := s.commands[0]; got.Type != protocol.CmdInputReply || got.Value != "ada" || got.RequestID != "" {
		t.Errorf("command %+v", got)
	}
}

func TestPlain_results(t *testing.T) {
	h := newFakeHub("n.ipynb")
	s := h.session("n.ipynb")
	c := serve(t, h, Params{Notebook: "n.ipynb", Blob: func(_ context.Context, hash string) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(strings.Repeat(hash, 100_000))), nil
	}})
	result := func(id, value string) protocol.OutputSet {
		return protocol.OutputSet{CellID: "a", Output: &protocol.Output{ID: protocol.OutputID(id), Kind: protocol.KindResult,
			Data: map[string]json.RawMessage{"text/plain": json.RawMessage(value)}}}
	}
	s.waitFor(1)
	s.emit(result("1", `"2"`), result("2", `["a\n","b"]`))
	for _, want := range []string{"2\n", "a\nb\n"} {
		if m := c.until("stream_output"); m["content"] != want {
			t.Errorf("content %q, want %q", m["content"], want)
		}
		if m := c.next(); m["type"] != "execute_result" || m["data"] == nil {
			t.Errorf("bundle %v", m)
		}
	}
	s.emit(result("3", `{"runnel_blob":{"hash":"abcd","size":400000,"json":false}}`))
	var got strings.Builder
	for m := c.next(); m["type"] == "stream_output"; m = c.next() {
		got.WriteString(m["content"].(string))
	}
	if got.String() != strings.Repeat("abcd", 100_000)+"\n" {
		t.Errorf("a big result has %d bytes", got.Len())
	}
}

// A plain client hears of the kernel when what its code has made is gone, and of nothing else in a kernel's life.
func TestPlain_kernel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newFakeHub("n.ipynb")
		s := h.session("n.ipynb")
		is := func(state string, death *protocol.Death) protocol.KernelChanged {
			return protocol.KernelChanged{Kernel: protocol.Kernel{ID: "k1", State: state, Death: death}}
		}
		s.emit(is(protocol.KernelIdle, nil))
		c := serve(t, h, Params{Notebook: "n.ipynb"})
		c.follows()
		tell := func(want map[string]any, events ...protocol.Event) {
			t.Helper()
			s.emit(append(events, protocol.Notice{Code: "mark"}, protocol.OutputsCleared{CellID: "mark"})...)
			if want != nil {
				if diff := cmp.Diff(want, c.next()); diff != "" {
					t.Error(diff)
				}
			}
			if m := c.next(); m["type"] != "clear_output" {
				t.Errorf("it was told %v", m)
			}
		}
		tell(nil, is(protocol.KernelBusy, nil), is(protocol.KernelUnresponsive, nil), is(protocol.KernelIdle, nil))
		dead := is(protocol.KernelDead, &protocol.Death{Text: "It was killed."})
		tell(map[string]any{"type": "kernel", "state": "dead", "reason": "It was killed."}, dead, dead)
		tell(nil, is(protocol.KernelStarting, nil), is(protocol.KernelIdle, nil))
		tell(map[string]any{"type": "kernel", "state": "restarting"}, is(protocol.KernelRestarting, nil), is(protocol.KernelStarting, nil))
		tell(map[string]any{"type": "kernel", "state": "none"}, is(protocol.KernelStopping, nil), is(protocol.KernelNone, nil))
		tell(map[string]any{"type": "kernel", "state": "dead", "reason": "no Python"}, is(protocol.KernelStarting, nil), is(protocol.KernelDead, &protocol.Death{Text: "no Python"}))
		late := serve(t, h, Params{Notebook: "n.ipynb"})
		if diff := cmp.Diff(map[string]any{"type": "kernel", "state": "dead", "reason": "no Python"}, late.next()); diff != "" {
			t.Errorf("one that comes later: %s", diff)
		}
	})
}

func TestPlain_refusedNotebook(t *testing.T) {
	c := serve(t, newFakeHub(), Params{Notebook: "../evil"})
	for range 2 {
		c.send(`{"type":"execute","code":"1"}`)
	}
	for range 3 {
		if m := c.next(); m["code"] != "invalid" {
			t.Errorf("answer %v", m)
		}
	}
}

func TestPlain_tooSlow(t *testing.T) {
	h := newFakeHub("n.ipynb")
	s := h.session("n.ipynb")
	s.slow = true
	c := serve(t, h, Params{Notebook: "n.ipynb"})
	if got := c.ended().Code; got != protocol.CloseSlow {
		t.Errorf("closed with %d", got)
	}
}

func TestPlain_interruptAndRestart(t *testing.T) {
	h := newFakeHub("n.ipynb")
	c := serve(t, h, Params{Notebook: "n.ipynb", Client: "me"})
	c.send(`{"type":"interrupt"}`)
	c.send(`{"type":"restart"}`)
	c.send(`{"type":"ping"}`)
	c.until("ping")
	got := h.session("n.ipynb").commands
	if len(got) != 2 || got[0].Type != protocol.CmdInterrupt || got[1].Type != protocol.CmdKernelRestart || got[1].CmdID == "" || got[1].Client != "me" {
		t.Errorf("commands %+v", got)
	}
}

func TestPlain_rejectedRunEndsOnce(t *testing.T) {
	h := newFakeHub("n.ipynb")
	h.session("n.ipynb").do = func(*fakeSession, protocol.Command) protocol.Ack {
		return protocol.Ack{Status: protocol.AckRejected, Code: protocol.CodeUnavailable, Error: "The disk is full."}
	}
	c := serve(t, h, Params{Notebook: "n.ipynb"})
	c.send(`{"type":"execute","code":"1","cell_id":"a"}`)
	m := c.next()
	if m["is_last"] != true || m["cell_id"] != "a" || m["error"] != "The disk is full." || m["status"] != "error" {
		t.Errorf("end %v", m)
	}
}

// What a server that stops does not run is not asked for again, and has its end at once.
func TestPlain_serverStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newFakeHub("n.ipynb")
		h.session("n.ipynb").do = func(*fakeSession, protocol.Command) protocol.Ack {
			return protocol.Ack{Status: protocol.AckRejected, Code: protocol.CodeStopping, Error: "The server stops."}
		}
		c := serve(t, h, Params{Notebook: "n.ipynb"})
		c.send(`{"type":"execute","code":"1","cell_id":"a"}`)
		if m := c.next(); m["is_last"] != true || m["cell_id"] != "a" || m["error"] != "The server stops." || m["code"] != "unavailable" {
			t.Errorf("end %v", m)
		}
		if n := len(h.session("n.ipynb").commands); n != 1 {
			t.Errorf("it was asked for %d times", n)
		}
	})
}

// A cell that was deleted comes back at the end when its id is run again, and nothing is said of a refusal.
func TestPlain_deletedCellComesBack(t *testing.T) {
	h := newFakeHub("n.ipynb")
	deleted := true
	h.session("n.ipynb").do = func(_ *fakeSession, cmd protocol.Command) protocol.Ack {
		switch {
		case cmd.Type == protocol.CmdCellRestore && cmd.CellID == "a" && cmd.Index > 1000:
			deleted = false
		case cmd.Type == protocol.CmdExecute && deleted:
			return protocol.Ack{Status: protocol.AckRejected, Code: protocol.CodeUnknownCell, Error: "the cell was deleted"}
		}
		return protocol.Ack{Status: protocol.AckAccepted}
	}
	c := serve(t, h, Params{Notebook: "n.ipynb"})
	c.send(`{"type":"execute","code":"1","cell_id":"a"}`)
	c.send(`{"type":"ping"}`)
	if m := c.next(); m["type"] != "ping" {
		t.Errorf("it was told %v", m)
	}
	if n := len(h.session("n.ipynb").commands); n != 3 || deleted {
		t.Errorf("%d commands; deleted still: %v", n, deleted)
	}
}

func TestAppendString(t *testing.T) {
	for _, text := range []string{"", "plain", "\"\\\n\r\t\x00\x1b[0m\x7f", "ünï😀\u2028", "bad \xff\xc3( end", strings.Repeat("x", 1000)} {
		var got string
		if err := json.Unmarshal(jsontext.Append(nil, text), &got); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if want := string([]rune(text)); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
