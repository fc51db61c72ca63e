package jupyter

import (
	"bytes"
	"encoding/json"

	"github.com/runnel-dev/runnel/internal/jsontext"
)

// Values of Status.ExecutionState.
const (
	StateStarting = "starting"
	StateBusy     = "busy"
	StateIdle     = "idle"
)

// Values of a reply's status.
const (
	StatusOK      = "ok"
	StatusError   = "error"
	StatusAborted = "aborted"
)

// ExecuteRequest asks the kernel to run code.
type ExecuteRequest struct {
	Code            string            `json:"code"`
	Silent          bool              `json:"silent"`
	StoreHistory    bool              `json:"store_history"`
	UserExpressions map[string]string `json:"user_expressions"`
	AllowStdin      bool              `json:"allow_stdin"`
	StopOnError     bool              `json:"stop_on_error"`
}

// ErrorContent is an exception: of an error message, or of a failed reply.
type ErrorContent struct {
	EName     string   `json:"ename"`
	EValue    string   `json:"evalue"`
	Traceback []string `json:"traceback"`
}

// ExecuteReply says how a run ended.
type ExecuteReply struct {
	Status          string                     `json:"status"`
	ExecutionCount  int                        `json:"execution_count"`
	Payload         []json.RawMessage          `json:"payload"`
	UserExpressions map[string]json.RawMessage `json:"user_expressions"`
	ErrorContent
}

// Payload is one thing a reply asks of the page: page, set_next_input, ...
type Payload struct {
	Source  string                     `json:"source"`
	Text    string                     `json:"text"`    // set_next_input
	Replace bool                       `json:"replace"` // set_next_input
	Data    map[string]json.RawMessage `json:"data"`    // page
	Start   int                        `json:"start"`   // page
}

// ExpressionValue is one entry of ExecuteReply.UserExpressions.
type ExpressionValue struct {
	Status   string                     `json:"status"`
	Data     map[string]json.RawMessage `json:"data"`
	Metadata map[string]json.RawMessage `json:"metadata"`
	ErrorContent
}

// Stream is text of the kernel's stdout or stderr.
type Stream struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// DecodeStream is Decode for what is printed, of which there may be much: an object of just these two members is read directly.
func DecodeStream(raw json.RawMessage) (Stream, error) {
	if s, ok := plainStream(raw); ok {
		return s, nil
	}
	return Decode[Stream](raw)
}

func plainStream(raw []byte) (s Stream, ok bool) {
	rest, first := bytes.CutPrefix(skipSpace(raw), []byte("{"))
	if !first {
		return s, false
	}
	var name, text bool
	for {
		key, after, ok := jsontext.Read(skipSpace(rest))
		after, colon := bytes.CutPrefix(skipSpace(after), []byte(":"))
		if !ok || !colon {
			return s, false
		}
		value, after, ok := jsontext.Read(skipSpace(after))
		switch {
		case !ok:
			return s, false
		case key == "name" && !name:
			s.Name, name = value, true
		case key == "text" && !text:
			s.Text, text = value, true
		default:
			return s, false
		}
		after, more := bytes.CutPrefix(skipSpace(after), []byte(","))
		if !more {
			return s, name && text && string(bytes.TrimRight(after, " \t\r\n")) == "}"
		}
		rest = after
	}
}

func skipSpace(raw []byte) []byte { return bytes.TrimLeft(raw, " \t\r\n") }

// Transient is what a display says beside what is kept.
type Transient struct {
	DisplayID string `json:"display_id"`
}

// DisplayData is one output in several media types; also update_display_data.
type DisplayData struct {
	Data      map[string]json.RawMessage `json:"data"`
	Metadata  json.RawMessage            `json:"metadata"`
	Transient Transient                  `json:"transient"`
}

// ExecuteResult is the value of a run's last expression.
type ExecuteResult struct {
	DisplayData
	ExecutionCount int `json:"execution_count"`
}

// DecodeDisplay is Decode for a display, whose pictures may be long: they are looked at once. The values of Data are parts of raw.
func DecodeDisplay(raw json.RawMessage) (DisplayData, error) {
	return decodeLong(raw, func(d *DisplayData) *DisplayData { return d })
}

// DecodeResult is Decode for a result, as DecodeDisplay is for a display.
func DecodeResult(raw json.RawMessage) (ExecuteResult, error) {
	return decodeLong(raw, func(r *ExecuteResult) *DisplayData { return &r.DisplayData })
}

func decodeLong[T any](raw json.RawMessage, display func(*T) *DisplayData) (T, error) {
	if data, rest, ok := longData(raw); ok {
		v, err := Decode[T](rest)
		if d := display(&v); err == nil && d.Data != nil && len(d.Data) == 0 {
			d.Data = data
			return v, nil
		}
	}
	return Decode[T](raw)
}

// longFrom is the size of a display, in bytes, for which reading it as a whole takes longer than finding its strings first.
const longFrom = 8 << 10

// longData takes the member data out of a long object that begins with it, where it holds strings only; rest is the object with {} in its place.
func longData(raw []byte) (data map[string]json.RawMessage, rest []byte, ok bool) {
	if len(raw) < longFrom {
		return nil, nil, false
	}
	in := scanner{at: skipSpace(raw), ok: true}
	in.take('{')
	if in.text(); string(in.last) != `"data"` {
		return nil, nil, false
	}
	in.take(':')
	in.take('{')
	data = map[string]json.RawMessage{}
	for more := true; more && in.ok; more = in.comma() {
		key, _, ok := jsontext.Read(in.at)
		in.text()
		in.take(':')
		in.text()
		in.ok = in.ok && ok
		data[key] = in.last
	}
	in.take('}')
	return data, append([]byte(`{"data":{}`), in.at...), in.ok
}

