package session

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/runnel-dev/runnel/internal/files"
	"github.com/runnel-dev/runnel/internal/journal"
	"github.com/runnel-dev/runnel/internal/jupyter"
	"github.com/runnel-dev/runnel/internal/notebook"
	"github.com/runnel-dev/runnel/internal/protocol"
)

// Errors of cursors.
var (
	// ErrSlow ends a plain cursor that fell out of the tail.
	ErrSlow = errors.New("too slow: events that this client has not read are gone")
	// ErrClosed ends a cursor that was closed, or whose session was.
	ErrClosed = errors.New("session closed")
)

// Session is one open notebook. Its methods may be called from any goroutine; what is marked so belongs to its loop.
type Session struct {
	hub    *Hub
	log    *slog.Logger
	id     journal.NotebookID
	tail   *tail
	writer *writer
	inputs chan func()
	said   chan said

	ctx      context.Context // the session's life
	cancel   context.CancelFunc
	saves    context.Context // of what it writes: it outlives ctx by lastSaves
	endSaves context.CancelFunc
	done     chan struct{} // closed when the loop has ended and everything is written
	wg       sync.WaitGroup

	mu        sync.Mutex // guards the next three
	connected int
	left      time.Time // when the last client left
	asks      map[string]chan protocol.Response

	// The loop's own.
	core     *core
	post     post // its own lock
	posted   chan struct{}
	path     files.Path
	moving   bool                            // to another path: what becomes of the file here says nothing
	handles  map[string]*handle              // the current kernel's, and those that have exited but not been acknowledged
	wasSaved bool                            // when the server before ended
	carried  *notebook.Document              // the version of the file read or written last
	opening  func() (json.RawMessage, error) // the snapshot to write before the first facts
}

// said is what a kernel said.
type said struct {
	handle *handle
	events []kernelEvent
}

// send passes an input to the loop; false when ctx or the session ended first.
func (s *Session) send(ctx context.Context, input func()) bool {
	select {
	case s.inputs <- input:
		return true
	case <-ctx.Done():
	case <-s.done:
	}
	return false
}

// call runs f in the loop and waits for it.
func (s *Session) call(ctx context.Context, f func()) error {
	ran := make(chan struct{})
	if !s.send(ctx, func() { f(); close(ran) }) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return ErrClosed
	}
	select {
	case <-ran:
		return nil
	case <-s.done:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-ran:
		return nil
	default:
		return ErrClosed
	}
}

// Do applies a command and returns its Ack when what it asked for is durable; rejected at once when it changes nothing. The same
// CmdID is applied at most once. An Ack with CodeUnavailable says nothing about whether it took effect: send it again.
func (s *Session) Do(ctx context.Context, cmd protocol.Command) protocol.Ack {
	var ack protocol.Ack
	var ticket uint64
	err := s.call(ctx, func() {
		s.core.ending = s.hub.ending.Load()
		ack = s.core.command(cmd)
		ticket = s.commit(reachedNone, true)
	})
	if err == nil && ack.Status == protocol.AckRejected {
		return ack
	}
	if err == nil {
		err = s.writer.wait(ctx, ticket, false)
	}
	if err == nil {
		err = s.hub.cfg.Journal.Sync(ctx)
	}
	if err != nil {
		return protocol.Ack{Type: "ack", CmdID: cmd.CmdID, Notebook: cmd.Notebook, Status: protocol.AckRejected,
			Code: protocol.CodeUnavailable, Error: "The server could not make this durable; it will be sent again."}
	}
	return ack
}

// Top is where the session's events have got to.
func (s *Session) Top() (epoch string, n uint64) {
	s.tail.mu.Lock()
	defer s.tail.mu.Unlock()
	return s.tail.epoch, s.tail.top
}

// State is the state as it is now, shared and read only.
func (s *Session) State(ctx context.Context) (*protocol.State, error) {
	var state *protocol.State
	if err := s.call(ctx, func() { state = s.core.state() }); err != nil {
		return nil, err
	}
	return state, nil
}

// count says that a client came or went.
func (s *Session) count(delta int) {
	s.mu.Lock()
	s.connected += delta
	if s.connected == 0 {
		s.left = time.Now()
	}
	s.mu.Unlock()
	s.wg.Go(func() { // Close must not wait for the loop
		s.send(s.ctx, func() { s.core.clientsChanged(s.clients()) })
	})
}

func (s *Session) clients() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.connected
}

// How many inputs of a kernel's history a person can step through, and of what size together.
const (
	maxHistory      = 500
	maxHistoryBytes = 256 << 10
)

// newest are the last texts that have room, in their order.
func newest(texts []string, room int) []string {
	from := len(texts)
	for from > 0 && len(texts[from-1]) <= room {
		from--
		room -= len(texts[from])
	}
	return texts[from:]
}

