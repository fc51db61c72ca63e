package gateway

import (
	"encoding/json"
	"io"
	"strings"

	"github.com/runnel-dev/runnel/internal/jsontext"
	"github.com/runnel-dev/runnel/internal/protocol"
	"github.com/runnel-dev/runnel/internal/session"
)

// teller turns a session's events into the fixed shapes. It is used by the goroutine that follows the notebook.
type teller struct {
	p       *plain
	current map[protocol.CellID]protocol.RunID               // the run whose output a cell shows
	names   map[protocol.CellID]map[protocol.OutputID]string // of stream outputs: stdout or stderr
	kernel  string                                           // the state that the kernel was in last
	buf     []byte
}

// lastError is the end of a run that went wrong (P5).
type lastError struct {
	Type      string          `json:"type"` // "error"
	CellID    protocol.CellID `json:"cell_id"`
	RunID     protocol.RunID  `json:"run_id"`
	Error     string          `json:"error"`
	IsLast    bool            `json:"is_last"`
	Status    string          `json:"status"`
	Ename     string          `json:"ename"`
	Traceback []string        `json:"traceback"`
	Count     *int            `json:"execution_count,omitempty"`
	Code      string          `json:"code,omitempty"`
}

// lastOutput is the end of a run that went well (P5).
type lastOutput struct {
	Type    string          `json:"type"` // "output"
	CellID  protocol.CellID `json:"cell_id"`
	RunID   protocol.RunID  `json:"run_id"`
	Content string          `json:"content"`
	IsLast  bool            `json:"is_last"`
	Result  struct {
		Status    string          `json:"status"`
		Count     *int            `json:"execution_count"`
		Variables json.RawMessage `json:"variables"`
	} `json:"result"`
}

// inputRequest is P6.
type inputRequest struct {
	Type      string             `json:"type"` // "input_request"
	Prompt    string             `json:"prompt"`
	CellID    protocol.CellID    `json:"cell_id"`
	RunID     protocol.RunID     `json:"run_id,omitempty"`
	RequestID protocol.RequestID `json:"request_id"`
	Password  bool               `json:"password"`
}

// bundle is an output of a kind that a plain client may ignore (P4).
type bundle struct {
	Type      string                     `json:"type"` // display_data, update_display_data, execute_result
	CellID    protocol.CellID            `json:"cell_id"`
	RunID     protocol.RunID             `json:"run_id,omitempty"`
	OutputID  protocol.OutputID          `json:"output_id"`
	Data      map[string]json.RawMessage `json:"data"`
	Metadata  json.RawMessage            `json:"metadata,omitempty"`
	DisplayID string                     `json:"display_id,omitempty"`
	Count     *int                       `json:"execution_count,omitempty"`
}

// about is a small message about a cell or a prompt that a plain client may ignore.
type about struct {
	Type      string             `json:"type"` // clear_output, input_closed
	CellID    protocol.CellID    `json:"cell_id,omitempty"`
	RequestID protocol.RequestID `json:"request_id,omitempty"`
	How       string             `json:"how,omitempty"`
}

// kernelNews is what has become of the kernel (P10).
type kernelNews struct {
	Type   string `json:"type"`  // kernel
	State  string `json:"state"` // dead, restarting or none
	Reason string `json:"reason,omitempty"`
}

func newTeller(p *plain) *teller {
	return &teller{p: p, current: map[protocol.CellID]protocol.RunID{}, names: map[protocol.CellID]map[protocol.OutputID]string{}}
}

// tell sends what a batch says; false means the connection is over.
func (t *teller) tell(b session.Batch) bool {
	if b.Snapshot != nil && !t.begin(b.Snapshot) {
		return false
	}
	for _, event := range b.Events {
		if !t.event(event) {
			return false
		}
	}
	return true
}

