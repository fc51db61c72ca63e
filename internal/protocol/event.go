package protocol

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/runnel-dev/runnel/internal/jsontext"
)

// Event is one numbered change of a notebook's state. Exactly one of the fields beside Type is set, named as Type says;
// on the wire the event is one flat object {"type": ..., ...fields}.
type Event interface{ EventType() string }

// The events. Applying one twice changes nothing: positions are absolute, outputs are replaced by revision, text is put at an offset.
type (
	// CellAdded puts Cell at Index. A cell that came back from the bin leaves it.
	CellAdded struct {
		Index int   `json:"index"`
		Cell  *Cell `json:"cell"`
	}
	// CellRemoved takes a cell out and puts it in the bin.
	CellRemoved struct {
		CellID CellID `json:"cell_id"`
		At     int64  `json:"at"`
	}
	// CellMoved puts a cell at Index of the list without it.
	CellMoved struct {
		CellID CellID `json:"cell_id"`
		Index  int    `json:"index"`
	}
	// CellChanged replaces what is set: type, metadata, attachments. A change to markdown or raw drops outputs and run.
	CellChanged struct {
		CellID      CellID          `json:"cell_id"`
		CellType    string          `json:"cell_type,omitempty"`
		Metadata    json.RawMessage `json:"metadata,omitempty"`
		Attachments json.RawMessage `json:"attachments,omitempty"`
	}
	// MetadataChanged replaces the notebook's metadata.
	MetadataChanged struct {
		Metadata json.RawMessage `json:"metadata"`
	}
	// Edited applies Changes (a CodeMirror change set in JSON) to a source at Version-1, which gives Version.
	Edited struct {
		CellID  CellID          `json:"cell_id"`
		Version int             `json:"version"`
		Changes json.RawMessage `json:"changes"`
		Client  ClientID        `json:"client,omitempty"`
		CmdID   CommandID       `json:"cmd_id,omitempty"`
	}
	// OutputsCleared drops all outputs of a cell, and its execution count when Count is true.
	OutputsCleared struct {
		CellID CellID `json:"cell_id"`
		Count  bool   `json:"count,omitempty"`
	}
	// OutputSet appends Output, or replaces the one with its id when Rev is higher.
	OutputSet struct {
		CellID CellID  `json:"cell_id"`
		Output *Output `json:"output"`
	}
	// TextPut cuts the text of a stream output to At and appends Text; then, when TailAt is set, what Tail holds before that
	// offset is dropped (it can still be downloaded). An At past the end changes nothing. With Skipped, that much text between At and
	// Text is not sent, since TailAt drops it: the tail begins anew at At+Skipped. Raw is what the kernel printed, for plain clients
	// and the journal.
	TextPut struct {
		CellID   CellID   `json:"cell_id"`
		OutputID OutputID `json:"output_id"`
		At       int64    `json:"at"`
		Skipped  int64    `json:"skipped,omitempty"`
		Text     string   `json:"text"`
		TailAt   int64    `json:"tail_at,omitempty"`
		Raw      string   `json:"-"`
	}
	// RunQueued puts the cell at Place of the queue (out of where it stood). The cell's run becomes Run unless an earlier run of it
	// has not ended: that one is shown until it has, then RunQueued comes again. The old outputs stay until the first output of
	// the new run or its end.
	RunQueued struct {
		CellID CellID `json:"cell_id"`
		Run    *Run   `json:"run"`
		Place  int    `json:"place"`
	}
	// RunStarted says the run was sent to the kernel; its cell leaves the queue. Outputs of the run before are dropped by an
	// OutputsCleared of its own.
	RunStarted struct {
		CellID CellID `json:"cell_id"`
		RunID  RunID  `json:"run_id"`
		At     int64  `json:"at"`
	}
	// RunCounted gives the cell its execution count, if RunID is its run; an empty RunID stands for a count read from a file.
	RunCounted struct {
		CellID CellID `json:"cell_id"`
		RunID  RunID  `json:"run_id"`
		Count  int    `json:"execution_count"`
	}
	// RunDone ends a run: the one terminal event. A run that had not started leaves the queue.
	RunDone struct {
		CellID    CellID          `json:"cell_id"`
		RunID     RunID           `json:"run_id"`
		Status    string          `json:"status"`
		Reason    string          `json:"reason,omitempty"`
		At        int64           `json:"at"`
		Count     *int            `json:"execution_count,omitempty"`
		Ename     string          `json:"ename,omitempty"`
		Evalue    string          `json:"evalue,omitempty"`
		Traceback []string        `json:"traceback,omitempty"`
		Variables json.RawMessage `json:"variables,omitempty"`
	}
	// PromptOpened shows an input(): appended to the prompts.
	PromptOpened struct {
		Prompt Prompt `json:"prompt"`
	}
	// PromptChanged replaces the prompt with the same request id (a new deadline).
	PromptChanged struct {
		Prompt Prompt `json:"prompt"`
	}
	// PromptClosed ends an input(): How is answered, timeout, interrupted, kernel_died or ended.
	PromptClosed struct {
		RequestID RequestID `json:"request_id"`
		How       string    `json:"how"`
		Client    ClientID  `json:"client,omitempty"`
	}
	// KernelChanged replaces the kernel.
	KernelChanged struct {
		Kernel Kernel `json:"kernel"`
	}
	// SaveChanged replaces the save state.
	SaveChanged struct {
		Save Save `json:"save"`
	}
	// Renamed says the notebook's file has another path now.
	Renamed struct {
		Notebook string `json:"notebook"`
	}
	// Notice tells a person something once; it changes no state. Code is stable, Text is for reading.
	Notice struct {
		Level  string `json:"level"` // info, warning, error
		Code   string `json:"code"`
		Text   string `json:"text"`
		CellID CellID `json:"cell_id,omitempty"`
	}
	// Payload asks the clients to do what the kernel wants shown: Kind pager (Data, a MIME bundle).
	// A set_next_input comes as CellAdded or Edited instead.
	Payload struct {
		CellID CellID                     `json:"cell_id"`
		Kind   string                     `json:"kind"`
		Data   map[string]json.RawMessage `json:"data"`
	}
)

