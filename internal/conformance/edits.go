package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/runnel-dev/runnel/internal/protocol"
)

// insert makes a cell with this source and waits for its ack.
func (p *page) insert(ctx context.Context, source string) (protocol.CellID, error) {
	cell := protocol.CellID(newCell())
	return cell, p.do(ctx, protocol.Command{Type: protocol.CmdCellInsert, CellID: cell, CellType: "code", Source: source})
}

// edit changes version of a cell.
func (p *page) edit(ctx context.Context, cell protocol.CellID, version int, changes string) error {
	return p.do(ctx, protocol.Command{Type: protocol.CmdEdit, CellID: cell, Version: version, Changes: json.RawMessage(changes)})
}

// do sends a command that must be accepted.
func (p *page) do(ctx context.Context, cmd protocol.Command) error {
	cmd.CmdID, cmd.Notebook = newCommand(), p.notebook
	if err := p.send(ctx, cmd); err != nil {
		return err
	}
	f, err := p.until(ctx, func(f frame) bool { return f.Type == "ack" && f.CmdID == string(cmd.CmdID) })
	if err == nil && f.Status != protocol.AckAccepted {
		err = fmt.Errorf("%s was answered by %s", cmd.Type, f.raw)
	}
	return err
}

// cell asks for the state anew and takes the cell out of it, without what comes of it in parts of their own.
func (p *page) cell(ctx context.Context, id protocol.CellID) (*protocol.Cell, error) {
	sub := "cell-" + string(id)
	if err := p.send(ctx, protocol.Subscribe{Type: "subscribe", Subscription: protocol.Subscription{Sub: sub, Notebook: p.notebook}}); err != nil {
		return nil, err
	}
	var found *protocol.Cell
	_, err := p.until(ctx, func(f frame) bool {
		if f.Sub != sub || !strings.HasPrefix(f.Type, "snapshot") {
			return false
		}
		var part struct {
			State protocol.State     `json:"state"`
			Cells json.RawMessage    `json:"cells"` // a number in the first frame
			Cell  protocol.CellID    `json:"cell_id"`
			Out   []*protocol.Output `json:"outputs"`
		}
		if json.Unmarshal(f.raw, &part) != nil {
			return true
		}
		_ = json.Unmarshal(part.Cells, &part.State.Cells)
		if c := part.State.Cell(id); c != nil {
			found = c
		}
		if found != nil && part.Cell == id {
			found.Outputs = append(found.Outputs, part.Out...)
		}
		return !f.More
	})
	if err == nil && found == nil {
		err = fmt.Errorf("the snapshot lacks cell %s", id)
	}
	return found, err
}

func edits(ctx context.Context, p *page) error {
	if _, _, err := p.begin(ctx); err != nil {
		return err
	}
	cell, err := p.insert(ctx, "ab")
	if err != nil {
		return err
	}
	id := newCommand()
	if err := p.send(ctx, protocol.Command{Type: protocol.CmdEdit, CmdID: id, Notebook: p.notebook, CellID: cell, Changes: json.RawMessage(`[1,[0,"x"],1]`)}); err != nil {
		return err
	}
	_, err = p.until(ctx, func(f frame) bool {
		for _, event := range f.Events {
			if text := string(event); strings.Contains(text, `"edited"`) && strings.Contains(text, string(id)) {
				return true
			}
		}
		return false
	})
	return err
}

func rebases(ctx context.Context, p *page) error {
	return p.edited(ctx, "ab", []string{`[[0,"x"],2]`, `[2,[0,"y"]]`}, "xaby")
}

func countsUTF16(ctx context.Context, p *page) error {
	return p.edited(ctx, "🙂b", []string{`[2,[0,"é"],1]`}, "🙂éb")
}

// edited makes all edits against the first version of a cell, and looks what came of them.
func (p *page) edited(ctx context.Context, source string, changes []string, want string) error {
	if _, _, err := p.begin(ctx); err != nil {
		return err
	}
	id, err := p.insert(ctx, source)
	if err != nil {
		return err
	}
	for _, c := range changes {
		if err := p.edit(ctx, id, 0, c); err != nil {
			return err
		}
	}
	cell, err := p.cell(ctx, id)
	if err == nil && cell.Source != want {
		err = fmt.Errorf("the source is %q, want %q", cell.Source, want)
	}
	return err
}