// scanner reads JSON from its begin; ok becomes false with the first thing that is not there, for good.
type scanner struct {
	at   []byte
	last []byte // the string that was read last, as it is spelled
	ok   bool
}

func (s *scanner) take(c byte) {
	if s.ok = s.ok && len(s.at) > 0 && s.at[0] == c; s.ok {
		s.at = skipSpace(s.at[1:])
	}
}

func (s *scanner) text() {
	rest, ok := jsontext.Skip(s.at)
	if s.ok = s.ok && ok; s.ok {
		s.last, s.at = s.at[:len(s.at)-len(rest)], skipSpace(rest)
	}
}

func (s *scanner) comma() bool {
	if len(s.at) == 0 || s.at[0] != ',' {
		return false
	}
	s.take(',')
	return true
}

// ClearOutput takes a cell's output away, at once or when the next comes.
type ClearOutput struct {
	Wait bool `json:"wait"`
}

// InputRequest is code waiting for a line from a person.
type InputRequest struct {
	Prompt   string `json:"prompt"`
	Password bool   `json:"password"`
	Thread   bool   `json:"runnel_thread"` // another than the main one: it may wait longer than its run lasts. Known with IPythonArgs only
}

// InputGone is the type of a message on stdin, of kernels with IPythonArgs: nobody waits any more for the answer to its parent.
const InputGone = "runnel_input_gone"

// Said is the type, and the topic, of a message on iopub, of kernels with IPythonArgs: all is said that came before the question whose
// metadata names its number. Two sockets have no order by themselves.
const Said = "runnel_said"

// SaidNumber is the number of a message that says so; 0: this is none.
func SaidNumber(frames [][]byte) uint64 {
	if len(frames) == 0 || string(frames[0]) != Said {
		return 0
	}
	m, _, err := Split(frames)
	if err != nil {
		return 0
	}
	said, _ := Decode[struct {
		Number uint64 `json:"number"`
	}](m.Content)
	return said.Number
}

// AfterNumber is the number that a message on stdin names; 0: it waits for none.
func AfterNumber(frames [][]byte) uint64 {
	m, _, err := Split(frames)
	if err != nil {
		return 0
	}
	after, _ := Decode[struct {
		Number uint64 `json:"runnel_after"`
	}](m.Metadata)
	return after.Number
}

// InputReply is that line, or EndOfInput: the code's input() ends in an EOFError with that reason.
type InputReply struct {
	Value  string `json:"value"`
	Reason string `json:"runnel_reason,omitempty"`
}

// EndOfInput is the value of a reply that is no answer.
const EndOfInput = "\x04"

// Status is a change of what the kernel does.
type Status struct {
	ExecutionState string `json:"execution_state"`
}

// ExecuteInput tells every client what runs.
type ExecuteInput struct {
	Code           string `json:"code"`
	ExecutionCount int    `json:"execution_count"`
}

// CompleteReply lists what could stand at the cursor. Positions count Unicode
// code points.
type CompleteReply struct {
	Status      string          `json:"status"`
	Matches     []string        `json:"matches"`
	CursorStart int             `json:"cursor_start"`
	CursorEnd   int             `json:"cursor_end"`
	Metadata    json.RawMessage `json:"metadata"`
}

// InspectReply is what the kernel knows of the name at the cursor.
type InspectReply struct {
	Status   string                     `json:"status"`
	Found    bool                       `json:"found"`
	Data     map[string]json.RawMessage `json:"data"`
	Metadata json.RawMessage            `json:"metadata"`
}

// HistoryReply is what was run before, in this kernel and in older ones. An entry is [session, line, input], or [session, line, [input, output]].
type HistoryReply struct {
	Status  string              `json:"status"`
	History [][]json.RawMessage `json:"history"`
}

// Inputs are the inputs alone, the oldest first.
func (h HistoryReply) Inputs() []string {
	out := make([]string, 0, len(h.History))
	for _, entry := range h.History {
		if len(entry) < 3 {
			continue
		}
		var text string
		if json.Unmarshal(entry[2], &text) != nil {
			var both []string
			if json.Unmarshal(entry[2], &both) != nil || len(both) == 0 {
				continue
			}
			text = both[0]
		}
		out = append(out, text)
	}
	return out
}

// LanguageInfo describes the kernel's language, for editor and file.
type LanguageInfo struct {
	Name           string          `json:"name"`
	Version        string          `json:"version"`
	MimeType       string          `json:"mimetype"`
	FileExtension  string          `json:"file_extension"`
	PygmentsLexer  string          `json:"pygments_lexer"`
	CodemirrorMode json.RawMessage `json:"codemirror_mode"` // a string or an object
}

// KernelInfoReply is the kernel's introduction.
type KernelInfoReply struct {
	Status                string       `json:"status"`
	ProtocolVersion       string       `json:"protocol_version"`
	Implementation        string       `json:"implementation"`
	ImplementationVersion string       `json:"implementation_version"`
	LanguageInfo          LanguageInfo `json:"language_info"`
	Banner                string       `json:"banner"`
	Debugger              bool         `json:"debugger"`
	SupportedFeatures     []string     `json:"supported_features"`
}

// ShutdownRequest ends the kernel; Restart only tells it why.
type ShutdownRequest struct {
	Restart bool `json:"restart"`
}
