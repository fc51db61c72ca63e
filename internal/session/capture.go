package session

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/runnel-dev/runnel/internal/jupyter"
	"github.com/runnel-dev/runnel/internal/protocol"
	"github.com/runnel-dev/runnel/internal/termtext"
)

// An Output widget catches what its kernel sends for one message (P38): while `with out:` runs, its msg_id names the run. What is caught
// is journaled piece by piece; the model's outputs are made of it at most ten times a second, so that a flood costs no more than that.
const (
	captureEvery = 100      // milliseconds
	captureText  = 64 << 10 // units of text of one stream that are kept, the last ones
	captureMax   = 500      // outputs of one widget
)

// capture is what an Output widget holds.
type capture struct {
	MsgID     string     `json:"msg_id,omitempty"`
	Outputs   []captured `json:"outputs,omitempty"`
	ClearNext bool       `json:"clear_next,omitempty"`
	Dropped   int        `json:"dropped,omitempty"`
}

// captured is one output in the form of the notebook format, or a text that still grows.
type captured struct {
	Whole    json.RawMessage  `json:"whole,omitempty"`
	Display  string           `json:"display,omitempty"` // the display id of Whole
	Name     string           `json:"name,omitempty"`
	Text     string           `json:"text,omitempty"`
	Dropped  int64            `json:"dropped,omitempty"` // units before Text
	Terminal *termtext.Buffer `json:"terminal,omitempty"`
}

// captureChanged: one piece for an Output widget. Outputs, when it is not nil, is all that it holds.
type captureChanged struct {
	WidgetID  protocol.WidgetID  `json:"widget_id"`
	MsgID     *string            `json:"msg_id,omitempty"`
	Outputs   *[]json.RawMessage `json:"outputs,omitempty"`
	Name      string             `json:"name,omitempty"` // stream
	Text      string             `json:"text,omitempty"`
	Output    json.RawMessage    `json:"output,omitempty"`  // another output
	Display   string             `json:"display,omitempty"` // its display id
	Update    bool               `json:"update,omitempty"`  // it takes the place of those with that display id
	ClearNext bool               `json:"clear_next,omitempty"`
}

func (captureChanged) EventType() string { return "_widget_captured" }

func (f captureChanged) apply(c *core) {
	k := c.priv.Captures[f.WidgetID]
	if k == nil {
		k = &capture{}
		c.priv.Captures[f.WidgetID] = k
	}
	if f.MsgID != nil {
		k.MsgID = *f.MsgID
		c.priv.Capturing = slices.DeleteFunc(c.priv.Capturing, func(id protocol.WidgetID) bool { return id == f.WidgetID })
		if k.MsgID != "" {
			c.priv.Capturing = append(c.priv.Capturing, f.WidgetID)
		}
	}
	if f.Outputs != nil {
		k.Outputs, k.ClearNext, k.Dropped = nil, false, 0
		for _, o := range *f.Outputs {
			k.Outputs = append(k.Outputs, captured{Whole: o})
		}
	}
	k.ClearNext = k.ClearNext || f.ClearNext
	if f.Update {
		for i := range k.Outputs {
			if k.Outputs[i].Display == f.Display {
				k.Outputs[i].Whole = f.Output
			}
		}
		return
	}
	if f.Text == "" && f.Output == nil {
		return
	}
	if k.ClearNext {
		k.Outputs, k.ClearNext, k.Dropped = nil, false, 0
	}
	if f.Output != nil {
		k.add(captured{Whole: f.Output, Display: f.Display})
	} else {
		k.print(f.Name, f.Text)
	}
}

func (k *capture) add(o captured) {
	if len(k.Outputs) >= captureMax {
		k.Dropped++
		return
	}
	k.Outputs = append(k.Outputs, o)
}

// print applies what was printed to the last output, when that is the same stream.
func (k *capture) print(name, raw string) {
	n := len(k.Outputs)
	if n == 0 || k.Outputs[n-1].Terminal == nil || k.Outputs[n-1].Name != name {
		if k.add(captured{Name: name, Terminal: &termtext.Buffer{}}); len(k.Outputs) == n {
			return
		}
		n++
	}
	o := &k.Outputs[n-1]
	edit, changed := o.Terminal.Write(raw)
	if !changed {
		return
	}
	keep := protocol.UTF16Offset(o.Text, int(max(edit.At-o.Dropped, 0)))
	o.Text = o.Text[:keep] + edit.Text
	if units := protocol.UTF16Len(o.Text); units > captureText*3/2 {
		cut := protocol.UTF16Offset(o.Text, units-captureText)
		o.Dropped += int64(protocol.UTF16Len(o.Text[:cut]))
		o.Text = o.Text[cut:]
	}
}

