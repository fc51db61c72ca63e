package session

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/runnel-dev/runnel/internal/jupyter"
	"github.com/runnel-dev/runnel/internal/protocol"
)

const (
	inputTimedOut     = "InputTimeout"
	inputTimedOutText = "Input request timed out"
)

// prompt is what the server knows of an input() that waits, or whose answer may not have reached the kernel yet.
type prompt struct {
	RunID    protocol.RunID  `json:"run_id"`
	Header   json.RawMessage `json:"header"` // of the request: parent of the answer
	Remains  int64           `json:"remains,omitempty"`
	Password bool            `json:"password,omitempty"`
	Stays    bool            `json:"stays,omitempty"` // when its run ends
}

func (f promptAsked) apply(c *core) {
	p := f.Prompt
	c.priv.Prompts[f.RequestID] = &p
}

// onStdin is what the kernel says on that channel.
func (c *core) onStdin(kind, parent string, msg jupyter.Message) {
	switch kind {
	case "input_request":
		c.inputRequest(parent, msg)
	case jupyter.InputGone:
		if p, open := c.openPrompt(protocol.RequestID(parent)); open {
			c.emit(protocol.PromptClosed{RequestID: p.RequestID, How: "ended"})
		}
	}
}

func (c *core) openPrompt(id protocol.RequestID) (protocol.Prompt, bool) {
	i := slices.IndexFunc(c.pub.Prompts, func(p protocol.Prompt) bool { return p.RequestID == id })
	if i < 0 {
		return protocol.Prompt{}, false
	}
	return c.pub.Prompts[i], true
}

// inputRequest opens a prompt, or answers it with what was typed ahead. What the main thread asks in a run is over when the run is, or
// when it asks the next; what others ask stays: threads, and whatever asks when the run has ended.
func (c *core) inputRequest(parent string, msg jupyter.Message) {
	in, err := jupyter.Decode[jupyter.InputRequest](msg.Content)
	h, headerErr := msg.ParseHeader()
	if err != nil || headerErr != nil || h.MsgID == "" {
		return
	}
	r, run, cell := c.asker(parent)
	if cell == "" {
		return
	}
	current := r != nil && r.ID == c.priv.Current
	stays := in.Thread || !current
	if r != nil {
		if !stays {
			c.closePrompts(r.ID, "ended")
		}
		c.freshen(r)
	}
	id := protocol.RequestID(h.MsgID)
	c.emit(promptAsked{RequestID: id, Prompt: prompt{RunID: run, Header: msg.Header, Remains: millis(c.cfg.inputTimeout), Password: in.Password, Stays: stays}})
	open := protocol.Prompt{RequestID: id, CellID: cell, Prompt: in.Prompt, Password: in.Password, OpenedAt: c.now}
	if c.cfg.inputTimeout > 0 && c.clients > 0 {
		open.Deadline = c.now + millis(c.cfg.inputTimeout)
	}
	c.emit(protocol.PromptOpened{Prompt: open})
	if current && len(c.typeAhead) > 0 {
		value := c.typeAhead[0]
		c.typeAhead = c.typeAhead[1:]
		c.answer(open, value, "")
	}
}

// asker finds the run that asks, and the cell where: that of a widget whose callback asks; that which ran last for a run that is not known
// any more, as its cell has run again. Only runs have an id.
func (c *core) asker(parent string) (*run, protocol.RunID, protocol.CellID) {
	if r := c.runOf(parent); r != nil {
		return r, r.ID, r.Cell
	}
	if cell, called := c.callbackCell(parent); called {
		return nil, "", cell
	}
	return nil, protocol.RunID(parent), c.priv.LastCell
}

// answer closes the prompt and sends the value. A password's value is in no fact.
func (c *core) answer(p protocol.Prompt, value string, client protocol.ClientID) {
	asked := c.priv.Prompts[p.RequestID]
	if asked == nil {
		return
	}
	shown := value
	if p.Password {
		shown = ""
	}
	c.showAnswered(p, asked.RunID, shown, client)
	a := answer{RunID: asked.RunID, Header: asked.Header, Prompt: p, Value: shown, Stays: asked.Stays}
	c.emit(answerGiven{RequestID: p.RequestID, Answer: a})
	c.effect(answerMessage(p.RequestID, a, value))
}

// showAnswered closes the prompt and puts it among the outputs of its run, unless the cell has run again and shows that run.
func (c *core) showAnswered(p protocol.Prompt, run protocol.RunID, shown string, client protocol.ClientID) {
	c.emit(protocol.PromptClosed{RequestID: p.RequestID, How: "answered", Client: client})
	r := c.priv.Runs[run]
	if r != nil && r.ClearNext {
		c.clearWaits(r, false)
		c.emit(protocol.OutputsCleared{CellID: r.Cell})
	}
	if r != nil || run == "" {
		c.addOutput(p.CellID, protocol.Output{Kind: protocol.KindInput, Prompt: p.Prompt, Value: shown, Password: p.Password})
	}
}

