package protocol

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Subscription asks for one notebook's events. Sub is the client's own name for it; two subscriptions of one notebook on one
// connection are independent.
type Subscription struct {
	Sub      string `json:"sub"`
	Notebook string `json:"notebook"`
	Epoch    string `json:"epoch,omitempty"`
	N        uint64 `json:"n,omitempty"`
}

// Frames from a client of Runnel's own kind, beside commands. The first message on the connection is Hello.
type (
	// Hello greets. Unacked commands are sent again after the welcome, by the client.
	Hello struct {
		Type          string         `json:"type"` // "hello"
		Protocol      int            `json:"protocol"`
		ClientID      ClientID       `json:"client_id"`
		Subscriptions []Subscription `json:"subscriptions"`
	}
	// Subscribe adds one subscription, or moves it: also how a client asks again after a gap.
	Subscribe struct {
		Type string `json:"type"` // "subscribe"
		Subscription
	}
	// Unsubscribe ends one.
	Unsubscribe struct {
		Type string `json:"type"` // "unsubscribe"
		Sub  string `json:"sub"`
	}
	// Request asks the kernel something that changes nothing and is not kept: kind complete, inspect or history (what was
	// run before; without Code), answered by Response within 2 s or with an error. Cursor is in UTF-16 code units.
	Request struct {
		Type      string `json:"type"` // "request"
		RequestID string `json:"req_id"`
		Notebook  string `json:"notebook"`
		Kind      string `json:"kind"`
		Code      string `json:"code"`
		Cursor    int    `json:"cursor"`
		Detail    int    `json:"detail,omitempty"`
	}
	// Ping goes both ways every 10 s; Tops is set by the server.
	Ping struct {
		Type string            `json:"type"` // "ping"
		Time int64             `json:"time"`
		Tops map[string]uint64 `json:"tops,omitempty"` // sub to the number of the last event there is
	}
)

// Frames from the server.
type (
	// Welcome answers Hello.
	Welcome struct {
		Type      string   `json:"type"` // "welcome"
		Protocol  int      `json:"protocol"`
		ServerID  string   `json:"server_id"` // new at each start of the server
		Version   string   `json:"version"`   // of the server; another one than the page was built with means: reload when convenient
		Time      int64    `json:"time"`
		Heartbeat int      `json:"heartbeat_ms"`
		Caps      []string `json:"caps"`
	}
	// Resume says the events after the client's own n follow.
	Resume struct {
		Type     string `json:"type"` // "resume"
		Sub      string `json:"sub"`
		Notebook string `json:"notebook"`
		Epoch    string `json:"epoch"`
		From     uint64 `json:"from"` // number of the first event that follows
	}
	// Snapshot replaces the client's state. While More is true, Parts follow; the state is shown as it grows and is whole at More false.
	Snapshot struct {
		Type  string `json:"type"` // "snapshot"
		Sub   string `json:"sub"`
		State *State `json:"state"` // Cells may be the first few only
		Cells int    `json:"cells"` // how many there are in all
		More  bool   `json:"more"`
	}
	// SnapshotPart carries further cells; or further outputs of the cell CellID; or a piece of a long text: of an output when
	// OutputID is set ([Text.Fill]), else of the source of CellID; or models of widgets.
	SnapshotPart struct {
		Type     string    `json:"type"` // "snapshot_part"
		Sub      string    `json:"sub"`
		Cells    []*Cell   `json:"cells,omitempty"` // appended
		CellID   CellID    `json:"cell_id,omitempty"`
		Outputs  []*Output `json:"outputs,omitempty"` // appended
		OutputID OutputID  `json:"output_id,omitempty"`
		At       int64     `json:"at,omitempty"`   // where Text stands in an output's text
		Text     string    `json:"text,omitempty"` // appended to a source
		More     bool      `json:"more"`

		Widgets map[WidgetID]*Widget `json:"widgets,omitempty"` // added
	}
	// Gone says there is no such notebook for this client (any more).
	Gone struct {
		Type     string `json:"type"` // "gone"
		Sub      string `json:"sub"`
		Notebook string `json:"notebook"`
		Code     string `json:"code"`
		Reason   string `json:"reason"`
	}
	// Events carries the events From..N. Events may be fewer than N-From+1: neighbours that one event says as well are joined.
	// The client checks From == its n + 1, applies all, and is at N.
	Events struct {
		Type     string            `json:"type"` // "events"
		Sub      string            `json:"sub"`
		Notebook string            `json:"notebook"`
		Epoch    string            `json:"epoch"`
		From     uint64            `json:"from"`
		N        uint64            `json:"n"`
		Events   []json.RawMessage `json:"events"`
	}
	// Response answers Request. Matches are of complete and history (the oldest first), Start/End of complete (UTF-16), Data of inspect.
	Response struct {
		Type      string                     `json:"type"` // "response"
		RequestID string                     `json:"req_id"`
		Error     string                     `json:"error,omitempty"`
		Matches   []string                   `json:"matches,omitempty"`
		Start     int                        `json:"start,omitempty"`
		End       int                        `json:"end,omitempty"`
		Metadata  json.RawMessage            `json:"metadata,omitempty"`
		Data      map[string]json.RawMessage `json:"data,omitempty"`
	}
	// Error answers a message that could not be understood or allowed. The connection stays.
	Error struct {
		Type  string `json:"type"` // "error"
		Error string `json:"error"`
		Code  string `json:"code"`
	}
)

// Close codes (4000-4999 are the application's) and what a client does.
const (
	CloseRestarting   = 4000 // come back soon, with jitter
	CloseSlow         = 4001 // did not read: come back and resume
	CloseUnauthorized = 4002 // log in again, then come back
	CloseReload       = 4003 // this page's protocol is no longer spoken: reload
	CloseRefused      = 4004 // do not come back: the reason says why
	CloseSilent       = 4005 // nothing heard for 25 s: come back
)

// encodeTagged marshals v, a struct, with "type" first.
func encodeTagged(tag string, v any) (json.RawMessage, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("encode %s: %w", tag, err)
	}
	body := bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
	out := make([]byte, 0, len(body)+len(tag)+12)
	out = append(out, `{"type":"`...)
	out = append(out, tag...)
	out = append(out, '"')
	if len(body) > 2 {
		out = append(out, ',')
	}
	return append(out, body[1:]...), nil
}
