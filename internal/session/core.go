package session

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/runnel-dev/runnel/internal/protocol"
)

// core is the pure heart: no clock, no disk, no goroutine. Its methods that begin with an input's name (command, kernelEvents, tick, ...)
// decide; they call emit for each fact, which evolves the state at once, and add effects. Replaying the facts through evolve
// gives the same state. Not safe for concurrent use.
//
// Everything that outlives a restart is in pub and priv and changes only in evolve.
type core struct {
	cfg   coreConfig
	pub   *protocol.State
	priv  private
	owner map[protocol.OutputID]protocol.CellID

	// What a restart may forget.
	now       int64
	clients   int
	typeAhead []string                // answers for prompts to come, of the run that is current or will be next
	ready     bool                    // the kernel answers: runs may be sent
	attached  bool                    // the loop holds the kernel's handle
	ending    bool                    // the server stops: nothing new is run
	restart   *launchWish             // start this kernel when the old one is gone
	asked     map[protocol.RunID]bool // runs that were asked for while it is not known whether the kernel of the server before lives; nil: it is
	idleSince int64
	heardAt   int64                      // when the kernel last said something
	doubtAt   int64                      // when to give up an idle that is overdue; 0: it is not
	heldUntil int64                      // when to pass on an interrupt that waits for its run to begin; 0: none waits
	replyDue  int64                      // when the current run, whose idle came, is over without its reply; 0: nothing is missing
	lateUntil int64                      // when the current run, whose reply and idle came, is over
	askAgain  int64                      // when to open password prompts again whose answer seems lost; 0: never
	missed    []protocol.Notice          // for the next page that comes
	dropped   map[protocol.CellID]int    // outputs that were not kept and not yet counted in their cell
	called    called                     // messages of pages that the kernel has done
	uncaught  map[protocol.WidgetID]bool // Output widgets whose model does not show yet what they have caught
	shownAt   int64                      // when they were shown last
	told      map[string]string          // notices that were told once, and for which kernel
	save      saver
	snapshot  *protocol.State // of pub, until the next fact

	out step
}

type coreConfig struct {
	inputTimeout time.Duration
	idleCull     time.Duration
	boot         string
	newID        func() string
}

// private is the part of the state that clients do not see. It is in the journal's snapshots.
type private struct {
	Runs     map[protocol.RunID]*run `json:"runs"`
	Order    []protocol.RunID        `json:"order"`             // waiting, in this order
	Current  protocol.RunID          `json:"current,omitempty"` // in flight
	LastCell protocol.CellID         `json:"last_cell,omitempty"`

	KernelID       string `json:"kernel_id,omitempty"` // of the handle that lives or may live
	Record         uint64 `json:"record,omitempty"`    // of that kernel, applied
	Implementation string `json:"implementation,omitempty"`
	Boot           string `json:"boot,omitempty"` // of the machine, when that kernel was about to be started

	Prompts    map[protocol.RequestID]*prompt `json:"prompts"`
	Answers    map[protocol.RequestID]*answer `json:"answers"`
	NextOutput uint64                         `json:"next_output"`
	Streams    map[protocol.OutputID]*stream  `json:"streams"`
	Displays   map[string][]protocol.OutputID `json:"displays"`
	Logs       map[protocol.CellID]*editLog   `json:"logs"`
	Bin        map[protocol.CellID]*binned    `json:"bin"`
	Outcomes   outcomes                       `json:"outcomes"`
	Base       base                           `json:"base"`

	Sends     []widgetSend                   `json:"sends,omitempty"`
	Captures  map[protocol.WidgetID]*capture `json:"captures,omitempty"`
	Capturing []protocol.WidgetID            `json:"capturing,omitempty"` // Output widgets at work, the one that began last at the end
}

func newPrivate() private {
	return private{
		Runs: map[protocol.RunID]*run{}, Prompts: map[protocol.RequestID]*prompt{},
		Answers: map[protocol.RequestID]*answer{}, Streams: map[protocol.OutputID]*stream{},
		Displays: map[string][]protocol.OutputID{}, Logs: map[protocol.CellID]*editLog{}, Bin: map[protocol.CellID]*binned{},
		Captures: map[protocol.WidgetID]*capture{},
	}
}

