package session

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/runnel-dev/runnel/internal/jsontext"
	"github.com/runnel-dev/runnel/internal/protocol"
)

// fact is one that only the server knows: it is journaled and has no number.
type fact interface {
	protocol.Event
	apply(*core)
}

// The private facts.
type (
	// runAdded: a run waits at the end of the queue.
	runAdded struct {
		Run run `json:"run"`
	}
	// runMarked: something became known of a run; what is false or nil is as before.
	runMarked struct {
		RunID       protocol.RunID `json:"run_id"`
		KernelID    string         `json:"kernel_id,omitempty"`
		Fresh       bool           `json:"fresh,omitempty"`
		ClearNext   *bool          `json:"clear_next,omitempty"`
		Interrupted bool           `json:"interrupted,omitempty"`
		TimedOut    bool           `json:"timed_out,omitempty"`
		ErrorShown  bool           `json:"error_shown,omitempty"`
		Idle        bool           `json:"idle,omitempty"`
		Reply       *reply         `json:"reply,omitempty"`
	}
	// promptAsked: what is needed to answer a prompt, or to send its answer again.
	promptAsked struct {
		RequestID protocol.RequestID `json:"request_id"`
		Prompt    prompt             `json:"prompt"`
	}
	// answerGiven: a prompt was answered; whether that reached the kernel is not known yet.
	answerGiven struct {
		RequestID protocol.RequestID `json:"request_id"`
		Answer    answer             `json:"answer"`
	}
	// answerPassed: it did, or its run is over.
	answerPassed struct {
		RequestID protocol.RequestID `json:"request_id"`
	}
	// kernelAttached: this kernel is the session's; empty: none is.
	kernelAttached struct {
		KernelID       string `json:"kernel_id"`
		Implementation string `json:"implementation,omitempty"`
		Boot           string `json:"boot,omitempty"` // of the machine, when the kernel is about to be started
	}
	// commandDone: a command took effect.
	commandDone struct {
		CmdID protocol.CommandID `json:"cmd_id"`
		N     uint64             `json:"n"`
		At    int64              `json:"at"`
	}
	// savedAs: the file on disk holds this version.
	savedAs struct {
		Base base `json:"base"`
	}
)

func (runAdded) EventType() string       { return "_run_added" }
func (runMarked) EventType() string      { return "_run_marked" }
func (promptAsked) EventType() string    { return "_prompt_asked" }
func (answerGiven) EventType() string    { return "_answer_given" }
func (answerPassed) EventType() string   { return "_answer_passed" }
func (kernelAttached) EventType() string { return "_kernel_attached" }
func (commandDone) EventType() string    { return "_command_done" }
func (savedAs) EventType() string        { return "_saved_as" }

// record is one batch in the journal (J2).
type record struct {
	Version  int               `json:"v"`
	At       int64             `json:"at"`
	KernelID string            `json:"kernel,omitempty"`
	Record   uint64            `json:"record,omitempty"`
	Facts    []json.RawMessage `json:"facts"`
}

// printed is how a TextPut is journaled: what was printed, from which the rest follows.
type printed struct {
	CellID   protocol.CellID   `json:"cell_id"`
	OutputID protocol.OutputID `json:"output_id"`
	Raw      string            `json:"raw"`
}

func (p printed) encode() json.RawMessage {
	out := make([]byte, 0, len(p.Raw)+len(p.Raw)/32+len(p.CellID)+len(p.OutputID)+80)
	out = append(out, `{"type":"text_put","cell_id":`...)
	out = jsontext.Append(out, string(p.CellID))
	out = append(out, `,"output_id":`...)
	out = jsontext.Append(out, string(p.OutputID))
	out = append(out, `,"raw":`...)
	out = jsontext.Append(out, p.Raw)
	return append(out, '}')
}

// encode gives the batch its form. The facts are JSON already: they are not read again, as encoding/json would, for they may be long.
func (r record) encode() []byte {
	size := 120 + len(r.KernelID)
	for _, f := range r.Facts {
		size += len(f) + 1
	}
	out := make([]byte, 0, size)
	out = append(out, `{"v":`...)
	out = strconv.AppendInt(out, int64(r.Version), 10)
	out = append(out, `,"at":`...)
	out = strconv.AppendInt(out, r.At, 10)
	if r.KernelID != "" {
		out = append(out, `,"kernel":`...)
		out = jsontext.Append(out, r.KernelID)
	}
	if r.Record != 0 {
		out = append(out, `,"record":`...)
		out = strconv.AppendUint(out, r.Record, 10)
	}
	out = append(out, `,"facts":[`...)
	for i, f := range r.Facts {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, f...)
	}
	return append(out, "]}"...)
}

func encodeFact(e protocol.Event) (json.RawMessage, error) {
	if p, ok := e.(protocol.TextPut); ok {
		return printed{CellID: p.CellID, OutputID: p.OutputID, Raw: p.Raw}.encode(), nil
	}
	return protocol.EncodeEvent(e)
}

func decodeFact(raw json.RawMessage) (protocol.Event, error) {
	var tag struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(raw, &tag); err != nil {
		return nil, fmt.Errorf("read fact: %w", err)
	}
	switch tag.Type {
	case "text_put":
		p, err := decodeInto[printed](raw)
		return protocol.TextPut{CellID: p.CellID, OutputID: p.OutputID, Raw: p.Raw}, err
	case "_run_added":
		return decodeInto[runAdded](raw)
	case "_run_marked":
		return decodeInto[runMarked](raw)
	case "_prompt_asked":
		return decodeInto[promptAsked](raw)
	case "_answer_given":
		return decodeInto[answerGiven](raw)
	case "_answer_passed":
		return decodeInto[answerPassed](raw)
	case "_kernel_attached":
		return decodeInto[kernelAttached](raw)
	case "_command_done":
		return decodeInto[commandDone](raw)
	case "_saved_as":
		return decodeInto[savedAs](raw)
	case "_widget_sends":
		return decodeInto[sendsSet](raw)
	case "_widget_captured":
		return decodeInto[captureChanged](raw)
	}
	return protocol.DecodeEvent(raw)
}

func decodeInto[T any](raw json.RawMessage) (T, error) {
	var v T
	if err := json.Unmarshal(raw, &v); err != nil {
		return v, fmt.Errorf("read %T: %w", v, err)
	}
	return v, nil
}

// marshal writes JSON without escaping what only HTML minds.
func marshal(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// mustMarshal is for values that cannot fail.
func mustMarshal(v any) json.RawMessage {
	raw, err := marshal(v)
	if err != nil {
		panic(err)
	}
	return raw
}
