package session

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/runnel-dev/runnel/internal/files"
	"github.com/runnel-dev/runnel/internal/journal"
	"github.com/runnel-dev/runnel/internal/kernel"
	"github.com/runnel-dev/runnel/internal/protocol"
)

const commandTable = "testdata/commands.txt"

// commandRows are the commands of the table: a few of each type, as they are said in the scripts. The notebook has the code cells a, b and c and the
// markdown cell m; d was deleted. A kernel has run a, which printed and shows the widget w. Where a kernel works, it runs a, and b waits.
var commandRows = []string{
	"execute c", "execute a", "execute new code=x", "execute none", "execute m",
	"run", "run cell_ids=[\"c\",\"m\"]", "run cell_ids=[\"c\",\"none\"]",
	"cancel b", "cancel",
	"interrupt",
	"input_reply value=yes", "input_reply value=yes request_id=q1",
	"prompt_extend request_id=q1 seconds=10",
	"edit c changes=[[0,\"x\"],1]", "edit c changes=[9]", "edit none changes=[[0,\"x\"],1]",
	"cell_insert new", "cell_insert c", "cell_insert d",
	"cell_delete a", "cell_delete b", "cell_delete none",
	"cell_restore d", "cell_restore c",
	"cell_move c index=0", "cell_move none",
	"cell_change c cell_type=markdown", "cell_change a cell_type=markdown", "cell_change c cell_type=song",
	"clear_outputs a", "clear_outputs c", "clear_outputs none",
	"kernel_start", "kernel_start name=other", "kernel_restart", "kernel_restart force=true", "kernel_stop", "kernel_stop force=true",
	"widget_change widget_id=w state={\"value\":2}", "widget_change widget_id=none state={\"value\":2}",
	"save",
	"bogus",
}

// situations are the states of a kernel, and what else makes a difference to a command.
var situations = []struct {
	name string
	into func(*bench)
}{
	{"none", func(b *bench) { b.accept(protocol.Command{Type: protocol.CmdKernelStop}); b.says(exited) }},
	{"starting", func(b *bench) {
		b.accept(protocol.Command{Type: protocol.CmdKernelStop})
		b.says(exited)
		b.accept(protocol.Command{Type: protocol.CmdKernelStart})
	}},
	{"idle", func(*bench) {}},
	{"busy", working},
	{"busy, asking", func(b *bench) { working(b); b.says(asks("r2", "q1", "Name: ", false)) }},
	{"unresponsive", func(b *bench) { working(b); b.says(kernel.Event{Kind: kernel.Unresponsive}) }},
	{"restarting", func(b *bench) { working(b); b.accept(protocol.Command{Type: protocol.CmdKernelRestart}) }},
	{"stopping", func(b *bench) { working(b); b.accept(protocol.Command{Type: protocol.CmdKernelStop}) }},
	{"dead", func(b *bench) { working(b); b.says(exited) }},
	{"idle, journal full", func(b *bench) {
		b.do(func(c *core) { c.journalState(fmt.Errorf("write: %w", journal.ErrFull)) })
	}},
}

var exited = kernel.Event{Kind: kernel.Exited, Exit: &kernel.Exit{Code: 1, Text: "It ended."}}

func working(b *bench) {
	b.execute("r2", "a", "1")
	b.execute("r3", "b", "1")
	b.says(begun("r2"))
}

func situation(t *testing.T, into func(*bench)) *bench {
	b := newBench(t, time.Minute)
	b.do(func(c *core) { c.clientsChanged(1) })
	for i, id := range []string{"a", "b", "c", "d"} {
		b.accept(protocol.Command{Type: protocol.CmdCellInsert, CellID: protocol.CellID(id), Index: i, Source: "1"})
	}
	b.accept(protocol.Command{Type: protocol.CmdCellInsert, CellID: "m", CellType: "markdown", Index: 9})
	b.accept(protocol.Command{Type: protocol.CmdCellDelete, CellID: "d"})
	b.execute("r1", "a", "1")
	b.start()
	b.says(begun("r1"), opens("w", "IntSliderModel", map[string]any{"value": 1}), views("w"), printed1("r1", "text"), replyOf("r1", "ok"), idleOf("r1"))
	into(b)
	b.do((*core).saveNow)
	b.do(func(c *core) { c.saveDone(files.Stamp{Size: 1}) })
	b.events, b.effects = nil, nil
	return b
}

