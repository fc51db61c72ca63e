package jupytertest

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/runnel-dev/runnel/internal/jupyter"
)

// step is one command of a script, ready to run.
type step struct {
	do  func(c *run, arg string) error
	arg string
}

// commands holds what each word does. It is filled by init because repeat
// looks its own command up in it.
var commands map[string]func(c *run, arg string) error

func init() {
	commands = map[string]func(c *run, arg string) error{
		"print":  func(c *run, a string) error { c.stream("stdout", c.expand(a)+"\n"); return nil },
		"err":    func(c *run, a string) error { c.stream("stderr", c.expand(a)+"\n"); return nil },
		"write":  write,
		"sleep":  sleep,
		"block":  func(c *run, _ string) error { <-c.ctx.Done(); return c.ctx.Err() },
		"hang":   func(c *run, _ string) error { <-c.life; return c.ctx.Err() },
		"input":  func(c *run, a string) error { return c.input(a, false) },
		"error":  raise,
		"result": result,

		"ask":      ask,
		"said":     said,
		"await":    func(c *run, _ string) error { return c.await() },
		"password": func(c *run, a string) error { return c.input(a, true) },
		"display":  func(c *run, a string) error { return c.display("display_data", "", a) },
		"as":       func(c *run, a string) error { return c.displayAs("display_data", a) },
		"update":   func(c *run, a string) error { return c.displayAs("update_display_data", a) },
		"clear":    clearOutput,
		"flood":    flood,
		"repeat":   repeat,
		"late":     late,
		"set":      set,
		"next":     next,
		"page":     page,
		"lose":     func(c *run, _ string) error { c.loseIdle = true; return nil },

		"die":    die,
		"kill":   func(c *run, a string) error { return kill(c, a) },
		"ignore": ignore,
		"spawn":  spawn,
		"stdout": func(c *run, a string) error { _, err := fmt.Fprintln(os.Stdout, c.expand(a)); return err },
		"stderr": func(c *run, a string) error { _, err := fmt.Fprintln(os.Stderr, c.expand(a)); return err },
		"pid":    func(c *run, _ string) error { c.stream("stdout", strconv.Itoa(os.Getpid())+"\n"); return nil },
		"env":    func(c *run, a string) error { c.stream("stdout", os.Getenv(a)+"\n"); return nil },
		"argv":   func(c *run, _ string) error { c.stream("stdout", strings.Join(os.Args, "\n")+"\n"); return nil },
		"cwd":    cwd,
	}
}

func parse(line string) (step, error) {
	word, arg, _ := strings.Cut(line, " ")
	do := commands[word]
	if do == nil {
		return step{}, fmt.Errorf("unknown command %q", word)
	}
	return step{do, arg}, nil
}

func write(c *run, arg string) error {
	text, err := strconv.Unquote(arg)
	if err != nil {
		return &raised{"ValueError", "write wants a quoted text"}
	}
	c.stream("stdout", text)
	return nil
}