// askTimeout is how long a kernel may take to complete or inspect; one that runs code answers later or never.
const askTimeout = 2 * time.Second

// Ask asks the kernel something that changes nothing and is not kept.
func (s *Session) Ask(ctx context.Context, r protocol.Request) protocol.Response {
	fail := func(text string) protocol.Response {
		return protocol.Response{Type: "response", RequestID: r.RequestID, Error: text}
	}
	if r.Kind != "complete" && r.Kind != "inspect" && r.Kind != "history" {
		return fail("there is no request of kind " + r.Kind)
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	id := "ask-" + s.hub.newID()
	answer := make(chan protocol.Response, 1)
	s.mu.Lock()
	s.asks[id] = answer
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.asks, id)
		s.mu.Unlock()
	}()
	posted := false
	err := s.call(ctx, func() {
		h := s.handles[s.core.priv.KernelID]
		if h == nil || !s.core.ready || s.core.priv.Current != "" {
			return
		}
		h.post(askMessage(id, r))
		posted = true
	})
	if err != nil || !posted {
		return fail("the kernel is busy or not running")
	}
	select {
	case out := <-answer:
		out.RequestID = r.RequestID
		out.Start, out.End = unitsOf(r.Code, out.Start), unitsOf(r.Code, out.End)
		return out
	case <-ctx.Done():
		return fail("the kernel did not answer in time")
	}
}

// askMessage: kernels count code points, clients UTF-16 units.
func askMessage(id string, r protocol.Request) sendMessage {
	if r.Kind == "history" {
		return sendMessage{ID: id, Channel: jupyter.Shell, MsgType: "history_request",
			Content: map[string]any{"hist_access_type": "tail", "n": maxHistory, "raw": true, "output": false}}
	}
	cursor := len([]rune(r.Code[:protocol.UTF16Offset(r.Code, max(r.Cursor, 0))]))
	content := map[string]any{"code": r.Code, "cursor_pos": cursor}
	if r.Kind == "inspect" {
		content["detail_level"] = r.Detail
	}
	return sendMessage{ID: id, Channel: jupyter.Shell, MsgType: r.Kind + "_request", Content: content}
}

// unitsOf is the place of a code point in UTF-16 units.
func unitsOf(code string, point int) int {
	units := 0
	for _, r := range code {
		if point--; point < 0 {
			break
		}
		units++
		if r > 0xFFFF {
			units++
		}
	}
	return units
}

// answered gives a reply to whoever asked; false when it was no such reply.
func (s *Session) answered(e kernelEvent) bool {
	if e.Channel != jupyter.Shell {
		return false
	}
	parent, err := e.Msg.ParentHeader()
	if err != nil || !strings.HasPrefix(parent.MsgID, "ask-") {
		return false
	}
	s.mu.Lock()
	answer := s.asks[parent.MsgID]
	delete(s.asks, parent.MsgID)
	s.mu.Unlock()
	if answer == nil {
		return true
	}
	out := protocol.Response{Type: "response"}
	switch messageType(e.Msg) {
	case "complete_reply":
		if c, err := jupyter.Decode[jupyter.CompleteReply](e.Msg.Content); err == nil {
			out.Matches, out.Start, out.End, out.Metadata = c.Matches, c.CursorStart, c.CursorEnd, c.Metadata
		}
	case "inspect_reply":
		if c, err := jupyter.Decode[jupyter.InspectReply](e.Msg.Content); err == nil && c.Found {
			out.Data = c.Data
		}
	case "history_reply":
		if c, err := jupyter.Decode[jupyter.HistoryReply](e.Msg.Content); err == nil {
			out.Matches = newest(c.Inputs(), maxHistoryBytes)
		}
	}
	answer <- out
	return true
}

// OutputText reads the whole text of a stream output, as far as it was kept: head, what was cut out, tail. fs.ErrNotExist when there
// is no such output.
func (s *Session) OutputText(ctx context.Context, id protocol.OutputID) (io.ReadCloser, error) {
	state, err := s.State(ctx)
	if err != nil {
		return nil, err
	}
	for _, cell := range state.Cells {
		o := cell.Output(id)
		if o == nil || o.Text == nil {
			continue
		}
		head, tail := strings.NewReader(o.Text.Head), strings.NewReader(o.Text.Tail)
		if o.Text.TailAt <= int64(protocol.UTF16Len(o.Text.Head)) {
			return io.NopCloser(io.MultiReader(head, tail)), nil
		}
		f, err := s.hub.cfg.Journal.OpenSpill(s.id, string(id))
		if err != nil {
			return nil, err
		}
		return readCloser{io.MultiReader(head, f, tail), f}, nil
	}
	return nil, errNoOutput
}

type readCloser struct {
	io.Reader
	io.Closer
}
