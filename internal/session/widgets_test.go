package session

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/runnel-dev/runnel/internal/journal"
	"github.com/runnel-dev/runnel/internal/journal/journaltest"
	"github.com/runnel-dev/runnel/internal/kernel"
	"github.com/runnel-dev/runnel/internal/notebook"
	"github.com/runnel-dev/runnel/internal/protocol"
)

// comm is a message of the kernel on a comm.
func comm(kind, id, parent string, data map[string]any, buffers ...[]byte) kernel.Event {
	content := map[string]any{"comm_id": id, "data": data}
	if kind == "comm_open" {
		content["target_name"] = widgetTarget
	}
	e := iopub(kind, parent, content)
	e.Msg.Buffers = buffers
	return e
}

func opens(id, model string, state map[string]any) kernel.Event {
	all := map[string]any{"_model_name": model, "_model_module": "@jupyter-widgets/controls", "_model_module_version": "2.0.0"}
	for k, v := range state {
		all[k] = v
	}
	return comm("comm_open", id, "r1", map[string]any{"state": all, "buffer_paths": []any{}})
}

func updates(id, parent string, state map[string]any) kernel.Event {
	return comm("comm_msg", id, parent, map[string]any{"method": "update", "state": state, "buffer_paths": []any{}})
}

func views(id string) kernel.Event {
	return iopub("display_data", "r1", map[string]any{"data": map[string]any{"text/plain": "a widget", widgetView: map[string]string{"model_id": id}}, "metadata": map[string]any{}})
}

// widgetBench has a kernel and a running cell a, whose run is r1.
func widgetBench(t *testing.T) *bench {
	b := newBench(t, time.Minute)
	b.execute("r1", "a", "widgets")
	b.start()
	sent[sendMessage](b)
	return b
}

func (b *bench) attribute(id, key string) string {
	b.t.Helper()
	w := b.c.pub.Widgets[protocol.WidgetID(id)]
	if w == nil {
		return "no widget"
	}
	return string(w.State[key])
}

func (b *bench) wantAttribute(id, key, want string) {
	b.t.Helper()
	if got := b.attribute(id, key); got != want {
		b.t.Fatalf("%s of %s is %s, want %s", key, id, got, want)
	}
}

func TestWidgets_models(t *testing.T) {
	b := widgetBench(t)
	b.says(opens("w", "ImageModel", map[string]any{"value": nil, "width": ""}), views("w"))
	b.says(comm("comm_msg", "w", "r1", map[string]any{"method": "update", "state": map[string]any{"width": "5"}, "buffer_paths": []any{[]any{"value"}}}, []byte{0, 1, 2}))
	b.wantAttribute("w", "width", `"5"`)
	want := []protocol.WidgetBuffer{{Path: json.RawMessage(`["value"]`), Data: "AAEC"}}
	if diff := cmp.Diff(want, b.c.pub.Widgets["w"].Buffers); diff != "" {
		t.Errorf("buffers:\n%s", diff)
	}
	events := len(b.events)
	b.says(comm("comm_msg", "w", "r1", map[string]any{"method": "echo_update", "state": map[string]any{"width": "5"}}))
	if len(b.events) != events {
		t.Errorf("what changes nothing is told: %s", asJSON(b.events[events:]))
	}
	b.says(comm("comm_msg", "w", "r1", map[string]any{"method": "custom", "content": map[string]any{"do": "flash"}}))
	if _, said := b.events[len(b.events)-1].(protocol.WidgetSaid); !said {
		t.Errorf("a custom message is not passed on: %s", asJSON(b.events[events:]))
	}
	b.crash()
	b.wantAttribute("w", "width", `"5"`)
	b.says(comm("comm_close", "w", "r1", nil))
	if w := b.c.pub.Widgets["w"]; !w.Closed || len(w.State) != 0 {
		t.Errorf("after its end: %s", asJSON(w))
	}
	b.says(iopub("comm_open", "r1", map[string]any{"comm_id": "other", "target_name": "another.library", "data": map[string]any{}}))
	if len(b.c.pub.Widgets) != 1 {
		t.Errorf("a comm of another target made a model")
	}
}

