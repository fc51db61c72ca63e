// Package protocol is the language of the WebSocket between a Runnel server and its clients: commands, events,
// the state of a notebook, and the frames around them, as values with their JSON form.
//
// Its key idea: a client's state is a replica. [State] is what a snapshot holds, an [Event] is a numbered change of it,
// and State.Apply is the only way an event changes a state; the page does the same in TypeScript, checked
// against the same files in testdata/protocol.
//
// The rules are in docs/protocol.md (P1, P2, ...). The package holds no connection, no clock and no policy.
package protocol

// Version is the protocol's version, sent in hello and welcome. A server speaks it and the one before.
const Version = 1

// Limits that both sides know.
const (
	// MaxFrame is the most bytes a server puts in one WebSocket frame; larger values travel in parts or as blobs.
	MaxFrame = 1 << 20
	// MaxClientMessage is the most bytes a server accepts in one message from a client.
	MaxClientMessage = 16 << 20
	// InlineMax is the most bytes of one MIME value inside an event; a larger one is a blob.
	InlineMax = 256 << 10
)

// CellID names a cell within its notebook: 1 to 64 characters of [A-Za-z0-9_-], as nbformat 4.5 has it, though any
// short text without control characters that a file or a plain client brings is accepted.
type CellID string

// RunID names one run of one cell. It is the id of the command that asked for it, and the kernel's msg_id.
type RunID string

// CommandID is made by the client (UUIDv7) and kept until its ack.
type CommandID string

// OutputID names one output within a session; it never comes back after its output is gone.
type OutputID string

// WidgetID names the model of a widget: the id of its comm.
type WidgetID string

// RequestID names one input() prompt.
type RequestID string

// ClientID names one page (or plain connection), made anew at each page load.
type ClientID string

// OverHTTP is the client of commands that came by a request of their own (H6): from the command line, or a program.
const OverHTTP ClientID = "http"
