package protocol

import "encoding/json"

// State is everything a client needs to show a notebook. Times are Unix milliseconds by the server's clock.
type State struct {
	Notebook string          `json:"notebook"` // path in the served folder, slashes
	Epoch    string          `json:"epoch"`
	N        uint64          `json:"n"` // number of the last event that is part of this state
	Metadata json.RawMessage `json:"metadata"`
	Cells    []*Cell         `json:"cells"`
	Kernel   Kernel          `json:"kernel"`
	Queue    []CellID        `json:"queue"` // cells with a queued run, in the order they will run; the running one is not in it
	Prompts  []Prompt        `json:"prompts"`
	Save     Save            `json:"save"`
	Bin      []BinEntry      `json:"bin"` // deleted cells that cell_restore can bring back, oldest first

	Widgets map[WidgetID]*Widget `json:"widgets,omitempty"`
}

// Cell is one cell. Version counts the edits of Source; a change set is against a version.
type Cell struct {
	ID             CellID          `json:"id"`
	Type           string          `json:"type"` // code, markdown, raw
	Source         string          `json:"source"`
	Version        int             `json:"version"`
	Metadata       json.RawMessage `json:"metadata"`
	Attachments    json.RawMessage `json:"attachments,omitempty"`
	ExecutionCount *int            `json:"execution_count"`
	Outputs        []*Output       `json:"outputs"`
	Run            *Run            `json:"run"` // the latest run this server knows, nil when there was none
}

// Run states.
const (
	StateQueued  = "queued"
	StateRunning = "running" // sent to the kernel; a prompt that waits is in State.Prompts
	StateDone    = "done"
)

// Terminal statuses of a run: exactly one of them ends it.
const (
	StatusOK          = "ok"
	StatusError       = "error"
	StatusInterrupted = "interrupted"
	StatusKernelDied  = "kernel_died"
	StatusLost        = "lost"
	StatusCancelled   = "cancelled" // taken out of the queue before it was sent; plain clients see "interrupted"
)

// Run is one run of one cell.
type Run struct {
	ID        RunID    `json:"id"`
	State     string   `json:"state"`
	Status    string   `json:"status,omitempty"` // set when State is done
	Reason    string   `json:"reason,omitempty"` // in words, for kernel_died, lost and cancelled
	Client    ClientID `json:"client,omitempty"`
	QueuedAt  int64    `json:"queued_at"`
	StartedAt int64    `json:"started_at,omitempty"`
	EndedAt   int64    `json:"ended_at,omitempty"`
}

// Output kinds.
const (
	KindStream  = "stream"  // Name, Text
	KindDisplay = "display" // Data, Metadata, DisplayID
	KindResult  = "result"  // the same and ExecutionCount
	KindError   = "error"   // Ename, Evalue, Traceback
	KindInput   = "input"   // Prompt, Value (empty when Password): what was asked and answered
)

// Output is one output of a cell. Rev counts replacements: an output with a lower or equal Rev is already applied.
type Output struct {
	ID   OutputID `json:"id"`
	Rev  int      `json:"rev"`
	Kind string   `json:"kind"`

	Name string `json:"name,omitempty"` // stdout or stderr
	Text *Text  `json:"text,omitempty"`

	Data           map[string]json.RawMessage `json:"data,omitempty"` // MIME type to value, or to a BlobRef
	Metadata       json.RawMessage            `json:"metadata,omitempty"`
	DisplayID      string                     `json:"display_id,omitempty"`
	ExecutionCount *int                       `json:"execution_count,omitempty"`

	Ename     string   `json:"ename,omitempty"`
	Evalue    string   `json:"evalue,omitempty"`
	Traceback []string `json:"traceback,omitempty"`

	Prompt   string `json:"prompt,omitempty"`
	Value    string `json:"value,omitempty"`
	Password bool   `json:"password,omitempty"`
}

