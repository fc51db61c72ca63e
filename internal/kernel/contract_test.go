package kernel_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/runnel-dev/runnel/internal/jupyter"
	"github.com/runnel-dev/runnel/internal/jupyter/jupytertest"
	"github.com/runnel-dev/runnel/internal/kernel"
	"github.com/runnel-dev/runnel/internal/testpy"
)

// dialect is a kind of kernel, and how the cells of the contract are said in its language.
type dialect struct {
	name  string
	spec  func(t *testing.T) kernel.LaunchSpec
	cells map[string]string // by clause; a clause that it does not promise is not there
	// loose: what it publishes comes in any order, idle before output too, and its errors have names of their own.
	loose bool
}

var python = map[string]string{
	"prints":             "print('one')\nprint('two')",
	"writes to stderr":   "import sys\n_ = sys.stderr.write('no\\n')",
	"has a value":        "6 * 7",
	"shows":              "from IPython.display import display, HTML\n_ = display(HTML('<b>x</b>'), metadata={}, display_id='d')",
	"replaces":           "from IPython.display import update_display, HTML\nupdate_display(HTML('<i>y</i>'), display_id='d')",
	"clears":             "from IPython.display import clear_output\nclear_output(wait=True)",
	"raises":             "print('before')\nraise ValueError('no good')",
	"checks its grammar": "print('never')\n)(",
	"asks":               "print('hi', input('Name: '))",
	"waits":              "print('waiting')\nwhile True: pass",
	"remembers":          "n = 'kept'",
	"recalls":            "print(n)",
	"ends":               "import os\nos._exit(3)",
}

var dialects = []dialect{
	{name: "fake", spec: fakeSpec, cells: map[string]string{
		"prints":             "print one\nprint two",
		"writes to stderr":   "err no",
		"has a value":        "result 42",
		"shows":              "as d text/html <b>x</b>",
		"replaces":           "update d text/html <i>y</i>",
		"clears":             "clear wait",
		"raises":             "print before\nerror ValueError no good",
		"checks its grammar": "print never\nbogus",
		"asks":               "input Name: \nprint hi $answer",
		"waits":              "print waiting\nblock",
		"remembers":          "set n kept",
		"recalls":            "print $n",
		"ends":               "die 3",
	}},
	{name: "ipykernel 6", spec: func(t *testing.T) kernel.LaunchSpec { return pythonSpec(t, "6") }, cells: python},
	{name: "ipykernel 7", spec: func(t *testing.T) kernel.LaunchSpec { return pythonSpec(t, "7") }, cells: python},
	{name: "deno", spec: denoSpec, loose: true, cells: map[string]string{
		"prints":           "console.log('one')\nconsole.log('two')",
		"writes to stderr": "console.error('no')",
		"has a value":      "6 * 7",
		"raises":           "console.log('before'); throw new TypeError('no good')",
		"remembers":        "const n = 'kept'",
		"recalls":          "console.log(n)",
		"ends":             "Deno.exit(3)",
	}},
}

func fakeSpec(t *testing.T) kernel.LaunchSpec {
	fake := jupytertest.Spec(t)
	s := spec(t, fake.Argv...)
	s.Name, s.Language, s.Env = "fake", "script", kernel.Environ(os.Environ(), fake.Env)
	return s
}

func denoSpec(t *testing.T) kernel.LaunchSpec {
	s := spec(t, testpy.Deno(t), "jupyter", "--kernel", "--conn", "{connection_file}")
	s.Name, s.Language, s.InterruptMode = "deno", "typescript", "message"
	return s
}

// published is what each clause's cell makes known, in order.
var published = map[string][]string{
	"prints":             {"stdout one\n", "stdout two\n"},
	"writes to stderr":   {"stderr no\n"},
	"has a value":        {"execute_result 42"},
	"shows":              {"display_data <b>x</b>"},
	"replaces":           {"update_display_data <i>y</i>"},
	"clears":             {"clear_output true"},
	"raises":             {"stdout before\n", "error ValueError: no good"},
	"checks its grammar": {"error SyntaxError"},
	"recalls":            {"stdout kept\n"},
}

