package jupytertest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/runnel-dev/runnel/internal/jupyter"
)

// run is one cell while it runs.
type run struct {
	*kernel
	ctx      context.Context // ends with an interrupt too
	life     <-chan struct{} // the kernel's own, which an interrupt does not end
	request  request
	ask      jupyter.ExecuteRequest
	payload  []any
	loseIdle bool
}

// raised is an exception of the script.
type raised struct{ name, text string }

func (r *raised) Error() string { return r.name + ": " + r.text }

// execute runs a cell, answers it, goes idle (unless the script loses that), and
// after an error aborts what waits.
func (k *kernel) execute(ctx context.Context, r request) {
	ask, err := jupyter.Decode[jupyter.ExecuteRequest](r.Content)
	if err != nil {
		return
	}
	life := ctx.Done()
	ctx, interrupt := context.WithCancelCause(ctx)
	defer interrupt(nil)
	k.setInterrupt(interrupt)
	defer k.setInterrupt(nil)
	select {
	case <-k.ended:
		return
	default:
	}
	if !ask.Silent {
		if ask.StoreHistory {
			k.count++
		}
		k.publish(r, "execute_input", jupyter.ExecuteInput{Code: ask.Code, ExecutionCount: k.count})
	}
	c := &run{kernel: k, ctx: ctx, life: life, request: r, ask: ask}
	err = c.script(ask.Code)
	reply := map[string]any{"status": jupyter.StatusOK, "execution_count": k.count, "payload": c.payload, "user_expressions": k.expressions(ask)}
	if err != nil {
		failure := jupyter.ErrorContent{EName: "RuntimeError", EValue: err.Error()}
		var exception *raised
		switch {
		case errors.As(err, &exception):
			failure = jupyter.ErrorContent{EName: exception.name, EValue: exception.text}
		case ctx.Err() != nil:
			failure = jupyter.ErrorContent{EName: "KeyboardInterrupt"}
		}
		failure.Traceback = []string{"\x1b[0;31m" + failure.EName + "\x1b[0m: " + failure.EValue}
		k.publish(r, "error", failure)
		reply = map[string]any{
			"status": jupyter.StatusError, "execution_count": k.count, "user_expressions": map[string]any{}, "payload": []any{},
			"ename": failure.EName, "evalue": failure.EValue, "traceback": failure.Traceback,
		}
	}
	var aborted []request // taken before anyone knows of the error, so that what follows it runs
	if err != nil && ask.StopOnError {
		aborted = k.takeWaiting()
	}
	k.reply(jupyter.Shell, r, "execute_reply", reply)
	if !c.loseIdle {
		k.status(r, jupyter.StateIdle)
	}
	k.abort(aborted)
}

func (k *kernel) setInterrupt(f context.CancelCauseFunc) {
	k.mu.Lock()
	k.interrupt = f
	k.mu.Unlock()
}

// expressions answers the question for variables; other ones are errors.
func (k *kernel) expressions(ask jupyter.ExecuteRequest) map[string]any {
	out := map[string]any{}
	for key := range ask.UserExpressions {
		if key != jupyter.VariablesKey {
			out[key] = map[string]any{"status": "error", "ename": "NameError", "evalue": "unknown", "traceback": []string{}}
			continue
		}
		vars := map[string]jupyter.Variable{}
		for name, value := range k.variables {
			vars[name] = jupyter.Variable{Type: "str", Value: value}
		}
		out[key] = map[string]any{
			"status":   "ok",
			"data":     map[string]any{"application/json": vars, "text/plain": ""},
			"metadata": map[string]any{"application/json": map[string]any{"complete": true}},
		}
	}
	return out
}

// script checks all of the code, then runs it.
func (c *run) script(code string) error {
	var steps []step
	for line := range strings.SplitSeq(code, "\n") {
		for part := range strings.SplitSeq(line, ";") {
			part = strings.TrimSpace(part)
			if part == "" || part[0] == '#' {
				continue
			}
			s, err := parse(part)
			if err != nil {
				return &raised{"SyntaxError", err.Error()}
			}
			steps = append(steps, s)
		}
	}
	for _, s := range steps {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		if err := s.do(c, s.arg); err != nil {
			return err
		}
	}
	return c.ctx.Err()
}

func (c *run) stream(name, text string) {
	c.publish(c.request, "stream", jupyter.Stream{Name: name, Text: text})
}

// expand replaces $answer and the variables in a text.
func (c *run) expand(text string) string {
	if !strings.Contains(text, "$") {
		return text
	}
	text = strings.ReplaceAll(text, "$answer", c.answer)
	for name, value := range c.variables {
		text = strings.ReplaceAll(text, "$"+name, value)
	}
	return text
}

// data takes "MIME DATA" apart; data of a JSON type is JSON, of others text.
func data(arg string) (map[string]any, error) {
	mime, text, _ := strings.Cut(arg, " ")
	if !strings.Contains(mime, "/") {
		return nil, fmt.Errorf("%q is no media type", mime)
	}
	if strings.HasSuffix(mime, "json") {
		if !json.Valid([]byte(text)) {
			return nil, fmt.Errorf("%q is no JSON", text)
		}
		return map[string]any{mime: json.RawMessage(text)}, nil
	}
	return map[string]any{mime: text}, nil
}