func TestWidgets_large_values_are_blobs(t *testing.T) {
	b := widgetBench(t)
	long := strings.Repeat("x", protocol.WidgetValueMax)
	b.says(opens("w", "HTMLModel", map[string]any{"value": long}))
	if ref, is := blobHash(b.c.pub.Widgets["w"].State["value"]); !is || ref.Blob.Size != int64(len(long))+2 || !ref.Blob.JSON {
		t.Errorf("the value is %.80s", b.attribute("w", "value"))
	}
	b.says(comm("comm_msg", "w", "r1", map[string]any{"method": "update", "state": map[string]any{}, "buffer_paths": []any{[]any{"b"}}}, make([]byte, protocol.WidgetValueMax)))
	if buffers := b.c.pub.Widgets["w"].Buffers; len(buffers) != 1 || buffers[0].Blob == "" {
		t.Errorf("buffers %.200s", asJSON(buffers))
	}
	many := map[string]any{}
	for i := range 3_000 {
		many[fmt.Sprintf("key%d", i)] = strings.Repeat("y", 300)
	}
	before := b.c.pub.N
	b.says(updates("w", "r1", many))
	if b.c.pub.N != before || len(b.c.missed) != 1 || b.c.missed[0].Code != "widget_too_large" {
		t.Errorf("a model without bound; told %s", asJSON(b.c.missed))
	}
}

func TestWidgets_number_is_bounded(t *testing.T) {
	b := widgetBench(t)
	b.says(opens("shown", "HBoxModel", map[string]any{"children": []string{"IPY_MODEL_child"}}), opens("child", "LabelModel", nil), views("shown"))
	var all []kernel.Event
	for i := range protocol.WidgetsMax {
		all = append(all, opens(fmt.Sprintf("w%d", i), "LabelModel", nil))
	}
	b.says(all...)
	if n := len(b.c.pub.Widgets); n > protocol.WidgetsMax {
		t.Errorf("%d models", n)
	}
	for _, id := range []string{"shown", "child", fmt.Sprintf("w%d", protocol.WidgetsMax-1)} {
		if b.attribute(id, "_model_name") == "no widget" {
			t.Errorf("%s is gone", id)
		}
	}
}

func TestWidgets_password_is_not_kept(t *testing.T) {
	b := widgetBench(t)
	b.says(opens("p", "PasswordModel", map[string]any{"value": ""}), views("p"))
	b.accept(change("p", "value", `"s3cret"`))
	if m := sent[sendMessage](b); len(m) != 1 || string(m[0].Content.(commContent).Data.State["value"]) != `"s3cret"` {
		t.Errorf("sent %s", asJSON(m))
	}
	b.says(comm("comm_msg", "p", "comm-x", map[string]any{"method": "echo_update", "state": map[string]any{"value": "s3cret"}}))
	b.wantAttribute("p", "value", `""`)
	for _, batch := range b.load().Batches {
		if strings.Contains(string(batch.Data), "s3cret") {
			t.Errorf("in the journal: %s", batch.Data)
		}
	}
	if strings.Contains(asJSON(b.events), "s3cret") {
		t.Error("in an event")
	}
}

func TestWidgets_restart_forgets_what_is_not_shown(t *testing.T) {
	b := widgetBench(t)
	b.says(opens("box", "HBoxModel", map[string]any{"children": []string{"IPY_MODEL_in"}}), opens("in", "AnyModel", map[string]any{"drawn": "anywidget:deep"}), opens("deep", "AnyModel", nil),
		opens("hidden", "LabelModel", nil), views("box"))
	b.says(replyOf("r1", "ok"), idleOf("r1"))
	b.accept(protocol.Command{Type: protocol.CmdKernelRestart})
	b.says(kernel.Event{Kind: kernel.Exited, Exit: &kernel.Exit{Requested: true, Text: "stopped"}})
	b.start()
	if got := fmt.Sprint(sortedWidgets(b.c.pub.Widgets)); got != "[box deep in]" {
		t.Errorf("models %s", got)
	}
	if w := b.c.pub.Widgets["box"]; w.Kernel == b.c.pub.Kernel.ID {
		t.Error("a model of the kernel before counts as one of this kernel")
	}
	b.crash()
}

