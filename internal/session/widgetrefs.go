package session

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"

	"github.com/runnel-dev/runnel/internal/protocol"
)

// widgetView is the media type of an output that shows a model: {"model_id"}.
const widgetView = "application/vnd.jupyter.widget-view+json"

// shownWidgets are the models that outputs show and those that these refer to.
func shownWidgets(s *protocol.State) map[protocol.WidgetID]bool {
	shown := map[protocol.WidgetID]bool{}
	var next []protocol.WidgetID
	add := func(id protocol.WidgetID) {
		if !shown[id] && s.Widgets[id] != nil {
			shown[id] = true
			next = append(next, id)
		}
	}
	for _, cell := range s.Cells {
		for _, o := range cell.Outputs {
			var view struct {
				ModelID protocol.WidgetID `json:"model_id"`
			}
			if value := o.Data[widgetView]; value != nil && json.Unmarshal(value, &view) == nil {
				add(view.ModelID)
			}
		}
	}
	for len(next) > 0 {
		w := s.Widgets[next[0]]
		next = next[1:]
		for _, value := range w.State {
			namedWidgets(value, add)
		}
	}
	return shown
}

// namedWidgets finds the models that a value names: "IPY_MODEL_<id>", "anywidget:<id>", and in captured outputs "model_id":"<id>". A text that
// looks the same keeps a model too many, no more.
func namedWidgets(value json.RawMessage, add func(protocol.WidgetID)) {
	for _, mark := range []string{`"IPY_MODEL_`, `"anywidget:`, `"model_id":"`, `"model_id": "`} {
		for rest := []byte(value); ; {
			i := bytes.Index(rest, []byte(mark))
			if i < 0 {
				break
			}
			rest = rest[i+len(mark):]
			if end := bytes.IndexByte(rest, '"'); end > 0 {
				add(protocol.WidgetID(rest[:end]))
			}
		}
	}
}

func sortedWidgets(widgets map[protocol.WidgetID]*protocol.Widget) []protocol.WidgetID {
	return slices.Sorted(maps.Keys(widgets))
}