// TestCommands is the table of what each command does while the kernel is in each of its states: testdata/commands.txt. Below a command stands what comes
// of it, and after that in which states: the ack, "+" the events that clients see, "!" what the session does. With -update it is written.
//
// With a full journal an accepted command is shown, and its ack waits (TestCommands_acks_on_a_full_disk).
func TestCommands(t *testing.T) {
	var table strings.Builder
	for _, row := range commandRows {
		outcomes, states := []string{}, map[string][]string{}
		for _, s := range situations {
			b := situation(t, s.into)
			outcome := outcomeOf(t, b, row)
			if states[outcome] == nil {
				outcomes = append(outcomes, outcome)
			}
			states[outcome] = append(states[outcome], s.name)
		}
		fmt.Fprintf(&table, "%s\n", row)
		for _, outcome := range outcomes {
			in := strings.Join(states[outcome], "; ")
			if len(outcomes) == 1 {
				in = "in every state"
			}
			fmt.Fprintf(&table, "\t%s\n\t\t%s\n", outcome, in)
		}
	}
	if *update {
		if err := os.WriteFile(commandTable, []byte(table.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(commandTable)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(table.String(), "\n")); diff != "" {
		t.Errorf("%s (-table +now):\n%s", commandTable, diff)
	}
}

func commandOf(t *testing.T, row string) protocol.Command {
	w := words(row)
	if len(w) > 1 && !strings.Contains(w[1], "=") {
		w[1] = "cell_id=" + w[1]
	}
	cmd := decoded[protocol.Command](t, fields(t, w[1:]))
	cmd.Type, cmd.CmdID = w[0], protocol.CommandID("cmd "+row)
	return cmd
}

// outcomeOf gives a command to a session, and says what came of it. One that is refused changes nothing, and is not remembered.
func outcomeOf(t *testing.T, b *bench, row string) string {
	cmd := commandOf(t, row)
	if cmd.Type == protocol.CmdSave {
		b.do(func(c *core) { c.replaceSource(c.pub.Cell("c"), "2", "") })
		b.events = nil
	}
	before := asJSON(b.c.priv)
	ack := b.command(cmd)
	out := []string{strings.TrimSpace(ack.Status + " " + ack.Code)}
	for _, e := range b.events {
		out = append(out, "+ "+inShort(e))
	}
	for _, e := range b.effects {
		out = append(out, "! "+effectInShort(e))
	}
	if ack.Status != protocol.AckRejected {
		if again := b.command(cmd); again.Status != protocol.AckDuplicate {
			t.Errorf("%s, a second time: %+v", row, again)
		}
	} else if len(b.events)+len(b.effects) > 0 || asJSON(b.c.priv) != before {
		t.Errorf("%s was rejected and changed something", row)
	}
	return strings.Join(out, "  ")
}

func inShort(e protocol.Event) string {
	switch e := e.(type) {
	case protocol.KernelChanged:
		return strings.TrimSpace("kernel " + e.Kernel.State)
	case protocol.SaveChanged:
		return "file " + e.Save.State
	case protocol.RunDone:
		return fmt.Sprintf("run_done %s %s", e.CellID, e.Status)
	case protocol.RunQueued:
		return fmt.Sprintf("run_queued %s at %d", e.CellID, e.Place)
	case protocol.PromptClosed:
		return "prompt_closed " + e.How
	case protocol.CellAdded:
		return fmt.Sprintf("cell_added %s", e.Cell.ID)
	case protocol.Notice:
		return "notice " + e.Code
	}
	var of struct {
		CellID   string `json:"cell_id"`
		WidgetID string `json:"widget_id"`
	}
	if raw, err := protocol.EncodeEvent(e); err == nil {
		_ = json.Unmarshal(raw, &of)
	}
	return strings.TrimSpace(e.EventType() + " " + of.CellID + of.WidgetID)
}

func effectInShort(e effect) string {
	switch e := e.(type) {
	case launchKernel:
		return strings.TrimSpace("start kernel " + e.wish.Name)
	case sendMessage:
		return "send " + e.MsgType
	case stopKernel:
		return fmt.Sprintf("stop kernel force=%v busy=%v", e.Force, e.Busy)
	}
	return showEffect(e)
}

// The table has every command and every state of a kernel.
func TestCommands_all(t *testing.T) {
	declared := func(path, names string) []string {
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, m := range regexp.MustCompile(`(?m)^\t`+names+`\w+ += "(\w+)"`).FindAllSubmatch(source, -1) {
			all = append(all, string(m[1]))
		}
		if len(all) < 5 {
			t.Fatal(errors.New(path + " declares too few"))
		}
		return all
	}
	for _, kind := range declared("../protocol/command.go", "Cmd") {
		if !slices.ContainsFunc(commandRows, func(row string) bool { return words(row)[0] == kind }) {
			t.Errorf("the command %s has no row", kind)
		}
	}
	for _, state := range declared("../protocol/state.go", "Kernel") {
		reached := false
		for _, s := range situations {
			reached = reached || string(situation(t, s.into).c.pub.Kernel.State) == state
		}
		if !reached {
			t.Errorf("no situation has a kernel that is %s", state)
		}
	}
}

// J9, for each command: on a full disk one that is refused is told so at once, and no other is acknowledged before there is space.
func TestCommands_acks_on_a_full_disk(t *testing.T) {
	quiet(t, func(t *testing.T, w *world) {
		sv, s, p := w.begin()
		sv.kernels.broken = errors.New("there are none")
		for _, id := range []string{"a", "b", "c", "d"} {
			sv.do(s, insert(id, "1"))
		}
		sv.do(s, protocol.Command{Type: protocol.CmdCellInsert, CellID: "m", CellType: "markdown"})
		sv.do(s, protocol.Command{Type: protocol.CmdCellDelete, CellID: "d"})
		w.memory.Fill(true)
		type answer struct {
			row string
			ack protocol.Ack
		}
		answers := make(chan answer, len(commandRows)+1)
		give := func(row string, cmd protocol.Command) { answers <- answer{row, s.Do(testContext(t), cmd)} }
		big := insert("big", strings.Repeat("y", 1<<20))
		big.CmdID = "big"
		go give("big", big)
		p.until("said", func(st *protocol.State) bool { return st.Save.State == protocol.SaveFailed })

		waiting := 1
		for _, row := range commandRows { // one after the other: what is refused, and what is shown, is so before the next
			cmd := commandOf(t, row)
			go give(row, cmd)
			applied := func() (yes bool) {
				if err := s.call(testContext(t), func() { _, yes = s.core.priv.Outcomes.done[cmd.CmdID] }); err != nil {
					t.Fatal(err)
				}
				return yes
			}
			for refused := false; !refused && !applied(); {
				select {
				case a := <-answers:
					if a.row != row || a.ack.Status != protocol.AckRejected || a.ack.Code == protocol.CodeUnavailable {
						t.Fatalf("on a full disk %s got %+v", a.row, a.ack)
					}
					refused = true
					waiting--
				default:
				}
			}
			waiting++
		}
		w.memory.Fill(false)
		for range waiting {
			if a := <-answers; a.ack.Status != protocol.AckAccepted {
				t.Errorf("with space again %s got %+v", a.row, a.ack)
			}
		}
	})
}
