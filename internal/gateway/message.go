package gateway

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode"
	"unicode/utf8"

	"golang.org/x/time/rate"

	"github.com/runnel-dev/runnel/internal/protocol"
)

// A client may send this many messages at once, and this many a second for ever; beyond, its reads wait.
const (
	messageBurst = 2000
	messageRate  = 500
)

func newLimiter() *rate.Limiter { return rate.NewLimiter(messageRate, messageBurst) }

// message is what a client said: its type, and the whole for who knows the type.
type message struct {
	Type string
	data []byte
}

// problem is why a message is refused.
type problem struct{ code, text string }

// Codes of P9 that no ack has.
const (
	codeUnknownType  = "unknown_type"
	codeMissingField = "missing_field"
)

func invalid(format string, args ...any) *problem {
	return &problem{protocol.CodeInvalid, fmt.Sprintf(format, args...)}
}

func missing(field string) *problem {
	return &problem{codeMissingField, fmt.Sprintf("the field %q is missing", field)}
}

func unknownType(kind string) *problem {
	return &problem{codeUnknownType, fmt.Sprintf("there is no message type %.40q", kind)}
}

func parse(data []byte) (message, *problem) {
	var tag struct {
		Type json.RawMessage `json:"type"`
	}
	err := json.Unmarshal(data, &tag)
	if _, ok := err.(*json.UnmarshalTypeError); ok || err == nil && !bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{")) {
		return message{}, invalid("the message is not a JSON object")
	}
	if err != nil {
		return message{}, invalid("the message is not JSON")
	}
	if tag.Type == nil {
		return message{}, missing("type")
	}
	m := message{data: data}
	if err := json.Unmarshal(tag.Type, &m.Type); err != nil || string(tag.Type) == "null" {
		return message{}, invalid("the field \"type\" is not a string")
	}
	return m, nil
}

// decode reads the message's fields into v; a field of the wrong JSON type is named.
func (m message) decode(v any) *problem {
	err := json.Unmarshal(m.data, v)
	if err == nil {
		return nil
	}
	if e, ok := err.(*json.UnmarshalTypeError); ok && e.Field != "" {
		return invalid("the field %q is a JSON %s, which it may not be", e.Field, e.Value)
	}
	return invalid("the message's fields are not what %q needs", m.Type)
}

// maxID is the most bytes of an id that a client may choose.
const maxID = 255

// checkID says what is wrong with an id chosen by a client.
func checkID(field, id string) *problem {
	if len(id) > maxID {
		return invalid("the field %q is over %d bytes", field, maxID)
	}
	if !utf8.ValidString(id) {
		return invalid("the field %q is not valid text", field)
	}
	for _, r := range id {
		if unicode.IsControl(r) {
			return invalid("the field %q has control characters", field)
		}
	}
	return nil
}