func TestWidgets_output_widget(t *testing.T) {
	b := widgetBench(t)
	with := func(parent string) kernel.Event { return updates("out", "r1", map[string]any{"msg_id": parent}) }
	outputs := func() string { return b.attribute("out", "outputs") }
	b.says(opens("out", outputModel, map[string]any{"msg_id": "", "outputs": []any{}}), views("out"))
	b.says(with("r1"), printed1("r1", "10%"), printed1("r1", "\r20%"), iopub("display_data", "r1", map[string]any{"data": map[string]any{"text/plain": "shown"}, "metadata": map[string]any{}, "transient": map[string]any{}}), with(""), printed1("r1", "outside\n"))
	b.wantText("a", "[\"a widget\"]outside\n")
	b.crash()
	b.c.now += captureEvery
	b.do(func(c *core) { c.tick() })
	want := `[{"name":"stdout","output_type":"stream","text":"20%"},{"data":{"text/plain":"shown"},"metadata":{},"output_type":"display_data"}]`
	if outputs() != want {
		t.Fatalf("caught %s", outputs())
	}
	// clear_output that waits goes with the next output.
	b.says(with("r1"), iopub("clear_output", "r1", map[string]any{"wait": true}))
	b.c.now += captureEvery
	b.do(func(c *core) { c.tick() })
	if outputs() != want {
		t.Fatalf("cleared too early: %s", outputs())
	}
	b.says(iopub("error", "r1", map[string]any{"ename": "E", "evalue": "v", "traceback": []string{"t"}}), with(""))
	b.says(replyOf("r1", "ok"), idleOf("r1")) // the end of a run shows all
	if outputs() != `[{"ename":"E","evalue":"v","output_type":"error","traceback":["t"]}]` {
		t.Fatalf("caught %s", outputs())
	}
	b.wantRun("a", protocol.StateDone, protocol.StatusOK)
	b.says(updates("out", "r1", map[string]any{"outputs": []any{}}))
	if outputs() != `[]` {
		t.Fatalf("the kernel set them to %s", outputs())
	}
}

// A display that an Output widget caught is updated where it is, whoever sends the update and when, also by a server that was started again.
func TestWidgets_display_in_an_output_widget_is_updated(t *testing.T) {
	b := widgetBench(t)
	shows := func(kind, parent, text string) kernel.Event {
		return iopub(kind, parent, map[string]any{"data": map[string]any{"text/plain": text}, "metadata": map[string]any{}, "transient": map[string]any{"display_id": "d"}})
	}
	caught := func(want string) {
		t.Helper()
		b.c.now += captureEvery
		b.do(func(c *core) { c.tick() })
		if got := b.attribute("out", "outputs"); got != want {
			t.Errorf("caught %s, want %s", got, want)
		}
	}
	one := func(text string) string {
		return `{"data":{"text/plain":"` + text + `"},"metadata":{},"output_type":"display_data"}`
	}
	b.says(opens("out", outputModel, map[string]any{"msg_id": "", "outputs": []any{}}), views("out"))
	b.says(shows("display_data", "r1", "in the cell"), updates("out", "r1", map[string]any{"msg_id": "r1"}))
	b.says(shows("display_data", "r1", "0"), printed1("r1", "between"), shows("display_data", "r1", "0"), shows("update_display_data", "r1", "1"), updates("out", "r1", map[string]any{"msg_id": ""}))
	between := `{"name":"stdout","output_type":"stream","text":"between"}`
	caught("[" + one("1") + "," + between + "," + one("1") + "]")
	b.wantText("a", `["a widget"]["1"]`)
	b.crash()
	b.says(shows("update_display_data", "r1", "2"), shows("update_display_data", "nobody's", "3"))
	caught("[" + one("3") + "," + between + "," + one("3") + "]")
	b.wantText("a", `["a widget"]["3"]`)
	b.says(iopub("update_display_data", "r1", map[string]any{"data": map[string]any{"text/plain": "x"}, "metadata": map[string]any{}, "transient": map[string]any{}}))
	caught("[" + one("3") + "," + between + "," + one("3") + "]")
}

