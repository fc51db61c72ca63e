package session

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/runnel-dev/runnel/internal/journal"
	"github.com/runnel-dev/runnel/internal/protocol"
)

// saved is a snapshot in the journal (J4).
type saved struct {
	Version int             `json:"v"`
	State   *protocol.State `json:"state"`
	Private json.RawMessage `json:"private"`
}

// snapshotFunc captures the state now; the result encodes it later, in another goroutine.
func (c *core) snapshotFunc() func() (json.RawMessage, error) {
	state := c.state()
	private, err := marshal(c.priv)
	return func() (json.RawMessage, error) {
		if err != nil {
			return nil, fmt.Errorf("encode snapshot: %w", err)
		}
		return marshal(saved{Version: 1, State: state, Private: private})
	}
}

// restore replays what the journal has. What cannot be read ends the replay: complete is false then.
func (c *core) restore(loaded journal.Loaded) (complete bool, err error) {
	if loaded.Snapshot != nil {
		var s saved
		if err := json.Unmarshal(loaded.Snapshot.Data, &s); err != nil || s.State == nil || s.Version != 1 {
			return false, fmt.Errorf("read snapshot of version %d: %w", s.Version, err)
		}
		priv := newPrivate()
		if err := json.Unmarshal(s.Private, &priv); err != nil {
			return false, fmt.Errorf("read snapshot: %w", err)
		}
		s.State.Notebook, s.State.Epoch = c.pub.Notebook, c.pub.Epoch
		c.pub, c.priv = s.State, priv
		for _, cell := range c.pub.Cells {
			c.ownOutputs(cell)
		}
		for _, b := range c.priv.Bin {
			c.ownOutputs(b.Cell)
		}
	}
	notebook := c.pub.Notebook
	for _, b := range loaded.Batches {
		if err := c.replay(b); err != nil {
			return false, err
		}
	}
	c.pub.Notebook = notebook
	return true, nil
}

func (c *core) replay(b journal.Batch) error {
	var rec record
	if err := json.Unmarshal(b.Data, &rec); err != nil {
		return fmt.Errorf("read batch %d: %w", b.Seq, err)
	}
	if rec.Version != 1 {
		return fmt.Errorf("read batch %d: version %d is newer than this server", b.Seq, rec.Version)
	}
	for _, raw := range rec.Facts {
		e, err := decodeFact(raw)
		if err != nil {
			return fmt.Errorf("read batch %d: %w", b.Seq, err)
		}
		c.evolve(e)
	}
	c.pub.N = max(c.pub.N, b.N) // of events that were joined, one is there
	if rec.KernelID != "" && rec.KernelID == c.priv.KernelID {
		c.priv.Record = rec.Record
	}
	return nil
}

// resume goes on after a restart of the server: nobody is connected, prompts' clocks stand still, what had to be saved still has to.
func (c *core) resume() {
	c.heard()
	if c.pub.Save.State != protocol.Saved {
		c.save.since, c.save.last = c.now, c.now
	}
	for _, p := range append([]protocol.Prompt(nil), c.pub.Prompts...) {
		if p.Deadline != 0 {
			p.Deadline = 0
			c.emit(protocol.PromptChanged{Prompt: p})
		}
	}
	for id := range c.priv.Captures {
		c.uncaught[id] = true
	}
	switch c.pub.Kernel.State {
	case protocol.KernelNone, protocol.KernelDead:
		return
	}
	c.asked = map[protocol.RunID]bool{}
	if c.pub.Kernel.State == protocol.KernelRestarting {
		c.restart = &launchWish{Name: c.pub.Kernel.Name}
	}
}

// reattached: the handle of the kernel from before is there. What may not have reached it is sent again; the keeper knows what has. started is
// when its keeper began, zero when it does not say.
func (c *core) reattached(id string, started time.Time) {
	if id != c.priv.KernelID {
		return
	}
	c.attached = true
	c.clockSet(started)
	c.heard()
	switch c.pub.Kernel.State {
	case protocol.KernelStopping, protocol.KernelRestarting:
		c.effect(stopKernel{KernelID: id})
		return
	}
	if r := c.current(); r != nil && r.Reply == nil {
		c.sendRun(r)
	}
	c.expectReply()
	if len(c.priv.Sends) > 0 && c.priv.Sends[0].Sent {
		c.passSend(c.priv.Sends[0])
	}
	c.sendAnswersAgain()
}

// clockNoise is how far two readings of when a kernel began may lie apart, in milliseconds, with nobody having set the clock: they are taken
// before and after its process was made.
const clockNoise = 5_000

// clockSet moves what began before this server to its time, when the machine's clock was set meanwhile: else the clock of a running cell would be
// off by as much.
func (c *core) clockSet(started time.Time) {
	k := c.pub.Kernel
	if started.IsZero() || k.StartedAt == 0 || k.PID == 0 {
		return
	}
	by := started.UnixMilli() - k.StartedAt
	if -clockNoise < by && by < clockNoise {
		return
	}
	k.StartedAt += by
	c.emit(protocol.KernelChanged{Kernel: k})
	r := c.current()
	if r == nil || slices.Contains(c.pub.Queue, r.Cell) { // to begin again would take the cell out of the queue
		return
	}
	if cell := c.pub.Cell(r.Cell); cell != nil && cell.Run != nil && cell.Run.ID == r.ID {
		c.emit(protocol.RunStarted{CellID: r.Cell, RunID: r.ID, At: cell.Run.StartedAt + by})
	}
}
