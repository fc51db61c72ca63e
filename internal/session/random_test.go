package session

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/runnel-dev/runnel/internal/changes"
	"github.com/runnel-dev/runnel/internal/jupyter"
	"github.com/runnel-dev/runnel/internal/kernel"
	"github.com/runnel-dev/runnel/internal/protocol"
)

// TestRandomLives lives random notebooks: commands, some of them twice, a kernel that answers, dies or asks, crashes of the server with and without a
// snapshot. bench checks at each step that a client's state equals the server's and that the journal gives the same state again.
func TestRandomLives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &life{b: newBench(t, time.Minute), executed: map[string]int{}}
		t.Repeat(map[string]func(*rapid.T){
			"":          m.check,
			"execute":   m.execute,
			"run":       m.run,
			"edit":      m.edit,
			"cells":     m.cells,
			"kernel":    m.kernel,
			"says":      m.says,
			"answer":    m.answer,
			"clients":   m.clients,
			"time":      m.time,
			"duplicate": m.duplicate,
			"crash":     m.crash,
			"save":      m.save,
		})
		m.end(t)
	})
}

// life is the model: what was asked for, and a kernel that runs one request at a time.
type life struct {
	b        *bench
	done     []protocol.Command // accepted
	executed map[string]int     // sent to a kernel, by run
	busy     string             // the run the kernel works on
	kernelID string
	prompts  int
}

func (m *life) anyCell(t *rapid.T) protocol.CellID {
	ids := []protocol.CellID{"new", "a", "b", "c"}
	for _, c := range m.b.c.pub.Cells {
		ids = append(ids, c.ID)
	}
	return rapid.SampledFrom(ids).Draw(t, "cell")
}

func (m *life) command(cmd protocol.Command) {
	m.b.ids++
	cmd.CmdID = protocol.CommandID(fmt.Sprintf("cmd%d", m.b.ids))
	if ack := m.b.command(cmd); ack.Status == protocol.AckAccepted {
		m.done = append(m.done, cmd)
	}
	m.effects()
}

// effects is the world's part: messages reach the kernel at most once, kernels start.
func (m *life) effects() {
	for _, l := range sent[launchKernel](m.b) {
		m.kernelID, m.busy = l.wish.KernelID, ""
	}
	for _, s := range sent[sendMessage](m.b) {
		if s.MsgType == "execute_request" && m.executed[s.ID] == 0 {
			m.executed[s.ID]++
			m.busy = s.ID
		}
	}
	if stops := sent[stopKernel](m.b); len(stops) > 0 && stops[0].KernelID == m.b.c.priv.KernelID && m.b.c.attached {
		m.busy = ""
		m.b.says(kernel.Event{Kind: kernel.Exited, Exit: &kernel.Exit{Requested: true, Text: "stopped"}})
		m.effects()
	}
}

func (m *life) execute(t *rapid.T) {
	code := rapid.SampledFrom([]string{"", "x", "y\nz"}).Draw(t, "code")
	m.command(protocol.Command{Type: protocol.CmdExecute, CellID: m.anyCell(t), Code: &code})
}

func (m *life) run(t *rapid.T) {
	var ids []protocol.CellID
	for range rapid.IntRange(0, 3).Draw(t, "cells") {
		ids = append(ids, m.anyCell(t))
	}
	m.command(protocol.Command{Type: protocol.CmdRun, CellIDs: ids})
}

func (m *life) edit(t *rapid.T) {
	if len(m.b.c.pub.Cells) == 0 {
		return
	}
	c := rapid.SampledFrom(m.b.c.pub.Cells).Draw(t, "cell")
	back := rapid.IntRange(0, 2).Draw(t, "back")
	l := m.b.c.priv.Logs[c.ID]
	source := c.Source
	version := c.Version
	for ; back > 0 && l != nil && version > l.First; back-- {
		set, err := changes.Decode(l.Changes[version-l.First-1])
		if err != nil {
			t.Fatalf("log: %v", err)
		}
		version--
		source = string(make([]byte, set.Before())) // of the right length is enough
	}
	after := source + rapid.SampledFrom([]string{"é", "😀", "\n", ""}).Draw(t, "typed")
	set, err := changes.FromDiff(source, after).MarshalJSON()
	if err != nil {
		t.Fatalf("set: %v", err)
	}
	m.command(protocol.Command{Type: protocol.CmdEdit, CellID: c.ID, Version: version, Changes: set})
}