func TestWidgets_output_widget_of_a_callback(t *testing.T) {
	b := widgetBench(t)
	b.says(opens("out", outputModel, map[string]any{"msg_id": "", "outputs": []any{}}), opens("w", "IntSliderModel", map[string]any{"value": 1}), views("w"), views("out"))
	b.accept(change("w", "value", "2"))
	id := sent[sendMessage](b)[0].ID
	b.says(updates("out", id, map[string]any{"msg_id": id}), printed1(id, "caught\n"), updates("out", id, map[string]any{"msg_id": ""}), printed1(id, "beside\n"),
		iopub("error", id, map[string]any{"ename": "E", "evalue": "v", "traceback": []string{}}), idleOf(id))
	if got := b.attribute("out", "outputs"); !strings.Contains(got, "caught") {
		t.Errorf("caught %s", got)
	}
	b.wantText("a", `["a widget"]["a widget"]`+"beside\n!E: v")
	b.says(printed1(id, "a thread prints later\n"))
	if got := text(b.cell("a")); !strings.HasSuffix(got, "later\n") {
		t.Errorf("shows %q", got)
	}
}

func TestWidgets_flood_into_an_output_widget(t *testing.T) {
	b := widgetBench(t)
	b.says(opens("out", outputModel, map[string]any{"msg_id": "", "outputs": []any{}}), views("out"), updates("out", "r1", map[string]any{"msg_id": "r1"}))
	before := len(b.events)
	for i := range 200 {
		b.says(printed1("r1", fmt.Sprintf("%d %s\n", i, strings.Repeat("x", 1_000))))
	}
	if n := len(b.events) - before; n > 2 {
		t.Errorf("%d events at one moment", n)
	}
	b.c.now += captureEvery
	b.do(func(c *core) { c.tick() })
	k := b.c.priv.Captures["out"]
	if n := len(k.Outputs[0].Text); n > captureText*3/2 || n < captureText/2 {
		t.Errorf("%d bytes are kept", n)
	}
	if got := string(k.nbformat()); !strings.Contains(got, "left out]") || !strings.Contains(got, "199 ") {
		t.Errorf("no mark, or no end: %.100s", got)
	}
}

func TestWidgets_updates_are_joined(t *testing.T) {
	var events []protocol.Event
	one := &protocol.State{Widgets: map[protocol.WidgetID]*protocol.Widget{}}
	all := &protocol.State{Widgets: map[protocol.WidgetID]*protocol.Widget{}}
	for _, id := range []protocol.WidgetID{"bar", "left", "right"} {
		open := protocol.WidgetOpened{WidgetID: id, State: map[string]json.RawMessage{"value": json.RawMessage("0")}}
		one.Apply(open)
		all.Apply(open)
	}
	for i := range 1_000 {
		for _, id := range []protocol.WidgetID{"bar", "left", "right"} {
			e := protocol.WidgetUpdated{WidgetID: id, State: map[string]json.RawMessage{"value": mustMarshal(i)}}
			if i%100 == 0 {
				e.Buffers = []protocol.WidgetBuffer{{Path: json.RawMessage(`["b"]`), Data: fmt.Sprint(i)}}
			}
			events = append(events, e)
			one.Apply(e)
		}
	}
	first := asJSON(events[0])
	joined := join(events)
	if len(joined) != 3 {
		t.Errorf("%d events", len(joined))
	}
	for _, e := range joined {
		all.Apply(e)
	}
	if diff := cmp.Diff(asJSON(one), asJSON(all)); diff != "" {
		t.Error(diff)
	}
	if asJSON(events[0]) != first {
		t.Error("joining changed an event")
	}
	apart := join([]protocol.Event{events[0], protocol.Renamed{Notebook: "x"}, events[3]})
	other := protocol.WidgetUpdated{WidgetID: "bar", State: map[string]json.RawMessage{"value": json.RawMessage("7")}, Origin: "view"}
	if len(apart) != 3 || len(join([]protocol.Event{events[0], other})) != 2 {
		t.Error("joined past another event, or of two views")
	}
}

