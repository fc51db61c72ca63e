package protocol

import (
	"encoding/json"
	"maps"
)

// Bounds of the widget models of a notebook (P36).
const (
	WidgetsMax     = 2_000     // models
	WidgetValueMax = 64 << 10  // bytes of one attribute that are in the state itself; a longer one is a blob
	WidgetBytesMax = 512 << 10 // bytes of one model beside its blobs
)

// Widget is the model of one ipywidget, as its kernel and the pages have made it: what a page needs to draw it. It never changes
// once it is in a State; a change puts another in its place.
type Widget struct {
	Kernel  string                     `json:"kernel,omitempty"` // that made it: it lives while that one does; empty for one read from the file
	State   map[string]json.RawMessage `json:"state"`            // attribute to value, or to a BlobRef
	Buffers []WidgetBuffer             `json:"buffers,omitempty"`
	Origin  string                     `json:"origin,omitempty"` // the view that made the latest change, when a page did
	Closed  bool                       `json:"closed,omitempty"` // by the kernel: it shows nothing any more
}

// WidgetBuffer is a binary part of a model's state, at Path (keys and indexes). It is in Data, base64, or in the blob.
type WidgetBuffer struct {
	Path json.RawMessage `json:"path"`
	Data string          `json:"data,omitempty"`
	Blob string          `json:"blob,omitempty"` // its hash
}

// The events of widgets.
type (
	// WidgetOpened is a new model, in place of one of the same id.
	WidgetOpened struct {
		WidgetID WidgetID                   `json:"widget_id"`
		Kernel   string                     `json:"kernel,omitempty"`
		State    map[string]json.RawMessage `json:"state"`
		Buffers  []WidgetBuffer             `json:"buffers,omitempty"`
	}
	// WidgetUpdated replaces the attributes that State names and the buffers in them.
	WidgetUpdated struct {
		WidgetID WidgetID                   `json:"widget_id"`
		State    map[string]json.RawMessage `json:"state"`
		Buffers  []WidgetBuffer             `json:"buffers,omitempty"`
		Origin   string                     `json:"origin,omitempty"`
	}
	// WidgetClosed ends a model. What is left says that there was one, unless Forget.
	WidgetClosed struct {
		WidgetID WidgetID `json:"widget_id"`
		Forget   bool     `json:"forget,omitempty"`
	}
	// WidgetSaid is a message of the kernel to a model's views; it changes no state and is not kept.
	WidgetSaid struct {
		WidgetID WidgetID        `json:"widget_id"`
		Content  json.RawMessage `json:"content"`
		Buffers  []string        `json:"buffers,omitempty"` // base64
	}
)

func (WidgetOpened) EventType() string  { return "widget_opened" }
func (WidgetUpdated) EventType() string { return "widget_updated" }
func (WidgetClosed) EventType() string  { return "widget_closed" }
func (WidgetSaid) EventType() string    { return "widget_said" }

// applyToWidgets is Apply for the events of widgets.
func (s *State) applyToWidgets(event Event) {
	switch e := event.(type) {
	case WidgetOpened:
		s.putWidget(e.WidgetID, &Widget{Kernel: e.Kernel, State: e.State, Buffers: e.Buffers})
	case WidgetUpdated:
		if w := s.Widgets[e.WidgetID]; w != nil && !w.Closed {
			s.putWidget(e.WidgetID, w.Updated(e))
		}
	case WidgetClosed:
		if w := s.Widgets[e.WidgetID]; w != nil && e.Forget {
			delete(s.Widgets, e.WidgetID)
		} else if w != nil {
			s.putWidget(e.WidgetID, &Widget{Kernel: w.Kernel, State: map[string]json.RawMessage{}, Closed: true})
		}
	}
}

func (s *State) putWidget(id WidgetID, w *Widget) {
	if s.Widgets == nil {
		s.Widgets = map[WidgetID]*Widget{}
	}
	s.Widgets[id] = w
}

// Updated is the model after the change.
func (w *Widget) Updated(e WidgetUpdated) *Widget {
	out := &Widget{Kernel: w.Kernel, State: maps.Clone(w.State), Buffers: JoinBuffers(w.Buffers, e), Origin: e.Origin}
	if out.State == nil {
		out.State = map[string]json.RawMessage{}
	}
	maps.Copy(out.State, e.State)
	return out
}

// JoinBuffers are the buffers after the change: those of attributes that it replaces are gone.
func JoinBuffers(before []WidgetBuffer, e WidgetUpdated) []WidgetBuffer {
	var out []WidgetBuffer
	replaced := Attributes(e.State, e.Buffers)
	for _, b := range before {
		if !replaced[b.Attribute()] {
			out = append(out, b)
		}
	}
	return append(out, e.Buffers...)
}

// Attributes are those that a state has, or a change names: a value of bytes is in the buffers only.
func Attributes(state map[string]json.RawMessage, buffers []WidgetBuffer) map[string]bool {
	out := make(map[string]bool, len(state))
	for key := range state {
		out[key] = true
	}
	for _, b := range buffers {
		out[b.Attribute()] = true
	}
	return out
}

// Attribute is the one the buffer is in.
func (b WidgetBuffer) Attribute() string {
	var path []any
	if json.Unmarshal(b.Path, &path) != nil || len(path) == 0 {
		return ""
	}
	name, _ := path[0].(string)
	return name
}