// step is what one input led to.
type step struct {
	facts   []protocol.Event // for the journal, private ones included
	events  []protocol.Event // the public ones, numbered without a gap up to pub.N
	blobs   []blob           // to be kept before the facts are written
	effects []effect         // to be performed after the facts of a command are written
}

type blob struct {
	hash string
	data []byte
}

func newCore(cfg coreConfig, notebook, epoch string) *core {
	return &core{
		cfg: cfg, priv: newPrivate(), dropped: map[protocol.CellID]int{}, owner: map[protocol.OutputID]protocol.CellID{},
		uncaught: map[protocol.WidgetID]bool{}, told: map[string]string{},
		pub: &protocol.State{
			Notebook: notebook, Epoch: epoch, Metadata: json.RawMessage("{}"), Cells: []*protocol.Cell{},
			Kernel: protocol.Kernel{State: protocol.KernelNone}, Queue: []protocol.CellID{}, Prompts: []protocol.Prompt{},
			Save: protocol.Save{State: protocol.Saved}, Bin: []protocol.BinEntry{},
		},
	}
}

// take returns what was collected since the last take.
func (c *core) take() step {
	out := c.out
	c.out = step{}
	return out
}

// emit makes e a fact.
func (c *core) emit(e protocol.Event) {
	e = c.evolve(e)
	c.out.facts = append(c.out.facts, e)
	if _, hidden := e.(fact); !hidden {
		c.out.events = append(c.out.events, e)
		if changesDocument(e) || c.completesText(e) {
			c.save.note(c.now)
		}
	}
}

func (c *core) effect(e effect) { c.out.effects = append(c.out.effects, e) }

// evolve is the only place that changes pub and priv. It returns the fact, completed: of a TextPut with Raw it works out the rest.
func (c *core) evolve(e protocol.Event) protocol.Event {
	c.snapshot = nil
	if f, hidden := e.(fact); hidden {
		f.apply(c)
		return e
	}
	c.pub.N++
	switch e := e.(type) {
	case protocol.TextPut:
		return c.putText(e)
	case protocol.CellRemoved:
		c.toBin(e)
	case protocol.CellAdded:
		c.outOfBin(e.Cell.ID)
	case protocol.OutputsCleared:
		c.forgetOutputs(e.CellID)
	case protocol.CellChanged:
		if e.CellType != "" && e.CellType != "code" {
			c.forgetOutputs(e.CellID)
		}
	case protocol.Edited:
		c.logEdit(e)
	case protocol.RunStarted:
		c.runStarted(e)
	case protocol.RunDone:
		c.runDone(e)
	case protocol.PromptClosed:
		delete(c.priv.Prompts, e.RequestID)
		c.idleSince = c.now // not while a person was asked
	case protocol.WidgetClosed:
		c.dropCapture(e.WidgetID)
	}
	c.pub.Apply(e)
	c.applyToBin(e)
	switch e := e.(type) {
	case protocol.OutputSet:
		c.ownOutput(e.CellID, e.Output)
	case protocol.CellAdded:
		c.ownOutputs(e.Cell)
	}
	return e
}

// state is the public state as it is now, shared and read only.
func (c *core) state() *protocol.State {
	if c.snapshot == nil {
		c.snapshot = c.pub.Clone()
	}
	return c.snapshot
}

// index is the cell's place in the list, -1 when there is none.
func (c *core) index(id protocol.CellID) int {
	return slices.IndexFunc(c.pub.Cells, func(cell *protocol.Cell) bool { return cell.ID == id })
}

func (c *core) notice(level, code, text string, cell protocol.CellID) {
	c.tell(protocol.Notice{Level: level, Code: code, Text: text, CellID: cell})
}

func millis(d time.Duration) int64 { return d.Milliseconds() }
