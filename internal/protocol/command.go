package protocol

import "encoding/json"

// Command is what a client asks for. Which fields count depends on Type; the rest are ignored. Every command has a
// CmdID and gets exactly one Ack, after what it asked for is durable; the same CmdID is applied at most once, ever.
type Command struct {
	Type     string    `json:"type"`
	CmdID    CommandID `json:"cmd_id"`
	Notebook string    `json:"notebook"`
	Client   ClientID  `json:"client,omitempty"` // filled in by the gateway from the connection

	CellID  CellID   `json:"cell_id,omitempty"`
	CellIDs []CellID `json:"cell_ids,omitempty"` // run: these cells, in this order

	// execute: Code, when present, becomes the source first. A plain client's execute is this one too.
	Code *string `json:"code,omitempty"`

	// edit: Changes against Version. cell_insert: Index, CellType, Source, Metadata, Like. cell_move: Index. cell_change: CellType, Metadata.
	Version  int             `json:"version,omitempty"`
	Changes  json.RawMessage `json:"changes,omitempty"`
	Index    int             `json:"index,omitempty"`
	CellType string          `json:"cell_type,omitempty"`
	Source   string          `json:"source,omitempty"`
	Like     CellID          `json:"like,omitempty"` // cell_insert: a cell, of the bin too, whose outputs, count and attachments the new one gets
	Metadata json.RawMessage `json:"metadata,omitempty"`

	// input_reply, prompt_extend (Seconds more).
	RequestID RequestID `json:"request_id,omitempty"`
	Value     string    `json:"value,omitempty"`
	Seconds   int       `json:"seconds,omitempty"`

	// kernel_start, kernel_restart: Name (empty: as before, or the notebook's own). kernel_stop, kernel_restart: Force.
	Name  string `json:"name,omitempty"`
	Force bool   `json:"force,omitempty"`

	// widget_change: State or Content, with Buffers (in Data; an attribute of bytes is in these only); CellID shows the widget, Origin is the view.
	WidgetID WidgetID                   `json:"widget_id,omitempty"`
	State    map[string]json.RawMessage `json:"state,omitempty"`
	Content  json.RawMessage            `json:"content,omitempty"`
	Buffers  []WidgetBuffer             `json:"buffers,omitempty"`
	Origin   string                     `json:"origin,omitempty"`
}

// Command types.
const (
	CmdExecute       = "execute"        // run one cell; the source is Code if given
	CmdRun           = "run"            // run CellIDs in order, as one group that stops at the first error; empty: all code cells
	CmdCancel        = "cancel"         // take CellID out of the queue; empty: the whole queue
	CmdInterrupt     = "interrupt"      // interrupt what runs and empty the queue
	CmdInputReply    = "input_reply"    // answer RequestID (or the oldest prompt, or the next one: type-ahead)
	CmdPromptExtend  = "prompt_extend"  // more time for RequestID
	CmdEdit          = "edit"           // change a source
	CmdCellInsert    = "cell_insert"    // CellID may be chosen by the client
	CmdCellDelete    = "cell_delete"    // into the bin
	CmdCellRestore   = "cell_restore"   // CellID back from the bin, at Index
	CmdCellMove      = "cell_move"      // to Index of the list without it
	CmdCellChange    = "cell_change"    // CellType and or Metadata
	CmdClearOutputs  = "clear_outputs"  // of CellID; empty: of all
	CmdKernelStart   = "kernel_start"   // with Name
	CmdKernelRestart = "kernel_restart" // queued runs stay queued and run in order on the new kernel
	CmdKernelStop    = "kernel_stop"
	CmdWidgetChange  = "widget_change" // State of WidgetID, or a custom message Content, for the kernel
	CmdSave          = "save"          // now
)

// Ack statuses.
const (
	AckAccepted  = "accepted"
	AckDuplicate = "duplicate" // applied before; N says at which event it was done
	AckRejected  = "rejected"  // changed nothing; Code and Error say why
)

// Reject codes that a client acts on.
const (
	CodeInvalid         = "invalid"
	CodeUnknownCell     = "unknown_cell"
	CodeStale           = "stale"            // an edit against a version too old to rebase: show the unsent text
	CodeAlreadyAnswered = "already_answered" // another client was first
	CodeNoPrompt        = "no_prompt"
	CodeForbidden       = "forbidden"
	CodeUnavailable     = "unavailable" // nothing was changed; the same command may be sent again
	CodeStopping        = "stopping"    // a run, or a kernel, that a server which stops does not start: not to be sent again by itself
	CodeTooLarge        = "too_large"
	CodeUnauthorized    = "unauthorized"
	CodeNotFound        = "not_found"
	CodeInternal        = "internal"
)

// Ack answers a command.
type Ack struct {
	Type     string    `json:"type"` // "ack"
	CmdID    CommandID `json:"cmd_id"`
	Notebook string    `json:"notebook"`
	Status   string    `json:"status"`
	N        uint64    `json:"n"`
	Code     string    `json:"code,omitempty"`
	Error    string    `json:"error,omitempty"`
}
