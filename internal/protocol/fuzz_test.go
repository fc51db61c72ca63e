package protocol_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/runnel-dev/runnel/internal/protocol"
)

// What can be read as an event is written and read again the same; applied to a notebook, what does not fit changes nothing, and a second
// time changes nothing more. One line is one event.
func FuzzEvents(f *testing.F) {
	samples, err := filepath.Glob("../../testdata/protocol/events/*.json")
	if err != nil || len(samples) == 0 {
		f.Fatalf("samples: %v, %v", samples, err)
	}
	for _, path := range samples {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		var line bytes.Buffer
		if err := json.Compact(&line, data); err != nil {
			f.Fatal(err)
		}
		f.Add(line.Bytes())
	}
	f.Add([]byte(`{"type":"cell_added"}` + "\n" + `{"type":"output_set","cell_id":"c1"}` + "\n" + `{"type":"run_queued","cell_id":"c1"}`))
	f.Add([]byte(`{"type":"text_put","cell_id":"c1","output_id":"o1","at":4,"text":"past the end"}` + "\n" + `{"type":"text_put","cell_id":"c1","output_id":"o1","at":2,"text":"between two halves"}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		state := smallState()
		for _, line := range bytes.Split(in, []byte("\n")) {
			event, err := protocol.DecodeEvent(line)
			if err != nil {
				continue
			}
			once := encoded(t, event)
			again, err := protocol.DecodeEvent(once)
			if err != nil || !bytes.Equal(once, encoded(t, again)) {
				t.Fatalf("%s is read again as %s, %v", once, encoded(t, again), err)
			}
			state.Apply(event)
			before := asJSON(t, state)
			state.Apply(event)
			if after := asJSON(t, state); !bytes.Equal(before, after) {
				t.Fatalf("%s applied twice:\n%s\n%s", once, before, after)
			}
			if clone := asJSON(t, state.Clone()); !bytes.Equal(before, clone) {
				t.Fatalf("a clone differs:\n%s\n%s", before, clone)
			}
		}
	})
}

func smallState() *protocol.State {
	return &protocol.State{
		Metadata: json.RawMessage("{}"), Queue: []protocol.CellID{"c2"}, Prompts: []protocol.Prompt{{RequestID: "q1", CellID: "c1"}}, Bin: []protocol.BinEntry{{CellID: "c9"}},
		Cells: []*protocol.Cell{
			{ID: "c1", Type: "code", Source: "é😀\n", Version: 3, Metadata: json.RawMessage("{}"), Run: &protocol.Run{ID: "r1", State: protocol.StateRunning},
				Outputs: []*protocol.Output{{ID: "o1", Kind: protocol.KindStream, Name: "stdout", Text: &protocol.Text{Head: "é😀", Total: 3, TailAt: 3}}}},
			{ID: "c2", Type: "code", Metadata: json.RawMessage("{}"), Run: &protocol.Run{ID: "r2", State: protocol.StateQueued}, Outputs: []*protocol.Output{}},
		},
	}
}

func encoded(t *testing.T, e protocol.Event) []byte {
	t.Helper()
	data, err := protocol.EncodeEvent(e)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func asJSON(t *testing.T, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
