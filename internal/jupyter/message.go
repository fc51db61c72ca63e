package jupyter

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Channel is one of a kernel's five sockets.
type Channel string

// The five channels, by the names that connection files and clients use.
const (
	Shell     Channel = "shell"
	Control   Channel = "control"
	Stdin     Channel = "stdin"
	IOPub     Channel = "iopub"
	Heartbeat Channel = "hb"
)

// ProtocolVersion is what our headers say. Kernels are never judged by theirs.
const ProtocolVersion = "5.4"

// Header says who sent a message, when, and of what type.
type Header struct {
	MsgID      string  `json:"msg_id"`
	Session    string  `json:"session"`
	Username   string  `json:"username"`
	Date       string  `json:"date"`
	MsgType    string  `json:"msg_type"`
	Version    string  `json:"version"`
	SubshellID *string `json:"subshell_id,omitempty"`
}

// Message is one message as it travels: routing frames, four JSON objects as
// their exact bytes, and binary buffers. Its slices alias what it was made from.
type Message struct {
	Identities [][]byte
	Header     json.RawMessage
	Parent     json.RawMessage
	Metadata   json.RawMessage
	Content    json.RawMessage
	Buffers    [][]byte
}

// ParseHeader reads the header. Missing, unknown and mistyped fields are
// tolerated; only a header that is not a JSON object is an error.
func (m Message) ParseHeader() (Header, error) {
	h, err := Decode[Header](m.Header)
	if err != nil {
		return Header{}, fmt.Errorf("header: %w", err)
	}
	return h, nil
}

// ParentHeader reads the parent's header; it is the zero Header when there is none.
func (m Message) ParentHeader() (Header, error) {
	if len(bytes.TrimSpace(m.Parent)) == 0 {
		return Header{}, nil
	}
	h, err := Decode[Header](m.Parent)
	if err != nil {
		return Header{}, fmt.Errorf("parent header: %w", err)
	}
	return h, nil
}

// NewMessage makes a message of ours, without identities, parent and buffers.
// A nil content is an empty object.
func NewMessage(session, msgID, msgType string, content any, now time.Time) (Message, error) {
	header, err := marshal(Header{
		MsgID: msgID, Session: session, Username: "runnel", MsgType: msgType,
		Date: now.UTC().Format("2006-01-02T15:04:05.000000Z"), Version: ProtocolVersion,
	})
	if err != nil {
		return Message{}, fmt.Errorf("%s header: %w", msgType, err)
	}
	body := json.RawMessage("{}")
	if content != nil {
		if body, err = marshal(content); err != nil {
			return Message{}, fmt.Errorf("%s content: %w", msgType, err)
		}
	}
	return Message{Header: header, Parent: json.RawMessage("{}"), Metadata: json.RawMessage("{}"), Content: body}, nil
}

// marshal writes JSON as kernels do: without escaping what only HTML minds.
func marshal(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

// Decode reads a JSON object leniently, as one must read what kernels of many
// makers send: fields of an unexpected type stay zero, unknown ones are ignored.
// An error means that raw is no JSON object.
func Decode[T any](raw json.RawMessage) (T, error) {
	var v T
	if b := bytes.TrimLeft(raw, " \t\r\n"); len(b) == 0 || b[0] != '{' {
		return v, fmt.Errorf("not a JSON object: %.40q", raw)
	}
	err := json.Unmarshal(raw, &v)
	var mistyped *json.UnmarshalTypeError
	if err != nil && !errors.As(err, &mistyped) {
		var zero T
		return zero, err
	}
	return v, nil
}