func sleep(c *run, arg string) error {
	d, err := time.ParseDuration(arg)
	if err != nil {
		return &raised{"ValueError", err.Error()}
	}
	return wait(c.ctx, d)
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// input drops answers nobody asked for, asks, and waits.
func (c *run) input(prompt string, password bool) error {
	if err := c.mayAsk(); err != nil {
		return err
	}
	c.reply(jupyter.Stdin, c.request, "input_request", jupyter.InputRequest{Prompt: prompt, Password: password})
	return c.await()
}

func (c *run) mayAsk() error {
	if !c.ask.AllowStdin {
		return &raised{"StdinNotImplementedError", "this client gives no input"}
	}
	for len(c.answers) > 0 {
		<-c.answers
	}
	return nil
}

func (c *run) await() error {
	select {
	case c.answer = <-c.answers:
		return nil
	case <-c.ctx.Done():
		return c.ctx.Err()
	}
}

// ask is "ask NUMBER PROMPT": a question that comes after what said says with this number. It does not wait for the answer.
func ask(c *run, arg string) error {
	number, prompt, _ := strings.Cut(arg, " ")
	if err := c.mayAsk(); err != nil {
		return err
	}
	m := c.message("input_request", c.request, jupyter.InputRequest{Prompt: prompt})
	m.Metadata = json.RawMessage(`{"runnel_after":` + number + `}`)
	c.sockets[jupyter.Stdin].send(c.signer.Encode(m))
	return nil
}

func said(c *run, number string) error {
	m := c.message(jupyter.Said, c.request, map[string]json.RawMessage{"number": json.RawMessage(number)})
	m.Identities = [][]byte{[]byte(jupyter.Said)}
	c.sockets[jupyter.IOPub].send(c.signer.Encode(m))
	return nil
}

func raise(c *run, arg string) error {
	name, text, _ := strings.Cut(arg, " ")
	return &raised{name, c.expand(text)}
}

func result(c *run, arg string) error {
	if c.ask.Silent {
		return nil
	}
	c.publish(c.request, "execute_result", map[string]any{
		"data": map[string]any{"text/plain": c.expand(arg)}, "metadata": map[string]any{}, "execution_count": c.count,
	})
	return nil
}

func (c *run) display(msgType, id, arg string) error {
	bundle, err := data(arg)
	if err != nil {
		return &raised{"ValueError", err.Error()}
	}
	transient := map[string]any{}
	if id != "" {
		transient["display_id"] = id
	}
	c.publish(c.request, msgType, map[string]any{"data": bundle, "metadata": map[string]any{}, "transient": transient})
	return nil
}

func (c *run) displayAs(msgType, arg string) error {
	id, rest, _ := strings.Cut(arg, " ")
	return c.display(msgType, id, rest)
}

func clearOutput(c *run, arg string) error {
	c.publish(c.request, "clear_output", jupyter.ClearOutput{Wait: arg == "wait"})
	return nil
}

func flood(c *run, arg string) error {
	n, err := strconv.Atoi(arg)
	if err != nil {
		return &raised{"ValueError", err.Error()}
	}
	for i := 0; i < n && c.ctx.Err() == nil; i++ {
		c.stream("stdout", strconv.Itoa(i)+"\n")
	}
	return c.ctx.Err()
}

func repeat(c *run, arg string) error {
	times, command, _ := strings.Cut(arg, " ")
	n, err := strconv.Atoi(times)
	if err != nil {
		return &raised{"ValueError", err.Error()}
	}
	for i := 0; i < n && c.ctx.Err() == nil; i++ {
		s, err := parse(strings.ReplaceAll(command, "$i", strconv.Itoa(i)))
		if err != nil {
			return &raised{"SyntaxError", err.Error()}
		}
		if err := s.do(c, s.arg); err != nil {
			return err
		}
	}
	return c.ctx.Err()
}

// late prints from a goroutine of the kernel, which Serve waits for.
func late(c *run, arg string) error {
	after, text, _ := strings.Cut(arg, " ")
	d, err := time.ParseDuration(after)
	if err != nil {
		return &raised{"ValueError", err.Error()}
	}
	text = c.expand(text)
	c.late.Go(func() {
		time.Sleep(d)
		c.stream("stdout", text+"\n")
	})
	return nil
}

func set(c *run, arg string) error {
	name, value, _ := strings.Cut(arg, " ")
	c.variables[name] = c.expand(value)
	return nil
}

func next(c *run, arg string) error {
	c.payload = append(c.payload, map[string]any{"source": "set_next_input", "text": c.expand(arg), "replace": false})
	return nil
}

func page(c *run, arg string) error {
	c.payload = append(c.payload, map[string]any{"source": "page", "data": map[string]any{"text/plain": c.expand(arg)}, "start": 0})
	return nil
}

func die(c *run, arg string) error {
	code, err := strconv.Atoi(arg)
	if err != nil {
		return &raised{"ValueError", err.Error()}
	}
	c.exit(code)
	return c.ctx.Err()
}

var signals = map[string]syscall.Signal{
	"KILL": syscall.SIGKILL, "TERM": syscall.SIGTERM, "INT": syscall.SIGINT,
	"SEGV": syscall.SIGSEGV, "ABRT": syscall.SIGABRT, "STOP": syscall.SIGSTOP,
}

// kill sends the process a signal. Go's runtime answers some with a report of
// its goroutines and then lets the signal do its work.
func kill(c *run, arg string) error {
	sig, ok := signals[arg]
	if !ok {
		return &raised{"ValueError", "unknown signal " + arg}
	}
	return syscall.Kill(os.Getpid(), sig)
}

func ignore(_ *run, arg string) error {
	sig, ok := signals[arg]
	if !ok {
		return &raised{"ValueError", "unknown signal " + arg}
	}
	signal.Ignore(sig)
	return nil
}

// spawn leaves a child behind on purpose; its end is collected for it.
func spawn(c *run, arg string) error {
	words := strings.Fields(arg)
	if len(words) == 0 {
		return &raised{"ValueError", "spawn wants a program"}
	}
	cmd := exec.Command(words[0], words[1:]...)
	if err := cmd.Start(); err != nil {
		return &raised{"OSError", err.Error()}
	}
	go func() { _ = cmd.Wait() }()
	c.stream("stdout", strconv.Itoa(cmd.Process.Pid)+"\n")
	return nil
}

func cwd(c *run, _ string) error {
	dir, err := os.Getwd()
	if err != nil {
		return &raised{"OSError", err.Error()}
	}
	c.stream("stdout", dir+"\n")
	return nil
}