// A bar that is updated 1,000 times while the journal gathers a batch is one fact there; the state and its number come back all the same.
func TestWidgets_burst_in_the_journal(t *testing.T) {
	j := journaltest.NewMemory()
	ctx := context.Background()
	id, err := j.Notebook(ctx, "a.ipynb")
	if err != nil {
		t.Fatal(err)
	}
	w := newWriter(j, id, 0, slog.New(slog.DiscardHandler))
	w.failed, w.grown, w.acked = func(error) {}, func() {}, func(reached) {}
	b := widgetBench(t)
	c := newCore(b.cfg, "note.ipynb", "epoch-0")
	c.emit(kernelAttached{KernelID: "k"})
	put := func(events ...kernel.Event) {
		c.kernelEvents("k", events)
		st := c.take()
		w.add(item{facts: st.facts, at: 1, n: c.pub.N})
	}
	put(opens("bar", "FloatProgressModel", map[string]any{"value": 0}))
	for i := range 1_000 {
		put(updates("bar", "r1", map[string]any{"value": i}), comm("comm_msg", "bar", "r1", map[string]any{"method": "custom", "content": i}))
	}
	if err := w.flush(); err != nil {
		t.Fatal(err)
	}
	loaded, err := j.Load(ctx, id)
	if err != nil || len(loaded.Batches) != 1 {
		t.Fatalf("%d batches: %v", len(loaded.Batches), err)
	}
	var rec record
	if err := json.Unmarshal(loaded.Batches[0].Data, &rec); err != nil {
		t.Fatal(err)
	}
	if len(rec.Facts) > 3 {
		t.Errorf("%d facts", len(rec.Facts))
	}
	again := newCore(b.cfg, "note.ipynb", "epoch-0")
	if _, err := again.restore(loaded); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(asJSON(c.pub), asJSON(again.pub)); diff != "" {
		t.Errorf("after a restart (-before +after):\n%s", diff)
	}
}

func TestWidgets_in_the_file(t *testing.T) {
	j := journaltest.NewMemory()
	b := widgetBench(t)
	long := strings.Repeat("x", protocol.WidgetValueMax)
	b.says(opens("box", "HBoxModel", map[string]any{"children": []string{"IPY_MODEL_in"}}), opens("in", "HTMLModel", map[string]any{"value": long}), opens("hidden", "LabelModel", nil), views("box"),
		opens("out", outputModel, map[string]any{"outputs": []any{map[string]any{"data": map[string]any{widgetView: map[string]string{"model_id": "deep"}}}}}), views("out"), opens("deep", "LabelModel", nil))
	b.says(comm("comm_msg", "in", "r1", map[string]any{"method": "update", "state": map[string]any{}, "buffer_paths": []any{[]any{"b", 0}}}, []byte("bytes")))
	for _, blob := range [][]byte{mustMarshal(long)} {
		if err := j.Put(journal.Hash(blob), blob); err != nil {
			t.Fatal(err)
		}
	}
	encode := func(s *protocol.State) string {
		t.Helper()
		doc, err := document(s, nil, j, 1)
		if err != nil {
			t.Fatal(err)
		}
		data, err := notebook.Encode(doc)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	file := encode(b.c.pub)
	for _, want := range []string{widgetState, `"version_major": 2`, `"model_name": "HBoxModel"`, `"model_name": "HTMLModel"`, `"deep"`, `"encoding": "base64"`, "Ynl0ZXM=", long} {
		if !strings.Contains(file, want) {
			t.Errorf("the file lacks %.60s", want)
		}
	}
	if strings.Contains(file, `"hidden"`) {
		t.Error("the file has a model that nothing shows")
	}
	doc, err := notebook.Decode([]byte(file), func() notebook.CellID { return "x" })
	if err != nil {
		t.Fatal(err)
	}
	again := newBench(t, time.Minute)
	again.do(func(c *core) { c.load(doc) })
	for _, id := range []protocol.WidgetID{"box", "in", "out", "deep"} {
		if w := again.c.pub.Widgets[id]; w == nil || w.Kernel != "" {
			t.Errorf("read back: %s is %.200s", id, asJSON(w))
		}
	}
	if strings.Contains(string(again.c.pub.Metadata), "widgets") {
		t.Errorf("metadata %s", again.c.pub.Metadata)
	}
	if diff := cmp.Diff(file, encode(again.c.pub)); diff != "" {
		t.Errorf("written again it differs:\n%s", diff)
	}
	again.do(func(c *core) { c.adopt(doc, doc) })
	if ack := again.command(change("box", "children", "[]")); ack.Code != protocol.CodeNotFound {
		t.Errorf("a change of a model without a kernel: %+v", ack)
	}
}
