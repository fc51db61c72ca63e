package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/runnel-dev/runnel/internal/plainclient"
)

// rule is one thing a plain client may rely on.
type rule struct {
	rule, name string
	holds      func(context.Context, *trial) error
}

var rules = []rule{
	{"P1", "a name that is no notebook's is refused, and the connection stays", refusesName},
	{"P2", "code runs in a cell that did not exist", runs},
	{"P2", "without a cell id the server chooses one", choosesCell},
	{"P2", "a cell id may be one that a file cannot have", namesCells},
	{"P3", "streaming: text comes as stream_output with its name", streams},
	{"P3", "no streaming: text comes as output that is not the last", doesNotStream},
	{"P3", "control characters stay in the text", controls},
	{"P4", "the value of the last expression comes as text", value},
	{"P5", "a good run ends once, with count and variables", endsWell},
	{"P5", "a failed run ends once, with the exception's own text", endsBadly},
	{"P5", "a syntax error comes before any line has run", syntaxError},
	{"P5", "so does one that only Python's compiler finds", compilerError},
	{"P5", "a run of a cell that waits keeps its place", queues},
	{"P6", "input() asks, getpass asks for a password", asks},
	{"P6", "text printed before input() comes before its prompt", comesAfter},
	{"P6", "a client that connects while a prompt waits sees it", sees},
	{"P6", "what a thread asks waits longer than its run, and for later runs", outlives},
	{"P7", "answers without a request id go to the oldest prompt", answers},
	{"P7", "answers ahead of the prompt wait for it", ahead},
	{"P7", "an answer nobody asked for is dropped, and said so", dropped},
	{"P7", "a second answer is refused", second},
	{"P9", "no JSON", bad("invalid", `{"type":`)},
	{"P9", "not an object", bad("invalid", `[1, 2]`)},
	{"P9", "an unknown type", bad("unknown_type", `{"type":"dance"}`)},
	{"P9", "no type", bad("missing_field unknown_type", `{"code":"1"}`)},
	{"P9", "execute without code", bad("missing_field", `{"type":"execute","cell_id":"x"}`)},
	{"P9", "code that is no string", bad("invalid", `{"type":"execute","cell_id":"x","code":7}`)},
	{"P9", "input_reply without a value", bad("missing_field", `{"type":"input_reply"}`)},
	{"P9", "a hostile cell id", bad("invalid", `{"type":"execute","cell_id":"a\u0000b","code":"1"}`)},
	{"P9", "fields nobody knows are ignored", extraFields},
	{"P10", "another client sees the run", observed},
	{"P3", "text of its run comes in the form that this client asked for last", formOfOthers},
	{"P10", "interrupt ends the run", interrupts},
	{"P10", "restart ends the run, closes the prompt and forgets the variables", restarts},
}

func runs(ctx context.Context, t *trial) error {
	o, err := t.run(ctx, "x = 6 * 7", nil)
	if err != nil {
		return err
	}
	return endedOK(o)
}

func endedOK(o outcome) error {
	if o.last.Type != "output" || o.last.Result == nil || o.last.Result.Status != "ok" || o.last.Content != "" {
		return fmt.Errorf("the run ended with %s", o.last.Raw)
	}
	return nil
}

func refusesName(ctx context.Context, t *trial) error {
	t.options.Notebook = "conformance.txt"
	c, err := t.connect(ctx)
	if err != nil {
		return err
	}
	if err := c.Execute(ctx, newCell(), "pass"); err != nil {
		return err
	}
	for range 2 { // of the name, and of the message
		m, err := c.Receive(ctx)
		if err != nil {
			return err
		}
		if m.Type != "error" || m.CellID != "" || m.Code != "invalid" || !strings.Contains(m.Error, ".ipynb") {
			return fmt.Errorf("it was answered %s", m.Raw)
		}
	}
	return nil
}

