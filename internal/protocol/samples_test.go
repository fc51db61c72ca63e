package protocol

import (
	"encoding/json"
	"reflect"
	"testing"
)

// eventSamples are the source of testdata/protocol/events: what each event does to a state, odd cases included. Run the tests
// with -update to write the files anew; the page's tests read the same files.
func eventSamples() map[string][]Event {
	run := func(id RunID) *Run {
		return &Run{ID: id, State: StateQueued, Client: "page-1", QueuedAt: 1700000001000}
	}
	three := 3
	cell := &Cell{ID: "new", Type: "code", Source: "1 + 1\n", Metadata: json.RawMessage(`{"tags":["x"]}`), Outputs: []*Output{}}
	return map[string][]Event{
		"cell_added": {
			CellAdded{Index: 1, Cell: cell}, CellAdded{Index: 1, Cell: cell},
			CellAdded{Index: 99, Cell: &Cell{ID: "gone", Type: "markdown", Source: "# back", Metadata: json.RawMessage(`{}`), Outputs: []*Output{}}},
		},
		"cell_removed":     {CellRemoved{CellID: "b", At: 1700000002000}, CellRemoved{CellID: "unknown", At: 1}},
		"cell_moved":       {CellMoved{CellID: "a", Index: 2}, CellMoved{CellID: "c", Index: 0}, CellMoved{CellID: "c", Index: 0}},
		"cell_changed":     {CellChanged{CellID: "c", CellType: "raw"}, CellChanged{CellID: "a", CellType: "markdown"}, CellChanged{CellID: "b", Metadata: json.RawMessage(`{"collapsed":true}`), Attachments: json.RawMessage(`{"a.png":{"image/png":"AAAA"}}`)}},
		"metadata_changed": {MetadataChanged{Metadata: json.RawMessage(`{"kernelspec":{"name":"ir"}}`)}},
		"edited": {
			Edited{CellID: "a", Version: 5, Changes: json.RawMessage(`[6,[4,"😀","two"],1]`), Client: "page-1", CmdID: "cmd-1"},
			Edited{CellID: "a", Version: 5, Changes: json.RawMessage(`[[13],[0,"twice"]]`)},
			Edited{CellID: "a", Version: 6, Changes: json.RawMessage(`[8,[0,"","x"],5]`)},
			Edited{CellID: "b", Version: 9, Changes: json.RawMessage(`[0]`)},
		},
		"outputs_cleared": {OutputsCleared{CellID: "a"}, OutputsCleared{CellID: "b", Count: true}},
		"output_set": {
			OutputSet{CellID: "a", Output: &Output{ID: "o9", Kind: KindDisplay, Data: map[string]json.RawMessage{"text/plain": json.RawMessage(`"<Figure>"`)}, Metadata: json.RawMessage(`{}`), DisplayID: "d1"}},
			OutputSet{CellID: "a", Output: &Output{ID: "o9", Rev: 2, Kind: KindDisplay, Data: map[string]json.RawMessage{"text/plain": json.RawMessage(`"new"`)}, Metadata: json.RawMessage(`{}`), DisplayID: "d1"}},
			OutputSet{CellID: "a", Output: &Output{ID: "o9", Rev: 1, Kind: KindDisplay, Data: map[string]json.RawMessage{"text/plain": json.RawMessage(`"late"`)}, Metadata: json.RawMessage(`{}`), DisplayID: "d1"}},
			OutputSet{CellID: "b", Output: &Output{ID: "o10", Kind: KindError, Ename: "ZeroDivisionError", Evalue: "division by zero", Traceback: []string{"\x1b[31mTraceback\x1b[0m"}}},
			OutputSet{CellID: "b", Output: &Output{ID: "o11", Kind: KindInput, Prompt: "Name: ", Value: "Ada"}},
			OutputSet{CellID: "b", Output: &Output{ID: "o12", Kind: KindResult, Data: map[string]json.RawMessage{"text/plain": json.RawMessage(`"2"`), "image/png": json.RawMessage(`{"runnel_blob":{"hash":"ab","size":300000,"json":false}}`)}, Metadata: json.RawMessage(`{}`), ExecutionCount: &three}},
		},
		"text_put": {
			TextPut{CellID: "a", OutputID: "o1", At: 6, Text: "two\n😀"}, TextPut{CellID: "a", OutputID: "o1", At: 6, Text: "two\n😀"},
			TextPut{CellID: "a", OutputID: "o1", At: 12, Text: "!"}, TextPut{CellID: "a", OutputID: "o1", At: 3, Text: "TWO"},
			TextPut{CellID: "c", OutputID: "cut", At: 500012, Text: "more", TailAt: 500008}, TextPut{CellID: "c", OutputID: "cut", At: 500014, Text: "st"},
			TextPut{CellID: "a", OutputID: "unknown", At: 0, Text: "?"},
			TextPut{CellID: "a", OutputID: "o1", At: 7, Text: "past the end"}, TextPut{CellID: "a", OutputID: "o1", At: -1, Text: "before it"},
			TextPut{CellID: "a", OutputID: "o1", At: 6, Text: "😀"}, TextPut{CellID: "a", OutputID: "o1", At: 7, Text: "between two halves"},
			TextPut{CellID: "a", OutputID: "o1", At: 0, Skipped: 4, Text: "of the head"},
			TextPut{CellID: "c", OutputID: "cut", At: 500016, Skipped: 1000, Text: "later 😀", TailAt: 501018}, TextPut{CellID: "c", OutputID: "cut", At: 500016, Skipped: 1000, Text: "later 😀", TailAt: 501018},
			TextPut{CellID: "c", OutputID: "cut", At: 600000, Text: "past the end", TailAt: 500010},
		},
		"run_queued":  {RunQueued{CellID: "a", Run: run("r9"), Place: 0}, RunQueued{CellID: "b", Run: run("r10"), Place: 1}, RunQueued{CellID: "a", Run: run("r9"), Place: 9}},
		"run_started": {RunStarted{CellID: "c", RunID: "r3", At: 1700000003000}, RunStarted{CellID: "b", RunID: "r2", At: 1700000009999}},
		"run_counted": {RunCounted{CellID: "b", RunID: "r2", Count: 12}, RunCounted{CellID: "a", RunID: "other", Count: 13}},
		"run_done": {
			RunDone{CellID: "b", RunID: "r2", Status: StatusError, At: 1700000004000, Count: &three, Ename: "KeyError", Evalue: "'x'", Traceback: []string{"KeyError: 'x'"}},
			RunDone{CellID: "b", RunID: "r2", Status: StatusOK, At: 1700000005000},
			RunDone{CellID: "c", RunID: "r3", Status: StatusCancelled, Reason: "an earlier cell failed", At: 1700000006000},
		},
		"prompt_opened":  {PromptOpened{Prompt: Prompt{RequestID: "q2", CellID: "b", Prompt: "Password: ", Password: true, OpenedAt: 1700000007000, Deadline: 1700000307000}}},
		"prompt_changed": {PromptChanged{Prompt: Prompt{RequestID: "q1", CellID: "b", Prompt: "Name: ", OpenedAt: 1700000000000, Deadline: 1700000600000}}, PromptChanged{Prompt: Prompt{RequestID: "unknown"}}},
		"prompt_closed":  {PromptClosed{RequestID: "q1", How: "answered", Client: "page-2"}},
		"kernel_changed": {KernelChanged{Kernel: Kernel{ID: "k1", Name: "python3", DisplayName: "Python 3", Language: "python", State: KernelDead, Death: &Death{Text: "The kernel was killed by signal 9 (KILL): out of memory.", ExitCode: -1, Signal: "KILL", OOM: true, PeakMemory: 1 << 33, Stderr: "Killed", At: 1700000008000}}}, KernelChanged{Kernel: Kernel{ID: "k2", Name: "python3", DisplayName: "Python 3", Language: "python", State: KernelStarting, StartedAt: 1700000008500, Fresh: true}}},
		"save_changed":   {SaveChanged{Save: Save{State: SaveFailed, Since: 1700000009000, Text: "the disk is full"}}, SaveChanged{Save: Save{State: Saved, Since: 1700000009500, ReadOnly: true}}},
		"renamed":        {Renamed{Notebook: "sub/other.ipynb"}},
		"notice":         {Notice{Level: "warning", Code: "file_changed", Text: "The file was changed by another program.", CellID: "a"}},
		"widget_opened": {
			WidgetOpened{WidgetID: "w3", Kernel: "k1", State: map[string]json.RawMessage{"_model_name": json.RawMessage(`"ImageModel"`), "value": json.RawMessage(`null`)}, Buffers: []WidgetBuffer{{Path: json.RawMessage(`["value"]`), Data: "AAEC"}}},
			WidgetOpened{WidgetID: "w1", Kernel: "k2", State: map[string]json.RawMessage{"value": json.RawMessage(`1`)}},
		},
		"widget_updated": {
			WidgetUpdated{WidgetID: "w1", State: map[string]json.RawMessage{"value": json.RawMessage(`6`), "bar_style": json.RawMessage(`"success"`)}, Origin: "view-1"},
			WidgetUpdated{WidgetID: "w2", State: map[string]json.RawMessage{"b": json.RawMessage(`[1]`)}, Buffers: []WidgetBuffer{{Path: json.RawMessage(`["a",0]`), Blob: "ab"}}},
			WidgetUpdated{WidgetID: "unknown", State: map[string]json.RawMessage{"value": json.RawMessage(`7`)}},
		},
		"widget_closed": {WidgetClosed{WidgetID: "w1"}, WidgetClosed{WidgetID: "w2", Forget: true}, WidgetClosed{WidgetID: "unknown"}},
		"widget_said":   {WidgetSaid{WidgetID: "w1", Content: json.RawMessage(`{"event":"flash"}`), Buffers: []string{"AAEC"}}},
		"payload":       {Payload{CellID: "a", Kind: "pager", Data: map[string]json.RawMessage{"text/plain": json.RawMessage(`"help"`)}}},
	}
}

