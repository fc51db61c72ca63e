package session

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/runnel-dev/runnel/internal/jupyter"
	"github.com/runnel-dev/runnel/internal/kernel"
	"github.com/runnel-dev/runnel/internal/protocol"
)

func change(id, key, value string) protocol.Command {
	return protocol.Command{Type: protocol.CmdWidgetChange, CellID: "a", WidgetID: protocol.WidgetID(id), State: map[string]json.RawMessage{key: json.RawMessage(value)}, Origin: "view"}
}

func TestWidgets_changes_go_to_the_kernel(t *testing.T) {
	b := widgetBench(t)
	b.says(opens("w", "IntSliderModel", map[string]any{"value": 1}), opens("t", "TextModel", map[string]any{"value": ""}), opens("b", "ButtonModel", nil), views("w"))
	b.accept(change("w", "value", "2"))
	b.wantAttribute("w", "value", "2")
	first := sent[sendMessage](b)
	if len(first) != 1 || first[0].MsgType != "comm_msg" || first[0].Channel != jupyter.Shell {
		t.Fatalf("sent %s", asJSON(first))
	}
	// While the first is under way the last value wins, and a press stays behind the text before it.
	b.accept(change("w", "value", "3"))
	b.accept(change("t", "value", `"A"`))
	b.accept(change("t", "value", `"Ada"`))
	b.accept(change("w", "value", "4"))
	b.accept(protocol.Command{Type: protocol.CmdWidgetChange, CellID: "a", WidgetID: "b", Content: json.RawMessage(`{"event":"click"}`)})
	b.accept(change("w", "value", "5"))
	if more := sent[sendMessage](b); len(more) != 0 {
		t.Fatalf("sent too early: %s", asJSON(more))
	}
	b.says(comm("comm_msg", "w", first[0].ID, map[string]any{"method": "echo_update", "state": map[string]any{"value": 2}}))
	b.wantAttribute("w", "value", "5")
	b.says(printed1(first[0].ID, "moved\n"))
	b.wantText("a", "[\"a widget\"]moved\n")
	b.crash() // nothing of it is lost, and what was sent is sent again under its id
	again := sent[sendMessage](b)
	if len(again) != 2 || again[0].ID != "r1" || again[1].ID != first[0].ID {
		t.Fatalf("sent after a restart: %s", asJSON(again))
	}
	var got []string
	for id := first[0].ID; id != ""; {
		b.says(iopub("status", id, map[string]any{"execution_state": "busy"}), idleOf(id))
		id = ""
		for _, m := range sent[sendMessage](b) {
			id = m.ID
			data := m.Content.(commContent).Data
			got = append(got, m.Content.(commContent).CommID+string(data.State["value"])+string(data.Content))
		}
	}
	if diff := cmp.Diff([]string{"w4", `t"Ada"`, `b{"event":"click"}`, "w5"}, got); diff != "" {
		t.Errorf("sent in this order (-want +got):\n%s", diff)
	}
	b.wantRun("a", protocol.StateRunning, "")
}

// TestWidgets_changed_bytes: an attribute of bytes is in no state, only in a buffer; it goes to the kernel, and stays against its echo, as others do.
func TestWidgets_changed_bytes(t *testing.T) {
	b := widgetBench(t)
	bytesOf := func(data string) protocol.Command {
		buffers := []protocol.WidgetBuffer{{Path: json.RawMessage(`["value"]`), Data: data}}
		return protocol.Command{Type: protocol.CmdWidgetChange, CellID: "a", WidgetID: "w", State: map[string]json.RawMessage{}, Buffers: buffers}
	}
	b.says(opens("w", "ImageModel", map[string]any{"width": ""}), comm("comm_msg", "w", "r1", map[string]any{"method": "update", "state": map[string]any{}, "buffer_paths": []any{[]any{"value"}}}, []byte{0}), views("w"))
	wantBuffer := func(want string) {
		t.Helper()
		if buffers := b.c.pub.Widgets["w"].Buffers; len(buffers) != 1 || buffers[0].Data != want {
			t.Fatalf("buffers %s, want %s", asJSON(buffers), want)
		}
	}
	b.accept(bytesOf("AQ=="))
	first := sent[sendMessage](b)
	if len(first) != 1 || len(first[0].Buffers) != 1 || string(first[0].Buffers[0]) != "\x01" {
		t.Fatalf("sent %s", asJSON(first))
	}
	if text := string(mustMarshal(first[0].Content)); !strings.Contains(text, `"state":{}`) || !strings.Contains(text, `"buffer_paths":[["value"]]`) {
		t.Errorf("the kernel gets %s", text)
	}
	b.accept(bytesOf("Ag=="))
	b.says(comm("comm_msg", "w", first[0].ID, map[string]any{"method": "echo_update", "state": map[string]any{}, "buffer_paths": []any{[]any{"value"}}}, []byte{1}))
	wantBuffer("Ag==")
	b.accept(change("w", "value", "null"))
	if w := b.c.pub.Widgets["w"]; len(w.Buffers) != 0 || string(w.State["value"]) != "null" {
		t.Errorf("without its bytes: %s", asJSON(w))
	}
	unknown := bytesOf("AQ==")
	unknown.Buffers[0].Path = json.RawMessage(`["other"]`)
	if ack := b.command(unknown); ack.Code != protocol.CodeInvalid {
		t.Errorf("an attribute that the model does not have: %+v", ack)
	}
}

func TestWidgets_changes_refused(t *testing.T) {
	b := widgetBench(t)
	b.says(opens("w", "IntSliderModel", map[string]any{"value": 1}), opens("closed", "IntSliderModel", map[string]any{"value": 1}), comm("comm_close", "closed", "r1", nil), views("w"))
	refused := func(code string, cmd protocol.Command) {
		t.Helper()
		n := b.c.pub.N
		if ack := b.command(cmd); ack.Code != code || b.c.pub.N != n {
			t.Errorf("%s: %+v", asJSON(cmd), ack)
		}
	}
	refused(protocol.CodeNotFound, change("nobody", "value", "2"))
	refused(protocol.CodeNotFound, change("closed", "value", "2"))
	refused(protocol.CodeInvalid, change("w", "unknown", "2"))
	refused(protocol.CodeInvalid, protocol.Command{Type: protocol.CmdWidgetChange, WidgetID: "w"})
	both := change("w", "value", "2")
	both.Content = json.RawMessage(`1`)
	refused(protocol.CodeInvalid, both)
	refused(protocol.CodeTooLarge, change("w", "value", `"`+strings.Repeat("x", 5*protocol.WidgetBytesMax)+`"`))
	for i := range sendsMax {
		b.accept(protocol.Command{Type: protocol.CmdWidgetChange, WidgetID: "w", Content: json.RawMessage(fmt.Sprint(i))})
	}
	refused(protocol.CodeTooLarge, protocol.Command{Type: protocol.CmdWidgetChange, WidgetID: "w", Content: json.RawMessage(`1`)})
	b.says(kernel.Event{Kind: kernel.Exited, Exit: &kernel.Exit{Text: "killed"}})
	refused(protocol.CodeNotFound, change("w", "value", "2"))
	b.wantAttribute("w", "value", "1") // its last look
	if len(b.c.priv.Sends) != 0 {
		t.Errorf("%d messages wait for a dead kernel", len(b.c.priv.Sends))
	}
}
