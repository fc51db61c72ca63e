package session

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/internal/jupyter"
	"github.com/runnel-dev/runnel/internal/protocol"
)

// show writes what the last line led to.
func (s *script) show(events, batches int) {
	fresh := s.b.events[events:]
	written := s.b.load().Batches
	for _, batch := range written[min(batches, len(written)):] {
		rec := decodedAs(s.t, map[string]json.RawMessage{}, record{})
		if err := json.Unmarshal(batch.Data, &rec); err != nil {
			s.t.Fatal(err)
		}
		for _, fact := range rec.Facts {
			if line := oneLine(s.t, fact); strings.HasPrefix(line, "_") {
				fmt.Fprintf(&s.out, ". %s\n", line[1:])
				continue
			}
			raw, err := protocol.EncodeEvent(fresh[0])
			if err != nil {
				s.t.Fatal(err)
			}
			fmt.Fprintf(&s.out, "+ %s\n", oneLine(s.t, raw))
			fresh = fresh[1:]
		}
	}
	for _, e := range s.b.effects {
		fmt.Fprintf(&s.out, "! %s\n", showEffect(e))
	}
}

func showEffect(e effect) string {
	switch e := e.(type) {
	case launchKernel:
		return strings.TrimSpace(fmt.Sprintf("start kernel %s %s", e.wish.KernelID, e.wish.Name))
	case sendMessage:
		switch content := e.Content.(type) {
		case jupyter.ExecuteRequest:
			return fmt.Sprintf("send %s %s code=%q", e.MsgType, e.ID, content.Code)
		case jupyter.InputReply:
			if content.Reason != "" {
				return fmt.Sprintf("send %s %s value=%q reason=%q", e.MsgType, e.ID, content.Value, content.Reason)
			}
			return fmt.Sprintf("send %s %s value=%q", e.MsgType, e.ID, content.Value)
		}
		return fmt.Sprintf("send %s %s", e.MsgType, e.ID)
	case interruptKernel:
		out := "interrupt"
		for _, m := range e.Then {
			out += ", then " + showEffect(m)
		}
		return out
	case stopKernel:
		return fmt.Sprintf("stop kernel %s force=%v busy=%v", e.KernelID, e.Force, e.Busy)
	case saveFile:
		return "save"
	case keepSpill:
		return fmt.Sprintf("keep %d bytes of %s at %d", len(e.Text), e.Output, e.Offset)
	case dropSpill:
		return fmt.Sprintf("drop what was kept of %s", e.Output)
	}
	return fmt.Sprintf("%T", e)
}

func showState(s *protocol.State) string {
	var b strings.Builder
	for _, c := range s.Cells {
		fmt.Fprintf(&b, "cell %s %s v%d %q", c.ID, c.Type, c.Version, c.Source)
		if c.ExecutionCount != nil {
			fmt.Fprintf(&b, " [%d]", *c.ExecutionCount)
		}
		if c.Run != nil {
			fmt.Fprintf(&b, " %s %s %s", c.Run.ID, c.Run.State, c.Run.Status)
		}
		b.WriteString("\n")
		for _, o := range c.Outputs {
			fmt.Fprintf(&b, "  %s %q\n", o.Kind, text(&protocol.Cell{Outputs: []*protocol.Output{o}}))
		}
	}
	fmt.Fprintf(&b, "kernel %s\n", s.Kernel.State)
	for _, id := range s.Queue {
		fmt.Fprintf(&b, "waits %s\n", id)
	}
	for _, p := range s.Prompts {
		fmt.Fprintf(&b, "asks %s %q\n", p.RequestID, p.Prompt)
	}
	for _, e := range s.Bin {
		fmt.Fprintf(&b, "bin %s\n", e.CellID)
	}
	fmt.Fprintf(&b, "file %s\n", strings.TrimSpace(s.Save.State+" "+s.Save.Text))
	return b.String()
}

// oneLine is a tagged object as "type key=value ...", without what is empty.
func oneLine(t *testing.T, raw json.RawMessage) string {
	d := json.NewDecoder(bytes.NewReader(raw))
	var out []string
	if _, err := d.Token(); err != nil {
		t.Fatal(err)
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		var value any
		if err := d.Decode(&value); err != nil {
			t.Fatal(err)
		}
		switch value = withoutEmpty(value); {
		case key == "type":
			out = append(out, fmt.Sprint(value))
		case value != nil:
			out = append(out, fmt.Sprintf("%s=%s", key, mustMarshal(value)))
		}
	}
	return strings.Join(out, " ")
}

// withoutEmpty is nil for null, "", [] and {}; of an object, what is left.
func withoutEmpty(v any) any {
	switch v := v.(type) {
	case string:
		if v == "" {
			return nil
		}
	case []any:
		if len(v) == 0 {
			return nil
		}
	case map[string]any:
		for key, value := range v {
			if v[key] = withoutEmpty(value); v[key] == nil {
				delete(v, key)
			}
		}
		if len(v) == 0 {
			return nil
		}
	}
	return v
}