// sampleState is what the samples begin with: a has output, b runs and waits in input(), c waits in the queue with a long output.
func sampleState() *State {
	seven := 7
	text := func(s string) *Text { return &Text{Head: s, TailAt: int64(UTF16Len(s)), Total: int64(UTF16Len(s))} }
	return &State{
		Notebook: "note.ipynb", Epoch: "e1", N: 41, Metadata: json.RawMessage(`{"language_info":{"name":"python"}}`),
		Cells: []*Cell{
			{ID: "a", Type: "code", Source: "print(1)\nx=", Version: 4, Metadata: json.RawMessage(`{}`), ExecutionCount: &seven,
				Outputs: []*Output{{ID: "o1", Kind: KindStream, Name: "stdout", Text: text("1\n2\n3\n")}}},
			{ID: "b", Type: "code", Source: "input('Name: ')", Version: 0, Metadata: json.RawMessage(`{}`), Outputs: []*Output{},
				Run: &Run{ID: "r2", State: StateRunning, QueuedAt: 1699999999000, StartedAt: 1700000000000}},
			{ID: "c", Type: "code", Source: "", Version: 1, Metadata: json.RawMessage(`{}`),
				Outputs: []*Output{{ID: "cut", Kind: KindStream, Name: "stderr", Text: &Text{Head: "first", Tail: "abcdefghijkl", TailAt: 500000, Total: 500012}}},
				Run:     &Run{ID: "r3", State: StateQueued, QueuedAt: 1700000000500}},
		},
		Kernel:  Kernel{ID: "k1", Name: "python3", DisplayName: "Python 3", Language: "python", State: KernelBusy, PID: 4711, StartedAt: 1699999990000},
		Queue:   []CellID{"c"},
		Prompts: []Prompt{{RequestID: "q1", CellID: "b", Prompt: "Name: ", OpenedAt: 1700000000000, Deadline: 1700000300000}},
		Save:    Save{State: Saved, Since: 1699999980000},
		Bin:     []BinEntry{{CellID: "gone", At: 1699999970000}},
		Widgets: map[WidgetID]*Widget{
			"w1": {Kernel: "k1", State: map[string]json.RawMessage{"_model_name": json.RawMessage(`"IntProgressModel"`), "value": json.RawMessage(`5`)}},
			"w2": {State: map[string]json.RawMessage{"a": json.RawMessage(`[null,null]`)}, Buffers: []WidgetBuffer{{Path: json.RawMessage(`["a",1]`), Data: "AA=="}, {Path: json.RawMessage(`["b"]`), Data: "AQ=="}}},
		},
	}
}