// TestContract is what Runnel needs of a kernel, shown with each kind that its tests use: what is true of the fake kernel, which most tests run on,
// is true of real ones.
func TestContract(t *testing.T) {
	for _, d := range dialects {
		t.Run(d.name, func(t *testing.T) {
			m := newManager(t, func(c *kernel.Config) {
				if d.loose {
					c.Transport = "tcp"
				}
			})
			k := launch(t, m, d.spec(t))
			if err := k.Ready(testContext(t, time.Minute)); err != nil {
				t.Fatal(err)
			}
			c := &contract{dialect: d, h: newHistory(t, k), m: m}
			for _, name := range slices.Sorted(maps.Keys(published)) {
				if _, promised := d.cells[name]; promised && name != "recalls" && name != "replaces" {
					t.Run(name, func(t *testing.T) { c.with(t).publishes(name) })
				}
			}
			for _, clause := range []struct {
				name string
				run  func(*contract)
			}{{"asks", (*contract).asks}, {"waits", (*contract).waits}, {"replaces", func(c *contract) { c.publishes("replaces") }},
				{"remembers", (*contract).remembers}, {"ends", (*contract).ends}} {
				if _, promised := d.cells[clause.name]; promised {
					t.Run(clause.name, func(t *testing.T) { clause.run(c.with(t)) })
				}
			}
		})
	}
}

// contract is one kernel that is held to it.
type contract struct {
	dialect
	t *testing.T
	h *history
	m *kernel.Manager
}

func (c *contract) with(t *testing.T) *contract {
	c.t, c.h.t = t, t
	return c
}

const patience = time.Minute

// publishes runs a clause's cell: everything has the request as its parent, one reply and one idle end it, and what is published is what must be.
func (c *contract) publishes(name string) {
	c.t.Helper()
	id := execute(c.t, c.h.k, c.cells[name])
	want := published[name]
	got, reply := c.untilOver(id, len(want))
	failed := name == "raises" || name == "checks its grammar"
	if (reply.Status == jupyter.StatusError) != failed || failed && reply.EName == "" {
		c.t.Errorf("the reply is %+v", reply)
	}
	for i := range min(len(got), len(want)) {
		if !c.loose && !strings.HasPrefix(got[i], want[i]) {
			c.t.Errorf("published %q, want %q", got, want)
		}
	}
	if len(got) != len(want) {
		c.t.Errorf("published %q, want %q", got, want)
	}
	for _, w := range want {
		if kind, _, _ := strings.Cut(w, " "); c.loose && kind == "error" {
			continue
		}
		if !slices.ContainsFunc(got, func(g string) bool { return strings.HasPrefix(g, w) }) {
			c.t.Errorf("%q is not among what was published: %q", w, got)
		}
	}
}

// untilOver reads until the cell's reply and idle are here; of a loose kernel, until count things are published, too. Text of one stream that
// follows itself is cut at its line ends, wherever the kernel has cut it.
func (c *contract) untilOver(id string, count int) (got []string, reply jupyter.ExecuteReply) {
	c.t.Helper()
	replies, idles := 0, 0
	text := ""
	for replies == 0 || idles == 0 || c.loose && len(got) < count {
		e := c.h.until(patience, "the cell's end", func(e kernel.Event) bool { return e.Kind == kernel.Message && parent(e).MsgID == id })
		switch {
		case isIdle(e, id):
			idles++
		case header(e).MsgType == "execute_reply":
			replies++
			reply = c.decodeReply(e)
		case header(e).MsgType == "stream":
			s, err := jupyter.Decode[jupyter.Stream](e.Msg.Content)
			if err != nil {
				c.t.Fatal(err)
			}
			for text += s.Text; strings.Contains(text, "\n"); {
				line, rest, _ := strings.Cut(text, "\n")
				got, text = append(got, s.Name+" "+line+"\n"), rest
			}
		default:
			if said := tell(c.t, e); said != "" {
				got = append(got, said)
			}
		}
	}
	if replies != 1 || idles != 1 {
		c.t.Errorf("%d replies and %d times idle", replies, idles)
	}
	return got, reply
}

func (c *contract) decodeReply(e kernel.Event) jupyter.ExecuteReply {
	c.t.Helper()
	reply, err := jupyter.Decode[jupyter.ExecuteReply](e.Msg.Content)
	if err != nil || e.Channel != jupyter.Shell {
		c.t.Fatalf("a reply on %s: %v", e.Channel, err)
	}
	return reply
}

