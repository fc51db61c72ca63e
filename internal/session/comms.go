package session

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"slices"

	"github.com/runnel-dev/runnel/internal/journal"
	"github.com/runnel-dev/runnel/internal/jupyter"
	"github.com/runnel-dev/runnel/internal/protocol"
)

// widgetTarget is the comm target of ipywidgets; comms of other targets are passed over.
const widgetTarget = "jupyter.widget"

// outputModel is the model that catches output (P38).
const outputModel = "OutputModel"

// commContent is what comm_open, comm_msg and comm_close hold.
type commContent struct {
	CommID string   `json:"comm_id"`
	Target string   `json:"target_name"`
	Data   commData `json:"data"`
}

type commData struct {
	Method      string                     `json:"method,omitempty"`
	State       map[string]json.RawMessage `json:"state,omitzero"` // an update without is refused by ipywidgets
	BufferPaths []json.RawMessage          `json:"buffer_paths,omitempty"`
	Content     json.RawMessage            `json:"content,omitempty"`
}

// comm applies what the kernel says on a comm: the session has the models, as a page of other servers would.
func (c *core) comm(kind string, msg jupyter.Message) {
	in, err := jupyter.Decode[commContent](msg.Content)
	id := protocol.WidgetID(in.CommID)
	if err != nil || id == "" || len(id) > 128 {
		return
	}
	w := c.pub.Widgets[id]
	switch {
	case kind == "comm_open" && in.Target == widgetTarget:
		c.openWidget(id, in.Data, msg.Buffers)
	case w == nil || w.Closed:
	case kind == "comm_close":
		c.emit(protocol.WidgetClosed{WidgetID: id})
	case in.Data.Method == "update" || in.Data.Method == "echo_update":
		c.updateWidget(id, in.Data, msg.Buffers)
	case in.Data.Method == "custom":
		said := protocol.WidgetSaid{WidgetID: id, Content: in.Data.Content}
		for _, b := range msg.Buffers {
			said.Buffers = append(said.Buffers, base64.StdEncoding.EncodeToString(b))
		}
		if len(in.Data.Content)+sizeOfBuffers(msg.Buffers) <= protocol.WidgetBytesMax {
			c.emit(said)
		}
	}
}

func (c *core) openWidget(id protocol.WidgetID, data commData, buffers [][]byte) {
	if len(c.pub.Widgets) >= protocol.WidgetsMax && c.pub.Widgets[id] == nil {
		c.forgetWidgets(true)
		if len(c.pub.Widgets) >= protocol.WidgetsMax {
			c.tellOnce("widgets_full", "This notebook shows "+plural(protocol.WidgetsMax, "widget model")+" already; further ones are shown as text.")
			return
		}
	}
	hideSecret(data.State, data.State)
	e := protocol.WidgetOpened{WidgetID: id, Kernel: c.priv.KernelID, State: data.State, Buffers: c.keepBuffers(data.BufferPaths, buffers)}
	if e.State = c.keepAttributes(data.State); sizeOfState(e.State) > protocol.WidgetBytesMax {
		c.tellOnce("widget_too_large", "A widget is too large to be shown.")
		return
	}
	if isOutputModel(data.State) {
		c.capturesChange(id, data.State)
	}
	c.emit(e)
}

// updateWidget merges what the kernel says of a model. What a person has changed since and the kernel has not seen yet stays.
func (c *core) updateWidget(id protocol.WidgetID, data commData, buffers [][]byte) {
	w := c.pub.Widgets[id]
	state := make(map[string]json.RawMessage, len(data.State))
	for key, value := range data.State {
		if !c.unsent(id, key) {
			state[key] = value
		}
	}
	hideSecret(w.State, state)
	if isOutputModel(w.State) {
		c.capturesChange(id, state)
		delete(state, "msg_id") // of use to the session alone
	}
	kept := slices.DeleteFunc(c.keepBuffers(data.BufferPaths, buffers), func(b protocol.WidgetBuffer) bool { return c.unsent(id, b.Attribute()) })
	c.changeWidget(protocol.WidgetUpdated{WidgetID: id, State: c.keepAttributes(state), Buffers: kept})
}