func (m *life) cells(t *rapid.T) {
	cmd := protocol.Command{CellID: m.anyCell(t), Index: rapid.IntRange(-1, 5).Draw(t, "index")}
	cmd.Type = rapid.SampledFrom([]string{protocol.CmdCellInsert, protocol.CmdCellDelete, protocol.CmdCellRestore, protocol.CmdCellMove,
		protocol.CmdCellChange, protocol.CmdClearOutputs, protocol.CmdCancel}).Draw(t, "what")
	if cmd.Type == protocol.CmdCellChange {
		cmd.CellType = rapid.SampledFrom([]string{"code", "markdown", "raw", ""}).Draw(t, "type")
	}
	m.command(cmd)
}

func (m *life) kernel(t *rapid.T) {
	cmd := protocol.Command{Type: rapid.SampledFrom([]string{protocol.CmdInterrupt, protocol.CmdKernelRestart, protocol.CmdKernelStop, protocol.CmdKernelStart}).Draw(t, "what")}
	m.command(cmd)
}

// says is what kernels do on their own.
func (m *life) says(t *rapid.T) {
	b := m.b
	if b.c.pub.Kernel.State == protocol.KernelStarting {
		if rapid.IntRange(0, 9).Draw(t, "luck") == 0 {
			b.do(func(c *core) { c.kernelFailed(c.priv.KernelID, "no luck") })
		} else {
			b.start()
		}
		m.effects()
		return
	}
	if !b.c.attached {
		return
	}
	run := m.busy
	if run == "" || rapid.IntRange(0, 9).Draw(t, "other") == 0 {
		run = rapid.SampledFrom([]string{"", "unknown", "cmd1", "cmd2"}).Draw(t, "parent")
	}
	display := map[string]any{"data": map[string]any{"text/plain": "v"}, "metadata": map[string]any{}, "transient": map[string]any{"display_id": "d"}}
	var events []kernel.Event
	for range rapid.IntRange(1, 4).Draw(t, "events") {
		m.prompts++
		switch rapid.IntRange(0, 13).Draw(t, "event") {
		case 0, 1:
			events = append(events, printed1(run, rapid.SampledFrom([]string{"line\n", "50%\r", "\b\x1b[2K", "é😀", "\x1b[1A"}).Draw(t, "text")))
		case 2:
			events = append(events, iopub("stream", run, map[string]any{"name": "stderr", "text": "warn"}))
		case 3:
			events = append(events, iopub("display_data", run, display))
		case 4:
			events = append(events, iopub("update_display_data", run, display))
		case 5:
			events = append(events, iopub("clear_output", run, map[string]any{"wait": rapid.Bool().Draw(t, "wait")}))
		case 6:
			events = append(events, iopub("error", run, map[string]any{"ename": "E", "evalue": "v", "traceback": []string{}}))
		case 7:
			events = append(events, asksFrom(run, fmt.Sprintf("q%d", m.prompts), map[string]any{
				"prompt": "? ", "password": rapid.Bool().Draw(t, "password"), "runnel_thread": rapid.Bool().Draw(t, "thread")}))
		case 8:
			events = append(events, iopub("execute_input", run, map[string]any{"execution_count": m.prompts}))
		case 9, 10:
			events = append(events, replyOf(run, rapid.SampledFrom([]string{"ok", "error", "aborted"}).Draw(t, "status")), idleOf(run))
		case 11:
			events = append(events, idleOf(run))
		case 12:
			if open := b.c.pub.Prompts; len(open) > 0 {
				events = append(events, message(jupyter.Stdin, jupyter.InputGone, string(rapid.SampledFrom(open).Draw(t, "gone").RequestID), map[string]any{}))
			}
		case 13:
			if rapid.IntRange(0, 4).Draw(t, "death") == 0 {
				b.says(append(events, kernel.Event{Kind: kernel.Exited, Exit: &kernel.Exit{Code: 1, Text: "It died."}})...)
				m.busy = ""
				m.effects()
				return
			}
		}
	}
	if len(events) > 0 {
		b.says(events...)
	}
	if r := b.c.priv.Runs[protocol.RunID(m.busy)]; r == nil || r.Done {
		m.busy = ""
	}
	m.effects()
}

func (m *life) answer(t *rapid.T) {
	cmd := protocol.Command{Type: protocol.CmdInputReply, Value: "answer"}
	if len(m.b.c.pub.Prompts) > 0 && rapid.Bool().Draw(t, "named") {
		cmd.RequestID = rapid.SampledFrom(m.b.c.pub.Prompts).Draw(t, "prompt").RequestID
	}
	m.command(cmd)
}