// tell says in short what a message publishes, nothing of those that only accompany a cell.
func tell(t *testing.T, e kernel.Event) string {
	t.Helper()
	kind := header(e).MsgType
	data := func(d jupyter.DisplayData, mime string) string {
		return kind + " " + strings.Trim(string(d.Data[mime]), `"`)
	}
	switch kind {
	case "execute_result":
		r, err := jupyter.Decode[jupyter.ExecuteResult](e.Msg.Content)
		if err != nil {
			t.Fatal(err)
		}
		if text := data(r.DisplayData, "text/plain"); strings.Contains(text, "42") { // Deno colours it
			return kind + " 42"
		}
		return data(r.DisplayData, "text/plain")
	case "display_data", "update_display_data":
		d, err := jupyter.Decode[jupyter.DisplayData](e.Msg.Content)
		if err != nil {
			t.Fatal(err)
		}
		return data(d, "text/html")
	case "clear_output":
		clear, err := jupyter.Decode[jupyter.ClearOutput](e.Msg.Content)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%s %v", kind, clear.Wait)
	case "error":
		raised, err := jupyter.Decode[jupyter.ErrorContent](e.Msg.Content)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%s %s: %s", kind, raised.EName, raised.EValue)
	}
	return ""
}

// asks: the question is the cell's child and comes on stdin; its answer, the question's child, is what the code gets.
func (c *contract) asks() {
	id := execute(c.t, c.h.k, c.cells["asks"])
	ask := c.h.until(patience, "a question", func(e kernel.Event) bool { return e.Channel == jupyter.Stdin })
	in, err := jupyter.Decode[jupyter.InputRequest](ask.Msg.Content)
	if err != nil || strings.TrimSpace(in.Prompt) != "Name:" || in.Password || parent(ask).MsgID != id {
		c.t.Fatalf("asked %+v of %q, %v", in, parent(ask).MsgID, err)
	}
	reply, err := jupyter.NewMessage("test", uuid.NewString(), "input_reply", jupyter.InputReply{Value: "Ada"}, time.Now())
	if err != nil {
		c.t.Fatal(err)
	}
	reply.Parent = ask.Msg.Header
	if err := c.h.k.Send(testContext(c.t, patience), uuid.NewString(), jupyter.Stdin, reply); err != nil {
		c.t.Fatal(err)
	}
	if got, r := c.untilOver(id, 1); r.Status != jupyter.StatusOK || len(got) != 1 || got[0] != "stdout hi Ada\n" {
		c.t.Errorf("published %q, reply %+v", got, r)
	}
}

// waits: an interrupt ends the cell, and nothing else; the kernel goes on.
func (c *contract) waits() {
	id := execute(c.t, c.h.k, c.cells["waits"])
	c.h.until(patience, "the code's own word", func(e kernel.Event) bool { return parent(e).MsgID == id && isStream(e, "waiting") })
	if err := c.h.k.Interrupt(testContext(c.t, patience)); err != nil {
		c.t.Fatal(err)
	}
	got, r := c.untilOver(id, 0)
	if r.Status != jupyter.StatusError || r.EName != "KeyboardInterrupt" {
		c.t.Errorf("published %q, reply %+v", got, r)
	}
	c.publishes("prints")
}

// remembers: what a cell made is there for the next, also for a server that comes later; a request sent again is not run again.
func (c *contract) remembers() {
	id, msg := executeMessage(c.cells["remembers"])
	if err := c.h.k.Send(testContext(c.t, patience), id, jupyter.Shell, msg); err != nil {
		c.t.Fatal(err)
	}
	c.h.k.Close()
	k, err := c.m.Attach(testContext(c.t, patience), c.h.k.ID(), c.h.next)
	if err != nil {
		c.t.Fatal(err)
	}
	c.h.k = k
	if err := k.Send(testContext(c.t, patience), id, jupyter.Shell, msg); err != nil {
		c.t.Fatal(err)
	}
	if _, r := c.untilOver(id, 0); r.Status != jupyter.StatusOK {
		c.t.Errorf("the reply is %+v", r)
	}
	c.publishes("recalls")
}

// ends: the process's end is told, with how.
func (c *contract) ends() {
	execute(c.t, c.h.k, c.cells["ends"])
	if exit := c.h.untilExit(patience); exit.Code != 3 || exit.Requested {
		c.t.Errorf("%+v", exit)
	}
	c.h.k.Close()
}