func namesCells(ctx context.Context, t *trial) error {
	for _, id := range []string{"/b c.", "-é😀", strings.Repeat("-long", 20)} {
		id = newCell() + id
		count := 0
		for _, code := range []string{"pass", "print(1)"} {
			last, err := t.client.Run(ctx, id, code, func(m plainclient.Message) error {
				if m.Type == "error" && m.CellID == "" {
					return fmt.Errorf("%q: %s", id, m.Raw)
				}
				if m.CellID == id && m.IsText() {
					count++
				}
				return nil
			})
			if err != nil {
				return err
			}
			if err := endedOK(outcome{last: last}); err != nil {
				return err
			}
		}
		if count == 0 {
			return fmt.Errorf("nothing printed came for the cell %q", id)
		}
	}
	return nil
}

// formOfOthers lets another client print, with and without streaming, once this one has asked for no streaming.
func formOfOthers(ctx context.Context, t *trial) error {
	if err := t.client.Send(ctx, map[string]any{"type": "execute", "cell_id": newCell(), "code": "pass"}); err != nil {
		return err
	}
	if _, err := t.client.Until(ctx, nil, func(m plainclient.Message) bool { return m.IsLast }); err != nil {
		return err
	}
	other, err := t.connect(ctx)
	if err != nil {
		return err
	}
	for _, streaming := range []bool{true, false} {
		cell := newCell()
		if err := other.Send(ctx, map[string]any{"type": "execute", "cell_id": cell, "code": "print(1)", "streaming": streaming}); err != nil {
			return err
		}
		if err := t.notStreamed(ctx, cell, "1\n"); err != nil {
			return err
		}
	}
	return nil
}

func choosesCell(ctx context.Context, t *trial) error {
	if err := t.client.Execute(ctx, "", "pass"); err != nil {
		return err
	}
	m, err := t.client.Until(ctx, nil, func(m plainclient.Message) bool { return m.IsLast || m.Type == "error" })
	if err != nil {
		return err
	}
	if m.CellID == "" {
		return fmt.Errorf("the run ended with %s", m.Raw)
	}
	return nil
}

func streams(ctx context.Context, t *trial) error {
	o, err := t.run(ctx, "import sys\nprint('a')\nprint('b', file=sys.stderr)", nil)
	if err != nil {
		return err
	}
	by := map[string]string{}
	for _, m := range o.messages {
		if m.Type == "stream_output" {
			by[m.Name] += m.Content
		} else if m.IsText() {
			return fmt.Errorf("text came as %s", m.Raw)
		}
	}
	if by["stdout"] != "a\n" || by["stderr"] != "b\n" {
		return fmt.Errorf("got %q", by)
	}
	return nil
}

func doesNotStream(ctx context.Context, t *trial) error {
	cell := newCell()
	if err := t.client.Send(ctx, map[string]any{"type": "execute", "cell_id": cell, "code": "print('a')"}); err != nil {
		return err
	}
	return t.notStreamed(ctx, cell, "a\n")
}

// notStreamed follows a cell's run to its end, in which want is printed, and none of it as a stream.
func (t *trial) notStreamed(ctx context.Context, cell, want string) error {
	text := ""
	_, err := t.client.Until(ctx, func(m plainclient.Message) error {
		switch {
		case m.CellID != cell:
		case m.Type == "stream_output":
			return fmt.Errorf("text came as %s", m.Raw)
		case m.IsText() && m.Name != "stdout":
			return fmt.Errorf("no name: %s", m.Raw)
		case m.IsText():
			text += m.Content
		}
		return nil
	}, func(m plainclient.Message) bool { return m.CellID == cell && m.IsLast })
	if err == nil && text != want {
		err = fmt.Errorf("got %q", text)
	}
	return err
}

