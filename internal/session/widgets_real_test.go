package session

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/internal/protocol"
)

// widget finds the model of this kind; the newest when there are several is not asked for here.
func widget(s *protocol.State, model string) (protocol.WidgetID, *protocol.Widget) {
	for id, w := range s.Widgets {
		if string(w.State["_model_name"]) == `"`+model+`"` && !w.Closed {
			return id, w
		}
	}
	return "", nil
}

func attribute(s *protocol.State, model, key string) string {
	if _, w := widget(s, model); w != nil {
		return string(w.State[key])
	}
	return ""
}

func TestWidgetsOfARealKernel(t *testing.T) {
	bothKernels(t, func(t *testing.T, w *world) {
		w.write("a.ipynb", "")
		sv, s, p := w.begin()
		change := func(model, key, value string) {
			t.Helper()
			id, _ := widget(p.state, model)
			sv.do(s, protocol.Command{Type: protocol.CmdWidgetChange, CellID: "show", WidgetID: id, State: map[string]json.RawMessage{key: json.RawMessage(value)}, Origin: "view"})
		}
		sv.execute(s, "bar", "from tqdm.notebook import tqdm\nfor i in tqdm(range(50), mininterval=0): pass")
		p.untilDone("bar", protocol.StatusOK)
		if value, style := attribute(p.state, "FloatProgressModel", "value"), attribute(p.state, "FloatProgressModel", "bar_style"); value != "50.0" || style != `"success"` {
			t.Errorf("the bar shows %s, %s", value, style)
		}

		sv.execute(s, "show", "import ipywidgets as widgets\nw = widgets.IntSlider(value=3, max=40)\nw.observe(lambda c: print('now', c.new), 'value')\ndisplay(w)")
		p.untilDone("show", protocol.StatusOK)
		change("IntSliderModel", "value", "17")
		p.untilText("show", "now 17\n")
		change("IntSliderModel", "value", "99")
		p.until("the kernel's own idea of 99", func(s *protocol.State) bool { return attribute(s, "IntSliderModel", "value") == "40" })
		sv.execute(s, "look", "print(w.value)")
		p.untilText("look", "40\n")

		sv.execute(s, "button", "b = widgets.Button(description='go')\nb.on_click(lambda b: print('pressed'))\ndisplay(b)")
		p.untilDone("button", protocol.StatusOK)
		id, _ := widget(p.state, "ButtonModel")
		sv.do(s, protocol.Command{Type: protocol.CmdWidgetChange, CellID: "button", WidgetID: id, Content: json.RawMessage(`{"event":"click"}`)})
		p.untilText("button", "pressed\n")

		sv.execute(s, "image", "im = widgets.Image(value=b'ab')\nim.observe(lambda c: print('bytes', bytes(c.new)), 'value')\ndisplay(im)")
		p.untilDone("image", protocol.StatusOK)
		id, _ = widget(p.state, "ImageModel")
		sv.do(s, protocol.Command{Type: protocol.CmdWidgetChange, CellID: "image", WidgetID: id, Buffers: []protocol.WidgetBuffer{{Path: json.RawMessage(`["value"]`), Data: "eHk="}}})
		p.untilText("image", "bytes b'xy'\n")

		sv.execute(s, "show", "@widgets.interact(x=(0, 9))\ndef f(x=2):\n    print('x is', x)\n    return x * x")
		p.untilDone("show", protocol.StatusOK)
		p.until("what it printed", func(s *protocol.State) bool {
			return strings.Contains(attribute(s, outputModel, "outputs"), "x is 2") && strings.Contains(attribute(s, outputModel, "outputs"), `"4"`)
		})
		for id, w := range p.state.Widgets {
			if string(w.State["_model_name"]) == `"IntSliderModel"` && string(w.State["max"]) == "9" {
				sv.do(s, protocol.Command{Type: protocol.CmdWidgetChange, CellID: "show", WidgetID: id, State: map[string]json.RawMessage{"value": json.RawMessage("5")}})
			}
		}
		p.until("what it prints now", func(s *protocol.State) bool {
			outputs := attribute(s, outputModel, "outputs")
			return strings.Contains(outputs, "x is 5") && strings.Contains(outputs, `"25"`) && !strings.Contains(outputs, "x is 2")
		})
		if got := text(p.state.Cell("show")); strings.Contains(got, "x is") {
			t.Errorf("the cell shows %q beside the widget", got)
		}
		sv.execute(s, "shown", "out = widgets.Output()\ndisplay(out)\nwith out: h = display('first', display_id=True)")
		p.untilDone("shown", protocol.StatusOK)
		sv.execute(s, "updated", "h.update('second')")
		p.untilDone("updated", protocol.StatusOK)
		p.until("the update in the Output widget", func(s *protocol.State) bool {
			for _, w := range s.Widgets {
				if outputs := string(w.State["outputs"]); strings.Contains(outputs, "'second'") && !strings.Contains(outputs, "'first'") {
					return true
				}
			}
			return false
		})
		p.untilSaved()
		p.same()
	})
}