func (CellAdded) EventType() string       { return "cell_added" }
func (CellRemoved) EventType() string     { return "cell_removed" }
func (CellMoved) EventType() string       { return "cell_moved" }
func (CellChanged) EventType() string     { return "cell_changed" }
func (MetadataChanged) EventType() string { return "metadata_changed" }
func (Edited) EventType() string          { return "edited" }
func (OutputsCleared) EventType() string  { return "outputs_cleared" }
func (OutputSet) EventType() string       { return "output_set" }
func (TextPut) EventType() string         { return "text_put" }
func (RunQueued) EventType() string       { return "run_queued" }
func (RunStarted) EventType() string      { return "run_started" }
func (RunCounted) EventType() string      { return "run_counted" }
func (RunDone) EventType() string         { return "run_done" }
func (PromptOpened) EventType() string    { return "prompt_opened" }
func (PromptChanged) EventType() string   { return "prompt_changed" }
func (PromptClosed) EventType() string    { return "prompt_closed" }
func (KernelChanged) EventType() string   { return "kernel_changed" }
func (SaveChanged) EventType() string     { return "save_changed" }
func (Renamed) EventType() string         { return "renamed" }
func (Notice) EventType() string          { return "notice" }
func (Payload) EventType() string         { return "payload" }

// EncodeEvent gives the event's wire form, {"type": "...", ...}.
func EncodeEvent(e Event) (json.RawMessage, error) {
	if p, ok := e.(TextPut); ok { // nearly all bytes of all events
		return p.encode(), nil
	}
	return encodeTagged(e.EventType(), e)
}

func (e TextPut) encode() json.RawMessage {
	out := make([]byte, 0, len(e.Text)+len(e.Text)/32+len(e.CellID)+len(e.OutputID)+100)
	out = append(out, `{"type":"text_put","cell_id":`...)
	out = jsontext.Append(out, string(e.CellID))
	out = append(out, `,"output_id":`...)
	out = jsontext.Append(out, string(e.OutputID))
	out = append(out, `,"at":`...)
	out = strconv.AppendInt(out, e.At, 10)
	if e.Skipped != 0 {
		out = append(out, `,"skipped":`...)
		out = strconv.AppendInt(out, e.Skipped, 10)
	}
	out = append(out, `,"text":`...)
	out = jsontext.Append(out, e.Text)
	if e.TailAt != 0 {
		out = append(out, `,"tail_at":`...)
		out = strconv.AppendInt(out, e.TailAt, 10)
	}
	return append(out, '}')
}

// DecodeEvent is the inverse of EncodeEvent; the value is a pointerless struct of this package. An event that lacks what it is about
// (its cell, output or run) is an error, so Apply meets no nil.
func DecodeEvent(data []byte) (Event, error) {
	var tag struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(data, &tag); err != nil {
		return nil, fmt.Errorf("decode event: %w", err)
	}
	decode, ok := eventDecoders[tag.Type]
	if !ok {
		return nil, fmt.Errorf("decode event: unknown type %q", tag.Type)
	}
	return decode(data)
}

var eventDecoders = map[string]func([]byte) (Event, error){
	"cell_added": decodeAs[CellAdded], "cell_removed": decodeAs[CellRemoved], "cell_moved": decodeAs[CellMoved],
	"cell_changed": decodeAs[CellChanged], "metadata_changed": decodeAs[MetadataChanged], "edited": decodeAs[Edited],
	"outputs_cleared": decodeAs[OutputsCleared], "output_set": decodeAs[OutputSet], "text_put": decodeAs[TextPut],
	"run_queued": decodeAs[RunQueued], "run_started": decodeAs[RunStarted], "run_counted": decodeAs[RunCounted],
	"run_done": decodeAs[RunDone], "prompt_opened": decodeAs[PromptOpened], "prompt_changed": decodeAs[PromptChanged],
	"prompt_closed": decodeAs[PromptClosed], "kernel_changed": decodeAs[KernelChanged], "save_changed": decodeAs[SaveChanged],
	"renamed": decodeAs[Renamed], "notice": decodeAs[Notice], "payload": decodeAs[Payload],
	"widget_opened": decodeAs[WidgetOpened], "widget_updated": decodeAs[WidgetUpdated], "widget_closed": decodeAs[WidgetClosed],
	"widget_said": decodeAs[WidgetSaid],
}

func decodeAs[E Event](data []byte) (Event, error) {
	var e E
	if err := json.Unmarshal(data, &e); err != nil {
		return nil, fmt.Errorf("decode event %s: %w", e.EventType(), err)
	}
	if !whole(e) {
		return nil, fmt.Errorf("decode event %s: it is not whole", e.EventType())
	}
	return e, nil
}

// whole says whether everything that the event must have is there.
func whole(e Event) bool {
	switch e := e.(type) {
	case CellAdded:
		return e.Cell != nil && !slices.Contains(e.Cell.Outputs, nil)
	case OutputSet:
		return e.Output != nil
	case RunQueued:
		return e.Run != nil
	}
	return true
}
