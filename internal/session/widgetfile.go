package session

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"

	"github.com/runnel-dev/runnel/internal/protocol"
)

// widgetState is the media type under which a notebook's metadata keeps the last look of its widgets, as JupyterLab does.
const widgetState = "application/vnd.jupyter.widget-state+json"

// fileWidgets is the value of that type.
type fileWidgets struct {
	State        map[protocol.WidgetID]fileWidget `json:"state"`
	VersionMajor int                              `json:"version_major"`
	VersionMinor int                              `json:"version_minor"`
}

type fileWidget struct {
	Buffers       []fileBuffer               `json:"buffers,omitempty"`
	Module        string                     `json:"model_module"`
	ModuleVersion string                     `json:"model_module_version"`
	Name          string                     `json:"model_name"`
	State         map[string]json.RawMessage `json:"state"`
}

type fileBuffer struct {
	Data     string          `json:"data"`
	Encoding string          `json:"encoding"`
	Path     json.RawMessage `json:"path"`
}

// splitWidgets takes the models out of a file's metadata. They have no kernel.
func splitWidgets(meta json.RawMessage) (rest json.RawMessage, models map[protocol.WidgetID]fileWidget) {
	var all, kinds map[string]json.RawMessage
	var in fileWidgets
	if json.Unmarshal(meta, &all) != nil || json.Unmarshal(all["widgets"], &kinds) != nil || json.Unmarshal(kinds[widgetState], &in) != nil || in.VersionMajor != 2 {
		return meta, nil
	}
	if delete(kinds, widgetState); len(kinds) > 0 {
		all["widgets"] = mustMarshal(kinds)
	} else {
		delete(all, "widgets")
	}
	return mustMarshal(all), in.State
}

// widgetsFromFile makes models of those of a file, unless the session has a livelier one of that id.
func (c *core) widgetsFromFile(models map[protocol.WidgetID]fileWidget) {
	for id, m := range models {
		if w := c.pub.Widgets[id]; w != nil && w.Kernel != "" || len(c.pub.Widgets) >= protocol.WidgetsMax {
			continue
		}
		state := map[string]json.RawMessage{}
		for key, value := range m.State {
			state[key] = value
		}
		state["_model_module"], state["_model_module_version"], state["_model_name"] = mustMarshal(m.Module), mustMarshal(m.ModuleVersion), mustMarshal(m.Name)
		e := protocol.WidgetOpened{WidgetID: id, State: c.keepAttributes(state)}
		for _, b := range m.Buffers {
			if data, err := b.bytes(); err == nil {
				e.Buffers = append(e.Buffers, c.keepBuffers([]json.RawMessage{b.Path}, [][]byte{data})...)
			}
		}
		if sizeOfState(e.State) <= protocol.WidgetBytesMax && !sameWidget(c.pub.Widgets[id], e) {
			c.emit(e)
		}
	}
}

func sameWidget(w *protocol.Widget, e protocol.WidgetOpened) bool {
	return w != nil && sameJSON(mustMarshal(w.State), mustMarshal(e.State)) && sameJSON(mustMarshal(w.Buffers), mustMarshal(e.Buffers))
}

// joinWidgets puts the models that outputs show into the metadata for the file.
func joinWidgets(s *protocol.State, j shelf) (json.RawMessage, error) {
	models := map[protocol.WidgetID]fileWidget{}
	for id := range shownWidgets(s) {
		w := s.Widgets[id]
		if w.Closed {
			continue
		}
		state, err := inline(w.State, j)
		if err != nil {
			return nil, err
		}
		m := fileWidget{State: state}
		for field, key := range map[*string]string{&m.Module: "_model_module", &m.ModuleVersion: "_model_module_version", &m.Name: "_model_name"} {
			_ = json.Unmarshal(w.State[key], field) // a model without a name is of no use, and harmless
			delete(state, key)
		}
		for _, b := range w.Buffers {
			f, err := fileBufferOf(b, j)
			if errors.Is(err, fs.ErrNotExist) {
				continue // lost, as in inline
			}
			if err != nil {
				return nil, err
			}
			m.Buffers = append(m.Buffers, f)
		}
		models[id] = m
	}
	if len(models) == 0 {
		return s.Metadata, nil
	}
	all, kinds := map[string]json.RawMessage{}, map[string]json.RawMessage{}
	_ = json.Unmarshal(s.Metadata, &all) // it is an object: it was read or made here
	_ = json.Unmarshal(all["widgets"], &kinds)
	kinds[widgetState] = mustMarshal(fileWidgets{State: models, VersionMajor: 2})
	all["widgets"] = mustMarshal(kinds)
	return mustMarshal(all), nil
}

// bytes are the buffer's: the format knows two spellings.
func (b fileBuffer) bytes() ([]byte, error) {
	if b.Encoding == "hex" {
		return hex.DecodeString(b.Data)
	}
	return base64.StdEncoding.DecodeString(b.Data)
}

func fileBufferOf(b protocol.WidgetBuffer, j shelf) (fileBuffer, error) {
	out := fileBuffer{Data: b.Data, Encoding: "base64", Path: b.Path}
	if b.Blob == "" {
		return out, nil
	}
	f, err := j.Blob(b.Blob)
	if err != nil {
		return out, err
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(f)
	out.Data = base64.StdEncoding.EncodeToString(data)
	return out, err
}
