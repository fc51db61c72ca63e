package session

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/runnel-dev/runnel/internal/journal"
	"github.com/runnel-dev/runnel/internal/journal/journaltest"
	"github.com/runnel-dev/runnel/internal/jupyter"
	"github.com/runnel-dev/runnel/internal/kernel"
	"github.com/runnel-dev/runnel/internal/protocol"
)

type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// bench drives a core as the loop does: each input's facts go to a journal in memory, its events to a replica, its effects to a list.
type bench struct {
	t       failer
	cfg     coreConfig
	c       *core
	replica *protocol.State
	journal *journaltest.Memory
	seq     uint64 // of the last batch
	effects []effect
	events  []protocol.Event
	record  uint64
	ids     int
	began   time.Time // when the keeper began, as it tells the next server
	ended   map[protocol.RunID]int
}

// benchNotebook is the one that a bench has.
const benchNotebook journal.NotebookID = 1

func newBench(t failer, timeout time.Duration) *bench {
	b := &bench{t: t, journal: journaltest.NewMemory(), ended: map[protocol.RunID]int{}}
	b.cfg = coreConfig{inputTimeout: timeout, newID: func() string { b.ids++; return fmt.Sprintf("id%d", b.ids) }}
	b.c = newCore(b.cfg, "note.ipynb", "epoch-0")
	b.c.now = 1_700_000_000_000
	b.replica = b.c.state()
	return b
}

// do is one input.
func (b *bench) do(input func(c *core)) {
	b.t.Helper()
	before := b.c.pub.N
	input(b.c)
	b.c.settle()
	st := b.c.take()
	if n := before + uint64(len(st.events)); n != b.c.pub.N {
		b.t.Fatalf("%d events lead from %d to %d", len(st.events), before, b.c.pub.N)
	}
	rec := record{Version: 1, At: b.c.now, KernelID: b.c.priv.KernelID, Record: b.c.priv.Record}
	for _, e := range st.facts {
		raw, err := encodeFact(e)
		if err != nil {
			b.t.Fatalf("encode %s: %v", e.EventType(), err)
		}
		rec.Facts = append(rec.Facts, raw)
		if done, ok := e.(protocol.RunDone); ok {
			b.ended[done.RunID]++
		}
	}
	b.seq++
	if err := b.journal.Append(context.Background(), benchNotebook, journal.Batch{Seq: b.seq, N: b.c.pub.N, Data: mustMarshal(rec)}); err != nil {
		b.t.Fatalf("journal: %v", err)
	}
	replica := b.replica.Clone()
	for _, e := range join(st.events) {
		decoded, err := protocol.DecodeEvent(encode(e))
		if err != nil {
			b.t.Fatalf("decode %s: %v", e.EventType(), err)
		}
		replica.Apply(decoded)
	}
	replica.N = b.c.pub.N
	b.replica = replica
	if diff := cmp.Diff(asJSON(b.c.state()), asJSON(replica)); diff != "" {
		b.t.Fatalf("a client's state differs (-server +client):\n%s", diff)
	}
	b.events = append(b.events, st.events...)
	b.effects = append(b.effects, st.effects...)
}

func asJSON(v any) string {
	raw, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		panic(err)
	}
	return string(raw)
}

// crash forgets the core and builds it again from the journal, as a restarted server does. The keeper then tells what the journal lacks.
func (b *bench) crash(told ...kernel.Event) {
	b.t.Helper()
	b.restore()
	if id := b.c.priv.KernelID; id != "" {
		b.do(func(c *core) { c.reattached(id, b.began) })
		for _, e := range told {
			b.says(e)
		}
		b.do(func(c *core) { c.kernelReady(id, &jupyter.KernelInfoReply{Implementation: "ipython"}) })
	}
}

// restore is crash up to the moment when the new server asks for the kernel's keeper.
func (b *bench) restore() {
	b.t.Helper()
	before, private := b.c.state(), asJSON(b.c.priv)
	now := b.c.now
	b.c = newCore(b.cfg, "note.ipynb", before.Epoch)
	b.c.now = now
	b.journal = b.journal.Kill()
	if _, err := b.c.restore(b.load()); err != nil {
		b.t.Fatalf("restore: %v", err)
	}
	b.c.take()
	if diff := cmp.Diff(asJSON(before), asJSON(b.c.state())); diff != "" {
		b.t.Fatalf("state after a restart (-before +after):\n%s", diff)
	}
	if diff := cmp.Diff(private, asJSON(b.c.priv)); diff != "" {
		b.t.Fatalf("private state after a restart (-before +after):\n%s", diff)
	}
	b.effects = nil
	b.do(func(c *core) { c.resume() })
}

// load is what the journal has.
func (b *bench) load() journal.Loaded {
	b.t.Helper()
	loaded, err := b.journal.Load(context.Background(), benchNotebook)
	if err != nil {
		b.t.Fatalf("journal: %v", err)
	}
	return loaded
}