// endPrompt closes a prompt without an answer. The message that it returns makes its input() raise EOFError, for this reason.
func (c *core) endPrompt(p protocol.Prompt, asked *prompt, how, reason string) sendMessage {
	c.emit(protocol.PromptClosed{RequestID: p.RequestID, How: how})
	a := answer{RunID: asked.RunID, Header: asked.Header, Prompt: p, Value: jupyter.EndOfInput, Stays: asked.Stays, Reason: reason}
	c.emit(answerGiven{RequestID: p.RequestID, Answer: a})
	return answerMessage(p.RequestID, a, a.Value)
}

func answerMessage(id protocol.RequestID, a answer, value string) sendMessage {
	return sendMessage{ID: answerPrefix + string(id), Channel: jupyter.Stdin, MsgType: "input_reply", Parent: a.Header,
		Content: jupyter.InputReply{Value: value, Reason: a.Reason}}
}

// answer is one that may not have reached the kernel. Of a password it has no value: after a restart of the server that
// cannot be sent again, so the prompt is opened again.
type answer struct {
	RunID  protocol.RunID  `json:"run_id"`
	Header json.RawMessage `json:"header"`
	Prompt protocol.Prompt `json:"prompt"`
	Value  string          `json:"value,omitempty"`
	Stays  bool            `json:"stays,omitempty"`
	Reason string          `json:"reason,omitempty"` // why there is none
}

// secret: the value was typed at a password prompt.
func (a answer) secret() bool { return a.Prompt.Password && a.Reason == "" }

const (
	answerPrefix  = "input-"
	askAgainAfter = 2_000 // milliseconds after the kernel answers, so that all it had to say is here
)

func (f answerGiven) apply(c *core) {
	a := f.Answer
	c.priv.Answers[f.RequestID] = &a
}

func (f answerPassed) apply(c *core) { delete(c.priv.Answers, f.RequestID) }

// wasSent: the keeper has passed this to the kernel. An answer that is not known here is one of a server that ended before it had written
// it down: what it said is not known.
func (c *core) wasSent(id string) {
	request, ok := strings.CutPrefix(id, answerPrefix)
	if !ok {
		return
	}
	if c.priv.Answers[protocol.RequestID(request)] != nil {
		c.emit(answerPassed{RequestID: protocol.RequestID(request)})
		return
	}
	if p, open := c.openPrompt(protocol.RequestID(request)); open && c.priv.Prompts[p.RequestID] != nil {
		c.showAnswered(p, c.priv.Prompts[p.RequestID].RunID, "", "")
	}
}

// sendAnswersAgain is for the start of a server: the keeper passes on only what it has not.
func (c *core) sendAnswersAgain() {
	for _, id := range slices.Sorted(maps.Keys(c.priv.Answers)) {
		if a := c.priv.Answers[id]; !a.secret() {
			c.effect(answerMessage(id, *a, a.Value))
		} else {
			c.askAgain = c.now + askAgainAfter
		}
	}
}

// reopen asks again for passwords that the server before took but did not pass on.
func (c *core) reopen() {
	c.askAgain = 0
	for _, id := range slices.Sorted(maps.Keys(c.priv.Answers)) {
		a := c.priv.Answers[id]
		if !a.secret() {
			continue
		}
		c.emit(answerPassed{RequestID: id})
		c.emit(promptAsked{RequestID: id, Prompt: prompt{RunID: a.RunID, Header: a.Header, Remains: millis(c.cfg.inputTimeout), Password: true, Stays: a.Stays}})
		p := a.Prompt
		p.Deadline = 0
		c.emit(protocol.PromptOpened{Prompt: p})
		if c.clients > 0 {
			c.startClocks()
		}
		c.notice("warning", "password_again", "The server ended before the password reached the kernel. Type it again.", p.CellID)
	}
}

// inputReply is the command: the first answer wins. One that no prompt is open for waits for those of the run that is current; while none is,
// of the first that waits for its kernel.
func (c *core) inputReply(cmd protocol.Command) *reject {
	if cmd.RequestID != "" {
		p, open := c.openPrompt(cmd.RequestID)
		if !open {
			return rejectf(protocol.CodeAlreadyAnswered, "this prompt is closed: it was answered, timed out or its run ended")
		}
		c.answer(p, cmd.Value, cmd.Client)
		return nil
	}
	if len(c.pub.Prompts) > 0 {
		c.answer(c.pub.Prompts[0], cmd.Value, cmd.Client)
		return nil
	}
	if c.priv.Current == "" && len(c.priv.Order) == 0 {
		return rejectf(protocol.CodeNoPrompt, "nothing waits for an answer and nothing runs")
	}
	c.typeAhead = append(c.typeAhead, cmd.Value)
	return nil
}