// begin takes up the state as it was when the client connected: the open prompts are shown to it (P6).
func (t *teller) begin(s *protocol.State) bool {
	for _, cell := range s.Cells {
		if cell.Run != nil {
			t.current[cell.ID] = cell.Run.ID
		}
		for _, o := range cell.Outputs {
			if o.Kind == protocol.KindStream {
				t.name(cell.ID, o)
			}
		}
	}
	for _, prompt := range s.Prompts {
		if !t.prompt(prompt) {
			return false
		}
	}
	t.kernel = s.Kernel.State
	return t.kernel != protocol.KernelDead || t.lost(s.Kernel)
}

func (t *teller) event(event protocol.Event) bool {
	switch e := event.(type) {
	case protocol.TextPut:
		return t.text(e.CellID, t.names[e.CellID][e.OutputID], e.Raw)
	case protocol.RunStarted:
		t.p.forget(t.current[e.CellID])
		t.current[e.CellID] = e.RunID
		return true
	case protocol.OutputSet:
		return t.output(e.CellID, e.Output)
	case protocol.OutputsCleared:
		delete(t.names, e.CellID)
		return t.p.c.sendJSON(about{Type: "clear_output", CellID: e.CellID})
	case protocol.RunDone:
		return t.done(e)
	case protocol.PromptOpened:
		return t.prompt(e.Prompt)
	case protocol.PromptClosed:
		return t.p.c.sendJSON(about{Type: "input_closed", RequestID: e.RequestID, How: e.How})
	case protocol.KernelChanged:
		before := t.kernel
		t.kernel = e.Kernel.State
		return t.kernel == before || t.lost(e.Kernel)
	case protocol.Notice:
		return t.notice(e)
	}
	return true
}

// maxContent is the most bytes of text in one message; escaped, it stays under protocol.MaxFrame.
const maxContent = 128 << 10

// text sends printed text (P3).
func (t *teller) text(cell protocol.CellID, name, text string) bool {
	run := t.current[cell]
	form := t.p.formOf(run)
	for text != "" {
		n := cutText(text, maxContent)
		out := append(t.buf[:0], `{"type":`...)
		if form == asStream {
			out = append(out, `"stream_output","cell_id":`...)
		} else {
			out = append(out, `"output","is_last":false,"cell_id":`...)
		}
		out = jsontext.Append(out, string(cell))
		out = append(out, `,"content":`...)
		out = jsontext.Append(out, text[:n])
		out = append(out, `,"name":`...)
		out = jsontext.Append(out, name)
		if run != "" {
			out = append(out, `,"run_id":`...)
			out = jsontext.Append(out, string(run))
		}
		out = append(out, '}')
		if !t.p.c.send(out) {
			return false
		}
		if t.buf = out; cap(out) > 64<<10 {
			t.buf = nil
		}
		text = text[n:]
	}
	return true
}

func (t *teller) output(cell protocol.CellID, o *protocol.Output) bool {
	switch o.Kind {
	case protocol.KindStream:
		_, known := t.names[cell][o.ID]
		t.name(cell, o)
		if !known && o.Text != nil {
			return t.text(cell, o.Name, o.Text.Head+o.Text.Tail)
		}
		return true
	case protocol.KindResult:
		if text := t.plainText(o.Data["text/plain"]); text != "" && o.Rev == 0 && !t.text(cell, "stdout", strings.TrimSuffix(text, "\n")+"\n") {
			return false
		}
		return t.p.c.sendJSON(t.bundle("execute_result", cell, o))
	case protocol.KindDisplay:
		kind := "display_data"
		if o.Rev > 0 {
			kind = "update_display_data"
		}
		return t.p.c.sendJSON(t.bundle(kind, cell, o))
	}
	return true
}

func (t *teller) name(cell protocol.CellID, o *protocol.Output) {
	if t.names[cell] == nil {
		t.names[cell] = map[protocol.OutputID]string{}
	}
	t.names[cell][o.ID] = o.Name
}

func (t *teller) bundle(kind string, cell protocol.CellID, o *protocol.Output) bundle {
	return bundle{Type: kind, CellID: cell, RunID: t.current[cell], OutputID: o.ID, Data: o.Data, Metadata: o.Metadata,
		DisplayID: o.DisplayID, Count: o.ExecutionCount}
}