// snapshot replaces the journal's batches by the state.
func (b *bench) snapshot() {
	b.t.Helper()
	data, err := b.c.snapshotFunc()()
	if err != nil {
		b.t.Fatalf("snapshot: %v", err)
	}
	if err := b.journal.Snapshot(context.Background(), benchNotebook, journal.Batch{Seq: b.seq, N: b.c.pub.N, Data: data}); err != nil {
		b.t.Fatalf("journal: %v", err)
	}
}

func (b *bench) command(cmd protocol.Command) (ack protocol.Ack) {
	b.t.Helper()
	if cmd.CmdID == "" {
		b.ids++
		cmd.CmdID = protocol.CommandID(fmt.Sprintf("cmd%d", b.ids))
	}
	b.do(func(c *core) { ack = c.command(cmd) })
	return ack
}

func (b *bench) accept(cmd protocol.Command) {
	b.t.Helper()
	if ack := b.command(cmd); ack.Status != protocol.AckAccepted {
		b.t.Fatalf("%s: %+v", cmd.Type, ack)
	}
}

// execute runs code as cell, whose run has the id run.
func (b *bench) execute(run, cell, code string) {
	b.t.Helper()
	b.accept(protocol.Command{Type: protocol.CmdExecute, CmdID: protocol.CommandID(run), CellID: protocol.CellID(cell), Code: &code})
}

// start makes the kernel that was asked for ready.
func (b *bench) start() {
	b.t.Helper()
	id := b.c.priv.KernelID
	b.do(func(c *core) {
		c.kernelUp(id, LaunchInfo{Name: "python3", DisplayName: "Python 3", Language: "python"})
	})
	b.do(func(c *core) { c.kernelReady(id, &jupyter.KernelInfoReply{Implementation: "ipython"}) })
}

func message(channel jupyter.Channel, kind, parent string, content any) kernel.Event {
	msg, err := jupyter.NewMessage("kernel", kind+"-of-"+parent, kind, content, time.Unix(0, 0))
	if err != nil {
		panic(err)
	}
	msg.Parent = mustMarshal(map[string]string{"msg_id": parent})
	return kernel.Event{Kind: kernel.Message, Channel: channel, Msg: msg}
}

func iopub(kind, parent string, content any) kernel.Event {
	return message(jupyter.IOPub, kind, parent, content)
}

func printed1(run, text string) kernel.Event {
	return iopub("stream", run, map[string]any{"name": "stdout", "text": text})
}

func begun(run string) kernel.Event {
	return iopub("execute_input", run, map[string]any{"code": "", "execution_count": 1})
}

func idleOf(run string) kernel.Event {
	return iopub("status", run, map[string]any{"execution_state": "idle"})
}

func replyOf(run, status string) kernel.Event {
	content := map[string]any{"status": status, "execution_count": 1}
	if status == "error" {
		content["ename"], content["evalue"], content["traceback"] = "ValueError", "bad", []string{"ValueError: bad"}
	}
	return message(jupyter.Shell, "execute_reply", run, content)
}

func asks(run, id, prompt string, password bool) kernel.Event {
	return asksFrom(run, id, map[string]any{"prompt": prompt, "password": password})
}

func asksFrom(run, id string, content map[string]any) kernel.Event {
	e := message(jupyter.Stdin, "input_request", run, content)
	e.Msg.Header = mustMarshal(map[string]string{"msg_id": id, "msg_type": "input_request"})
	return e
}

// says is one batch of the kernel.
func (b *bench) says(events ...kernel.Event) {
	b.t.Helper()
	for i := range events {
		b.record++
		events[i].Record = b.record
	}
	b.do(func(c *core) { c.kernelEvents(c.priv.KernelID, events) })
}

// sent takes the effects of one type.
func sent[E effect](b *bench) []E {
	var out []E
	var rest []effect
	for _, e := range b.effects {
		if m, ok := e.(E); ok {
			out = append(out, m)
		} else {
			rest = append(rest, e)
		}
	}
	b.effects = rest
	return out
}

func (b *bench) cell(id string) *protocol.Cell {
	b.t.Helper()
	c := b.c.state().Cell(protocol.CellID(id))
	if c == nil {
		b.t.Fatalf("no cell %s", id)
	}
	return c
}

func (b *bench) wantRun(cell, state, status string) {
	b.t.Helper()
	r := b.cell(cell).Run
	if r == nil || r.State != state || r.Status != status {
		b.t.Fatalf("run of %s is %s, want %s %s", cell, asJSON(r), state, status)
	}
}

// text is what the cell shows, in short.
func text(c *protocol.Cell) string {
	out := ""
	for _, o := range c.Outputs {
		switch o.Kind {
		case protocol.KindStream:
			out += o.Text.Head + o.Text.Tail
		case protocol.KindInput:
			out += "<" + o.Prompt + o.Value + ">"
		case protocol.KindError:
			out += "!" + o.Ename + ": " + o.Evalue
		default:
			out += "[" + string(o.Data["text/plain"]) + "]"
		}
	}
	return out
}

func (b *bench) wantText(cell, want string) {
	b.t.Helper()
	if got := text(b.cell(cell)); got != want {
		b.t.Fatalf("cell %s shows %q, want %q", cell, got, want)
	}
}

func contains(s, sub string) bool { return strings.Contains(s, sub) }