// messageSamples are the source of testdata/protocol/commands and frames; the file's name is the key after the folder.
func messageSamples() map[string]any {
	code := "print(1)"
	all := map[string]any{
		"frames/hello":         Hello{Type: "hello", Protocol: 1, ClientID: "page-1", Subscriptions: []Subscription{{Sub: "1", Notebook: "note.ipynb", Epoch: "e1", N: 41}, {Sub: "2", Notebook: "other.ipynb"}}},
		"frames/subscribe":     Subscribe{Type: "subscribe", Subscription: Subscription{Sub: "1", Notebook: "note.ipynb", Epoch: "e1", N: 41}},
		"frames/unsubscribe":   Unsubscribe{Type: "unsubscribe", Sub: "1"},
		"frames/request":       Request{Type: "request", RequestID: "q", Notebook: "note.ipynb", Kind: "complete", Code: "pri", Cursor: 3},
		"frames/ping":          Ping{Type: "ping", Time: 1700000000000, Tops: map[string]uint64{"1": 41}},
		"frames/welcome":       Welcome{Type: "welcome", Protocol: 1, ServerID: "s1", Version: "0.1.0", Time: 1700000000000, Heartbeat: 10000, Caps: []string{"blobs"}},
		"frames/resume":        Resume{Type: "resume", Sub: "1", Notebook: "note.ipynb", Epoch: "e1", From: 42},
		"frames/snapshot":      Snapshot{Type: "snapshot", Sub: "1", State: sampleState(), Cells: 3},
		"frames/snapshot_part": SnapshotPart{Type: "snapshot_part", Sub: "1", CellID: "a", OutputID: "o1", At: 6, Text: "more", More: true},
		"frames/gone":          Gone{Type: "gone", Sub: "1", Notebook: "note.ipynb", Code: "not_found", Reason: "There is no such file."},
		"frames/events":        Events{Type: "events", Sub: "1", Notebook: "note.ipynb", Epoch: "e1", From: 42, N: 44, Events: []json.RawMessage{json.RawMessage(`{"type":"text_put","cell_id":"a","output_id":"o1","at":6,"text":"x"}`)}},
		"frames/response":      Response{Type: "response", RequestID: "q", Matches: []string{"print"}, Start: 0, End: 3},
		"frames/error":         Error{Type: "error", Error: "the message is not JSON", Code: "invalid"},
		"frames/ack":           Ack{Type: "ack", CmdID: "cmd-1", Notebook: "note.ipynb", Status: AckAccepted, N: 42},
	}
	command := func(c Command) {
		c.CmdID, c.Notebook = "0190a5c2-7b3e-7def-8c11-1c2d3e4f5a6b", "note.ipynb"
		all["commands/"+c.Type] = c
	}
	command(Command{Type: CmdExecute, CellID: "a", Code: &code})
	command(Command{Type: CmdWidgetChange, CellID: "a", WidgetID: "w1", State: map[string]json.RawMessage{"value": json.RawMessage(`6`)}, Buffers: []WidgetBuffer{{Path: json.RawMessage(`["image"]`), Data: "AAEC"}}, Origin: "view-1"})
	command(Command{Type: CmdRun, CellIDs: []CellID{"a", "b"}})
	command(Command{Type: CmdCancel, CellID: "a"})
	command(Command{Type: CmdInterrupt})
	command(Command{Type: CmdInputReply, RequestID: "q1", Value: "Ada"})
	command(Command{Type: CmdPromptExtend, RequestID: "q1", Seconds: 300})
	command(Command{Type: CmdEdit, CellID: "a", Version: 4, Changes: json.RawMessage(`[8,[0,"","x"]]`)})
	command(Command{Type: CmdCellInsert, CellID: "new", Index: 1, CellType: "code", Source: "x", Like: "a"})
	command(Command{Type: CmdCellDelete, CellIDs: []CellID{"a", "b"}})
	command(Command{Type: CmdCellRestore, CellID: "gone", Index: 2})
	command(Command{Type: CmdCellMove, CellID: "a", Index: 2})
	command(Command{Type: CmdCellChange, CellID: "a", CellType: "markdown", Metadata: json.RawMessage(`{}`)})
	command(Command{Type: CmdClearOutputs, CellID: "a"})
	command(Command{Type: CmdKernelStart, Name: "python3"})
	command(Command{Type: CmdKernelRestart, Force: true})
	command(Command{Type: CmdKernelStop})
	command(Command{Type: CmdSave})
	return all
}

// newLike gives a pointer to a new value of v's type.
func newLike(t *testing.T, v any) any {
	t.Helper()
	return reflect.New(reflect.TypeOf(v)).Interface()
}