func (m *life) clients(t *rapid.T) {
	n := rapid.IntRange(0, 2).Draw(t, "clients")
	m.b.do(func(c *core) { c.clientsChanged(n) })
}

func (m *life) time(t *rapid.T) {
	m.b.c.now += rapid.Int64Range(0, 100_000).Draw(t, "ms")
	m.b.do((*core).tick)
	m.effects()
}

func (m *life) duplicate(t *rapid.T) {
	if len(m.done) == 0 {
		return
	}
	cmd := rapid.SampledFrom(m.done).Draw(t, "command")
	n := m.b.c.pub.N
	if ack := m.b.command(cmd); ack.Status != protocol.AckDuplicate || m.b.c.pub.N != n {
		t.Fatalf("a command was applied twice: %+v", ack)
	}
}

func (m *life) crash(t *rapid.T) {
	if rapid.Bool().Draw(t, "snapshot") {
		m.b.snapshot()
	}
	if rapid.Bool().Draw(t, "kernel died too") {
		m.crashBoth(t)
		return
	}
	starting := m.b.c.pub.Kernel.State == protocol.KernelStarting
	m.b.crash()
	if starting && m.b.c.ready {
		m.kernelID, m.busy = m.b.c.priv.KernelID, ""
	}
	m.effects()
}

// crashBoth: the kernel has died while no server was there, which the new one hears after it was asked for things.
func (m *life) crashBoth(t *rapid.T) {
	m.b.restore()
	for range rapid.IntRange(0, 2).Draw(t, "asked") {
		m.execute(t)
	}
	id := m.b.c.priv.KernelID
	if id == "" {
		return
	}
	if rapid.Bool().Draw(t, "nothing is left of it") {
		m.b.do(func(c *core) { c.kernelGone("gone", true) })
	} else {
		m.b.do(func(c *core) { c.reattached(id, m.b.began) })
		sent[sendMessage](m.b) // it reaches nobody
		sent[stopKernel](m.b)
		m.b.says(kernel.Event{Kind: kernel.Exited, Exit: &kernel.Exit{Text: "killed"}})
	}
	m.busy = ""
	m.effects()
}

func (m *life) save(t *rapid.T) {
	for range sent[saveFile](m.b) {
		if rapid.Bool().Draw(t, "saved") {
			m.b.do(func(c *core) { c.saveDone(c.priv.Base.Stamp) })
		} else {
			m.b.do(func(c *core) { c.saveFailed("disk") })
		}
	}
}

func (m *life) check(t *rapid.T) {
	for id, n := range m.b.ended {
		if n > 1 {
			t.Fatalf("run %s ended %d times", id, n)
		}
	}
	c := m.b.c
	if c.priv.Current != "" && slices.Contains(c.priv.Order, c.priv.Current) {
		t.Fatalf("run %s is in flight and waits", c.priv.Current)
	}
	for _, p := range c.pub.Prompts {
		asked := c.priv.Prompts[p.RequestID]
		if asked == nil || !asked.Stays && asked.RunID != c.priv.Current {
			t.Fatalf("prompt %s is open and nobody waits there: %s", p.RequestID, asJSON(asked))
		}
	}
	running := 0
	for _, cell := range c.pub.Cells {
		if cell.Run != nil && cell.Run.State == protocol.StateRunning {
			running++
		}
	}
	if running > 1 {
		t.Fatalf("%d cells run", running)
	}
}

// end: when the kernel is stopped, every run has ended exactly once.
func (m *life) end(t *rapid.T) {
	for range 3 {
		if m.b.c.pub.Kernel.State == protocol.KernelStarting {
			m.b.do(func(c *core) { c.kernelFailed(c.priv.KernelID, "over") })
		}
		m.command(protocol.Command{Type: protocol.CmdKernelStop})
	}
	for _, cmd := range m.done {
		if cmd.Type == protocol.CmdExecute && m.b.ended[protocol.RunID(cmd.CmdID)] != 1 {
			t.Fatalf("run %s has %d ends; kernel %s, order %v, current %q", cmd.CmdID, m.b.ended[protocol.RunID(cmd.CmdID)], m.b.c.pub.Kernel.State, m.b.c.priv.Order, m.b.c.priv.Current)
		}
	}
	if s := m.b.c.state(); len(s.Queue) != 0 || len(s.Prompts) != 0 {
		t.Fatalf("queue %v, prompts %v", s.Queue, s.Prompts)
	}
}