func controls(ctx context.Context, t *trial) error {
	const want = "10%\r20%\x1b[31mred\x1b[0m\b é 🙂\n"
	o, err := t.run(ctx, `print("10%\r20%\x1b[31mred\x1b[0m\b é 🙂")`, nil)
	if err == nil && o.text != want {
		err = fmt.Errorf("got %q", o.text)
	}
	return err
}

func value(ctx context.Context, t *trial) error {
	o, err := t.run(ctx, "1+1", nil)
	if err == nil && o.text != "2\n" {
		err = fmt.Errorf("got %q", o.text)
	}
	return err
}

func endsWell(ctx context.Context, t *trial) error {
	o, err := t.run(ctx, "answer = 42", nil)
	if err != nil {
		return err
	}
	if err := endedOK(o); err != nil {
		return err
	}
	var variable any
	if err := json.Unmarshal(o.last.Result.Variables["answer"], &variable); err != nil || !strings.Contains(fmt.Sprint(variable), "42") {
		return fmt.Errorf("the variables are %v", o.last.Result.Variables)
	}
	before := o.last.Result.ExecutionCount
	if o, err = t.run(ctx, "answer", nil); err != nil {
		return err
	}
	if o.last.Result == nil || o.last.Result.ExecutionCount != before+1 {
		return fmt.Errorf("the count went from %d to %s", before, o.last.Raw)
	}
	return nil
}

func endsBadly(ctx context.Context, t *trial) error {
	o, err := t.run(ctx, "print('before')\n1/0\nprint('after')", nil)
	if err != nil {
		return err
	}
	m := o.last
	if m.Type != "error" || m.Error != "division by zero" || m.Ename != "ZeroDivisionError" || m.Status != "error" || len(m.Traceback) == 0 {
		return fmt.Errorf("the run ended with %s", m.Raw)
	}
	if o.text != "before\n" {
		return fmt.Errorf("it printed %q", o.text)
	}
	return nil
}

func syntaxError(ctx context.Context, t *trial) error {
	return failsFirst(ctx, t, "print('before')\ndef f(:\n    pass")
}

func compilerError(ctx context.Context, t *trial) error {
	return failsFirst(ctx, t, "print('before')\nreturn")
}

func failsFirst(ctx context.Context, t *trial, code string) error {
	o, err := t.run(ctx, code, nil)
	if err != nil {
		return err
	}
	if o.last.Type != "error" || o.last.Ename != "SyntaxError" {
		return fmt.Errorf("the run ended with %s", o.last.Raw)
	}
	if strings.Contains(o.text, "before\n") {
		return errors.New("a line before the error ran")
	}
	return nil
}

// queues runs one cell twice at once: both runs end, in order.
func queues(ctx context.Context, t *trial) error {
	cell := newCell()
	for _, code := range []string{"import time; time.sleep(0.3); print('first')", "print('second')"} {
		if err := t.client.Execute(ctx, cell, code); err != nil {
			return err
		}
	}
	text, ends := "", 0
	_, err := t.client.Until(ctx, func(m plainclient.Message) error {
		if m.CellID == cell && m.IsText() {
			text += m.Content
		}
		if m.CellID == cell && m.IsLast {
			ends++
		}
		return nil
	}, func(plainclient.Message) bool { return ends == 2 })
	if err == nil && text != "first\nsecond\n" {
		err = fmt.Errorf("got %q", text)
	}
	return err
}

func extraFields(ctx context.Context, t *trial) error {
	cell := newCell()
	err := t.client.Send(ctx, map[string]any{"type": "execute", "cell_id": cell, "code": "pass", "streaming": true, "mood": "good", "n": []int{1}})
	if err != nil {
		return err
	}
	_, err = t.client.Until(ctx, nil, func(m plainclient.Message) bool { return m.CellID == cell && m.IsLast })
	return err
}

func bad(codes, message string) func(context.Context, *trial) error {
	return func(ctx context.Context, t *trial) error {
		return t.refused(ctx, []byte(message), strings.Fields(codes)...)
	}
}