// BlobRef stands in Output.Data for a value over InlineMax: {"runnel_blob":{...}}. It is served at
// /runnel/v1/blobs/<hash> with its media type.
type BlobRef struct {
	Blob struct {
		Hash string `json:"hash"` // sha256, hex
		Size int64  `json:"size"` // bytes
		JSON bool   `json:"json"` // the blob holds the JSON value; otherwise the text or the decoded base64 itself
	} `json:"runnel_blob"`
}

// Text is the kept text of a stream output after control characters were applied. Offsets and lengths are UTF-16
// code units. While Total <= HeadMax+TailMax, Head+Tail is all of it; then the middle is cut out and can be
// downloaded: /runnel/v1/outputs?notebook=...&output=... has the whole.
type Text struct {
	Head   string `json:"head"`
	Tail   string `json:"tail"`
	TailAt int64  `json:"tail_at"` // offset of Tail in the whole text; equals len(Head) while nothing is cut
	Total  int64  `json:"total"`

	headUnits        int64 // length of Head in units when it had headBytes bytes
	headBytes        int
	headBuf, tailBuf growth
}

// Kernel states.
const (
	KernelNone         = "none"
	KernelStarting     = "starting"
	KernelIdle         = "idle"
	KernelBusy         = "busy"
	KernelUnresponsive = "unresponsive" // alive, but has not answered its heartbeat; never killed for it
	KernelRestarting   = "restarting"
	KernelStopping     = "stopping"
	KernelDead         = "dead"
)

// Kernel is what a notebook runs on.
type Kernel struct {
	ID          string `json:"id"`
	Name        string `json:"name"` // the kernelspec's or environment's name
	DisplayName string `json:"display_name"`
	Language    string `json:"language"`
	Environment string `json:"environment,omitempty"` // where its interpreter lives, in words
	State       string `json:"state"`
	PID         int    `json:"pid,omitempty"`
	StartedAt   int64  `json:"started_at,omitempty"`
	Fresh       bool   `json:"fresh,omitempty"` // nothing was run on it yet: it has no variables to lose
	Death       *Death `json:"death,omitempty"` // set while dead: why
	Progress    string `json:"progress,omitempty"`
	Memory      int64  `json:"memory,omitempty"` // bytes, of the kernel and its children
}

// Death says how a kernel ended.
type Death struct {
	Text       string `json:"text"` // one sentence for a person
	ExitCode   int    `json:"exit_code"`
	Signal     string `json:"signal,omitempty"`
	OOM        bool   `json:"oom,omitempty"`
	PeakMemory int64  `json:"peak_memory,omitempty"` // bytes
	Stderr     string `json:"stderr,omitempty"`      // the end of what it wrote
	At         int64  `json:"at"`
}

// Prompt is an input() that waits.
type Prompt struct {
	RequestID RequestID `json:"request_id"`
	CellID    CellID    `json:"cell_id"`
	Prompt    string    `json:"prompt"`
	Password  bool      `json:"password"`
	OpenedAt  int64     `json:"opened_at"`
	Deadline  int64     `json:"deadline,omitempty"` // 0: never, or the clock stands still because nobody is connected
}

// Save states.
const (
	Saved       = "saved"
	Unsaved     = "unsaved"
	Saving      = "saving"
	SaveFailed  = "failed"  // Text says why; retried by itself
	SaveClashed = "clashed" // the file changed on disk too; both versions were kept, Text says where
)

// Save says how the file on disk relates to this state.
type Save struct {
	State string `json:"state"`
	Since int64  `json:"since"` // when this state began
	Text  string `json:"text,omitempty"`
	// ReadOnly: the file may not be written. What is changed is kept by the server, and saved when it may.
	ReadOnly bool `json:"read_only,omitempty"`
}

// BinEntry is a deleted cell that can be restored.
type BinEntry struct {
	CellID CellID `json:"cell_id"`
	At     int64  `json:"at"`
}