// changeWidget emits the change, unless it changes nothing or makes the model too large.
func (c *core) changeWidget(e protocol.WidgetUpdated) {
	w := c.pub.Widgets[e.WidgetID]
	news := len(e.Buffers) > 0
	for key, value := range e.State {
		news = news || !bytes.Equal(w.State[key], value)
	}
	if !news {
		return
	}
	if after := w.Updated(e); sizeOfState(after.State)+sizeOfKept(after.Buffers) > protocol.WidgetBytesMax {
		c.tellOnce("widget_too_large", "A widget has grown too large; its latest change is not shown.")
		return
	}
	c.emit(e)
}

// tellOnce is a notice that is not repeated while this kernel lives.
func (c *core) tellOnce(code, text string) {
	if c.told[code] != c.priv.KernelID {
		c.told[code] = c.priv.KernelID
		c.notice("warning", code, text, "")
	}
}

// hideSecret empties what was typed into a Password widget: it is in no state, journal or file (P39).
func hideSecret(model, state map[string]json.RawMessage) {
	if _, has := state["value"]; has && isSecret(model) {
		state["value"] = json.RawMessage(`""`)
	}
}

func isSecret(model map[string]json.RawMessage) bool {
	return string(model["_model_name"]) == `"PasswordModel"`
}

func isOutputModel(state map[string]json.RawMessage) bool {
	return string(state["_model_name"]) == `"`+outputModel+`"`
}

// keepAttributes puts attributes over protocol.WidgetValueMax into blobs; shorter ones too while all together are too much.
func (c *core) keepAttributes(state map[string]json.RawMessage) map[string]json.RawMessage {
	out := make(map[string]json.RawMessage, len(state))
	most := protocol.WidgetValueMax
	if sizeOfState(state) > protocol.WidgetBytesMax {
		most = protocol.WidgetValueMax / 16
	}
	for key, value := range state {
		if out[key] = value; len(value) > most {
			var ref protocol.BlobRef
			ref.Blob.Hash, ref.Blob.Size, ref.Blob.JSON = journal.Hash(value), int64(len(value)), true
			c.out.blobs = append(c.out.blobs, blob{hash: ref.Blob.Hash, data: value})
			out[key] = mustMarshal(ref)
		}
	}
	return out
}

// keepBuffers gives each buffer its path; large ones become blobs.
func (c *core) keepBuffers(paths []json.RawMessage, buffers [][]byte) []protocol.WidgetBuffer {
	var out []protocol.WidgetBuffer
	for i, path := range paths[:min(len(paths), len(buffers))] {
		b := protocol.WidgetBuffer{Path: path}
		if data := buffers[i]; len(data) > protocol.WidgetValueMax/2 {
			b.Blob = journal.Hash(data)
			c.out.blobs = append(c.out.blobs, blob{hash: b.Blob, data: data})
		} else {
			b.Data = base64.StdEncoding.EncodeToString(data)
		}
		out = append(out, b)
	}
	return out
}

func sizeOfState(state map[string]json.RawMessage) int {
	n := 0
	for key, value := range state {
		n += len(key) + len(value) + 4
	}
	return n
}

func sizeOfKept(buffers []protocol.WidgetBuffer) int {
	n := 0
	for _, b := range buffers {
		n += len(b.Path) + len(b.Data) + len(b.Blob) + 32
	}
	return n
}

func sizeOfBuffers(buffers [][]byte) int {
	n := 0
	for _, b := range buffers {
		n += len(b)
	}
	return n
}

// forgetWidgets drops models that no output shows, directly or through others: those whose kernel is gone, with live also others.
func (c *core) forgetWidgets(live bool) {
	shown := shownWidgets(c.pub)
	for _, id := range sortedWidgets(c.pub.Widgets) {
		w := c.pub.Widgets[id]
		if !shown[id] && (live || w.Closed || w.Kernel != c.priv.KernelID) {
			c.emit(protocol.WidgetClosed{WidgetID: id, Forget: true})
		}
	}
}