// plainText is the text of a MIME value: a string, lines, or a reference to a blob.
func (t *teller) plainText(value json.RawMessage) string {
	if value == nil {
		return ""
	}
	var text string
	if json.Unmarshal(value, &text) == nil {
		return text
	}
	var lines []string
	if json.Unmarshal(value, &lines) == nil {
		return strings.Join(lines, "")
	}
	var ref protocol.BlobRef
	if t.p.c.p.Blob == nil || json.Unmarshal(value, &ref) != nil || ref.Blob.Hash == "" {
		return ""
	}
	r, err := t.p.c.p.Blob(t.p.ctx, ref.Blob.Hash)
	if err != nil {
		t.p.c.p.Logger.Warn("a big result could not be read", "hash", ref.Blob.Hash, "reason", err)
		return ""
	}
	defer func() { _ = r.Close() }()
	data, err := io.ReadAll(io.LimitReader(r, maxBlobText))
	if err != nil {
		t.p.c.p.Logger.Warn("a big result could not be read", "hash", ref.Blob.Hash, "reason", err)
	}
	if ref.Blob.JSON {
		return t.plainText(data)
	}
	return string(data)
}

// maxBlobText is the most bytes of a result's text that a plain client is sent.
const maxBlobText = 64 << 20

func (t *teller) prompt(p protocol.Prompt) bool {
	return t.p.c.sendJSON(inputRequest{Type: "input_request", Prompt: p.Prompt, CellID: p.CellID, RunID: t.current[p.CellID],
		RequestID: p.RequestID, Password: p.Password})
}

// done sends the one last message of a run (P5).
func (t *teller) done(e protocol.RunDone) bool {
	t.p.mu.Lock()
	told := t.p.ended[e.RunID]
	if t.current[e.CellID] != e.RunID { // else it may still print, by its threads
		delete(t.p.own, e.RunID)
	}
	delete(t.p.ended, e.RunID)
	t.p.mu.Unlock()
	if told {
		return true
	}
	if e.Status == protocol.StatusOK {
		last := lastOutput{Type: "output", CellID: e.CellID, RunID: e.RunID, IsLast: true}
		last.Result.Status, last.Result.Count, last.Result.Variables = e.Status, e.Count, e.Variables
		if e.Variables == nil {
			last.Result.Variables = json.RawMessage("{}")
		}
		return t.p.c.sendJSON(last)
	}
	last := lastError{Type: "error", CellID: e.CellID, RunID: e.RunID, Error: errorText(e), IsLast: true, Status: e.Status,
		Ename: e.Ename, Traceback: e.Traceback, Count: e.Count}
	if last.Status == protocol.StatusCancelled {
		last.Status = protocol.StatusInterrupted
	}
	if last.Traceback == nil {
		last.Traceback = []string{}
	}
	return t.p.c.sendJSON(last)
}

// errorText is what went wrong, in the exception's own words when there are any.
func errorText(e protocol.RunDone) string {
	for _, text := range []string{e.Reason, e.Evalue, e.Ename} {
		if text != "" {
			return text
		}
	}
	return e.Status
}

// lost tells that what the code has made is gone, when the kernel's state says that.
func (t *teller) lost(k protocol.Kernel) bool {
	news := kernelNews{Type: "kernel", State: k.State}
	switch k.State {
	case protocol.KernelDead:
		if k.Death != nil {
			news.Reason = k.Death.Text
		}
	case protocol.KernelRestarting, protocol.KernelNone:
	default:
		return true
	}
	return t.p.c.sendJSON(news)
}

// notice tells what this client must know: that what it typed ahead was not used (P7).
func (t *teller) notice(e protocol.Notice) bool {
	t.p.mu.Lock()
	typed := t.p.typed
	t.p.mu.Unlock()
	if e.Code == codeInputDropped && typed {
		t.p.c.fail(e.Code, e.Text)
	}
	return true
}

// codeInputDropped is the notice of an answer that no prompt took.
const codeInputDropped = "input_dropped"