func (c *core) promptExtend(cmd protocol.Command) *reject {
	p, open := c.openPrompt(cmd.RequestID)
	if !open {
		return rejectf(protocol.CodeNoPrompt, "this prompt is closed")
	}
	if cmd.Seconds <= 0 || cmd.Seconds > 7*24*3600 {
		return rejectf(protocol.CodeInvalid, "seconds must be between 1 and a week")
	}
	if p.Deadline > 0 {
		p.Deadline += int64(cmd.Seconds) * 1000
		c.emit(protocol.PromptChanged{Prompt: p})
	} else if asked := c.priv.Prompts[p.RequestID]; asked != nil && asked.Remains > 0 {
		more := *asked
		more.Remains += int64(cmd.Seconds) * 1000
		c.emit(promptAsked{RequestID: p.RequestID, Prompt: more})
	}
	return nil
}

// closePrompts closes what the run has open and does not stay; empty: what all have.
func (c *core) closePrompts(id protocol.RunID, how string) {
	for _, p := range slices.Clone(c.pub.Prompts) {
		if asked := c.priv.Prompts[p.RequestID]; asked == nil || id == "" || asked.RunID == id && !asked.Stays {
			c.emit(protocol.PromptClosed{RequestID: p.RequestID, How: how})
		}
	}
	for _, request := range slices.Sorted(maps.Keys(c.priv.Answers)) {
		if a := c.priv.Answers[request]; id == "" || a.RunID == id && !a.Stays {
			c.emit(answerPassed{RequestID: request})
		}
	}
}

// interruptPrompts closes what an interrupt does not reach: what threads of the run ask, and without one what all do that ran before.
// The messages that it returns end it.
func (c *core) interruptPrompts(r *run) (ends []sendMessage) {
	for _, p := range slices.Clone(c.pub.Prompts) {
		if asked := c.priv.Prompts[p.RequestID]; asked != nil && asked.Stays && (r == nil || asked.RunID == r.ID) {
			ends = append(ends, c.endPrompt(p, asked, "interrupted", "interrupted"))
		}
	}
	return ends
}

func (c *core) dropTypeAhead(cell protocol.CellID) {
	if n := len(c.typeAhead); n > 0 {
		c.notice("warning", "input_dropped", plural(uint64(n), "typed answer")+" not used: the run ended without asking.", cell)
		c.typeAhead = nil
	}
}

// startClocks and stopClocks: a prompt's time runs only while somebody can see it (P8).
func (c *core) startClocks() {
	for _, p := range slices.Clone(c.pub.Prompts) {
		if asked := c.priv.Prompts[p.RequestID]; asked != nil && asked.Remains > 0 && p.Deadline == 0 {
			p.Deadline = c.now + asked.Remains
			c.emit(protocol.PromptChanged{Prompt: p})
		}
	}
}

func (c *core) stopClocks() {
	for _, p := range slices.Clone(c.pub.Prompts) {
		if asked := c.priv.Prompts[p.RequestID]; asked != nil && p.Deadline > 0 {
			rest := *asked
			rest.Remains = max(p.Deadline-c.now, 1000)
			c.emit(promptAsked{RequestID: p.RequestID, Prompt: rest})
			p.Deadline = 0
			c.emit(protocol.PromptChanged{Prompt: p})
		}
	}
}

// promptTimeouts ends what nobody answered: a run that goes on is interrupted and ends in error; a thread has its input() raise EOFError.
func (c *core) promptTimeouts() {
	for _, p := range slices.Clone(c.pub.Prompts) {
		if p.Deadline == 0 || p.Deadline > c.now {
			continue
		}
		asked := c.priv.Prompts[p.RequestID]
		var ends []sendMessage
		if asked != nil && asked.Stays {
			ends = append(ends, c.endPrompt(p, asked, "timeout", inputTimedOutText))
		} else {
			c.emit(protocol.PromptClosed{RequestID: p.RequestID, How: "timeout"})
		}
		if r := c.current(); r != nil && (asked == nil || asked.RunID == r.ID) {
			c.emit(runMarked{RunID: r.ID, TimedOut: true})
			c.effect(interruptKernel{Then: ends})
			continue
		}
		for _, m := range ends {
			c.effect(m)
		}
	}
}