// nbformat is what the widget holds, as its `outputs`.
func (k *capture) nbformat() json.RawMessage {
	out := []json.RawMessage{}
	for _, o := range k.Outputs {
		if o.Terminal == nil {
			out = append(out, o.Whole)
			continue
		}
		text := o.Text
		if o.Dropped > 0 {
			text = "[" + plural(uint64(o.Dropped), "character") + " before this left out]\n" + text
		}
		out = append(out, mustMarshal(map[string]string{"output_type": "stream", "name": o.Name, "text": text}))
	}
	if k.Dropped > 0 {
		text := "[" + plural(uint64(k.Dropped), "further output") + " not kept]\n"
		out = append(out, mustMarshal(map[string]string{"output_type": "stream", "name": "stderr", "text": text}))
	}
	return mustMarshal(out)
}

// capturesChange notes what the kernel says of an Output widget itself.
func (c *core) capturesChange(id protocol.WidgetID, state map[string]json.RawMessage) {
	f := captureChanged{WidgetID: id}
	var msgID string
	if raw, ok := state["msg_id"]; ok && json.Unmarshal(raw, &msgID) == nil {
		f.MsgID = &msgID
	}
	var outputs []json.RawMessage
	if raw, ok := state["outputs"]; ok && json.Unmarshal(raw, &outputs) == nil {
		f.Outputs = &outputs
	}
	if f.MsgID != nil || f.Outputs != nil {
		c.emit(f)
	}
	if f.Outputs != nil {
		delete(c.uncaught, id) // what is shown is what the kernel says
	}
}

// catcher is the Output widget that catches what has this parent, the one that began last; empty when none does.
func (c *core) catcher(parent string) protocol.WidgetID {
	if parent == "" {
		return ""
	}
	for _, id := range slices.Backward(c.priv.Capturing) {
		if c.priv.Captures[id].MsgID == parent {
			return id
		}
	}
	return ""
}

// catch takes an output for an Output widget; false when it is nothing that is caught.
func (c *core) catch(id protocol.WidgetID, kind string, content json.RawMessage) bool {
	f := captureChanged{WidgetID: id}
	switch kind {
	case "stream":
		s, err := jupyter.Decode[jupyter.Stream](content)
		if err != nil || s.Text == "" {
			return true
		}
		f.Name, f.Text = streamName(s.Name), s.Text
	case "display_data", "execute_result", "error":
		f.Output = asOutput(kind, content)
		if d, err := jupyter.DecodeDisplay(content); err == nil {
			f.Display = d.Transient.DisplayID
		}
	case "clear_output":
		if clear, err := jupyter.Decode[jupyter.ClearOutput](content); err == nil && clear.Wait {
			f.ClearNext = true
		} else {
			f.Outputs = &[]json.RawMessage{}
		}
	default:
		return false
	}
	c.emit(f)
	c.uncaught[id] = true
	return true
}

// updateCaught replaces every output with this display id that an Output widget holds.
func (c *core) updateCaught(d jupyter.DisplayData) {
	var output json.RawMessage
	for _, id := range slices.Sorted(maps.Keys(c.priv.Captures)) {
		holds := func(o captured) bool { return o.Display == d.Transient.DisplayID }
		if !slices.ContainsFunc(c.priv.Captures[id].Outputs, holds) {
			continue
		}
		if output == nil {
			output = mustMarshal(map[string]any{"output_type": "display_data", "data": d.Data, "metadata": metadata(d.Metadata)})
		}
		c.emit(captureChanged{WidgetID: id, Update: true, Display: d.Transient.DisplayID, Output: output})
		c.uncaught[id] = true
	}
}

// asOutput is the message's content as an output of the notebook format.
func asOutput(kind string, content json.RawMessage) json.RawMessage {
	fields := map[string]json.RawMessage{}
	if json.Unmarshal(content, &fields) != nil {
		return json.RawMessage(`{"output_type":"display_data","data":{},"metadata":{}}`)
	}
	delete(fields, "transient")
	fields["output_type"] = mustMarshal(kind)
	return mustMarshal(fields)
}

// captureDue is when what was caught is to be shown, 0 for never.
func (c *core) captureDue() int64 {
	if len(c.uncaught) == 0 {
		return 0
	}
	return c.shownAt + captureEvery
}

// showCaptured brings what was caught into the models.
func (c *core) showCaptured() {
	if len(c.uncaught) == 0 {
		return
	}
	for _, id := range slices.Sorted(maps.Keys(c.uncaught)) {
		w, k := c.pub.Widgets[id], c.priv.Captures[id]
		if w == nil || w.Closed || k == nil {
			continue
		}
		state := map[string]json.RawMessage{"outputs": k.nbformat()}
		c.changeWidget(protocol.WidgetUpdated{WidgetID: id, State: c.keepAttributes(state)})
	}
	clear(c.uncaught)
	c.shownAt = c.now
}

// dropCapture forgets what a widget has caught that is closed.
func (c *core) dropCapture(id protocol.WidgetID) {
	delete(c.priv.Captures, id)
	c.priv.Capturing = slices.DeleteFunc(c.priv.Capturing, func(other protocol.WidgetID) bool { return other == id })
}
