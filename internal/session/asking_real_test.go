package session

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/internal/protocol"
)

// asked waits for an open prompt with this text.
func (p *page) asked(prompt string) protocol.Prompt {
	p.t.Helper()
	var found protocol.Prompt
	p.until("the prompt "+prompt, func(s *protocol.State) bool {
		for _, open := range s.Prompts {
			if open.Prompt == prompt {
				found = open
				return true
			}
		}
		return false
	})
	return found
}

// answer returns when the page no longer shows the prompt.
func (sv *server) answer(p *page, open protocol.Prompt, value string) {
	sv.t.Helper()
	sv.do(p.s, protocol.Command{Type: protocol.CmdInputReply, RequestID: open.RequestID, Value: value})
	p.until("the prompt closed", func(s *protocol.State) bool {
		return !slices.ContainsFunc(s.Prompts, func(o protocol.Prompt) bool { return o.RequestID == open.RequestID })
	})
}

const asksInAThread = `
import asyncio, threading, time
from concurrent.futures import ThreadPoolExecutor
def ask(*prompts):
    try:
        for prompt in prompts:
            print('got', input(prompt))
    except BaseException as error:
        print('ended by', repr(error))
def busy(): # a signal that comes just before a long sleep is not seen until its end
    while True: time.sleep(.01)
`

// A thread's question outlives its cell, and the server; a later cell may ask meanwhile; each answer goes to who asked. ipykernel alone gives
// the answers of two that ask to the wrong ones, and a thread whose cell has ended no input() at all.
func TestThreadAsks(t *testing.T) {
	bothKernels(t, func(t *testing.T, w *world) {
		w.write("a.ipynb", "")
		sv, s, p := w.begin()
		sv.execute(s, "one", asksInAThread+"threading.Thread(target=ask, args=('one: ', 'more: ')).start()")
		p.untilDone("one", protocol.StatusOK)
		first := p.asked("one: ")
		p.c.Close()
		sv.stop()

		sv = w.serve()
		s = sv.open("a.ipynb")
		p = sv.page(s)
		if got := p.asked("one: "); got.RequestID != first.RequestID || got.CellID != "one" {
			t.Fatalf("after the restart: %+v", got)
		}
		if all := sv.hub.Sessions(); len(all) != 1 || all[0].Running != "one" {
			t.Errorf("the server would stop as if nothing waited: %+v", all)
		}
		sv.execute(s, "two", "print('two has', input('two: '))")
		sv.answer(p, p.asked("two: "), "for two")
		p.untilDone("two", protocol.StatusOK)
		sv.answer(p, first, "for one")
		p.untilText("one", "got for one\n")
		sv.execute(s, "three", "print('begun')\nbusy()")
		p.untilText("three", "begun")
		more := p.asked("more: ")
		sv.do(s, protocol.Command{Type: protocol.CmdInterrupt})
		p.untilDone("three", protocol.StatusInterrupted)
		sv.do(s, protocol.Command{Type: protocol.CmdInputReply, Value: "at last"}) // the oldest one's
		p.untilText("one", "got at last\n")
		if more.CellID != "one" {
			t.Errorf("the second question is at %s", more.CellID)
		}
		if got := text(p.state.Cell("one")); got != "<one: for one>got for one\n<more: at last>got at last\n" {
			t.Errorf("one shows %q", got)
		}
		if got := text(p.state.Cell("two")); got != "<two: for two>two has for two\n" {
			t.Errorf("two shows %q", got)
		}
		p.same()
	})
}

func TestManyThreadsAsk(t *testing.T) {
	bothKernels(t, func(t *testing.T, w *world) {
		w.write("a.ipynb", "")
		sv, s, p := w.begin()
		sv.execute(s, "one", asksInAThread+`
pool = ThreadPoolExecutor(8)
sums = [pool.submit(lambda i=i: sum(int(input(f'{i}.{j}: ')) for j in range(5))) for i in range(8)]
task = asyncio.create_task(asyncio.to_thread(input, 'task: '))`)
		p.untilDone("one", protocol.StatusOK)
		sv.answer(p, p.asked("task: "), "T")
		sv.execute(s, "two", "print('main', input('main: '))\nprint([f.result() for f in sums], await task)")
		sv.answer(p, p.asked("main: "), "M")
		for range 8 * 5 {
			p.until("a prompt", func(s *protocol.State) bool { return len(s.Prompts) > 0 })
			open := p.state.Prompts[len(p.state.Prompts)-1]
			i, j, _ := strings.Cut(strings.TrimSuffix(open.Prompt, ": "), ".")
			sv.answer(p, open, i+"00"+j)
		}
		p.untilDone("two", protocol.StatusOK)
		if got, want := text(p.state.Cell("two")), "<main: M>main M\n[10, 5010, 10010, 15010, 20010, 25010, 30010, 35010] T\n"; got != want {
			t.Errorf("two shows %q, want %q", got, want)
		}
	})
}

func TestThreadIsNotAnswered(t *testing.T) {
	bothKernels(t, func(t *testing.T, w *world) {
		w.timeout = 2 * time.Second
		w.write("a.ipynb", "")
		sv, s, p := w.begin()
		sv.execute(s, "one", asksInAThread+"threading.Thread(target=ask, args=('one: ',)).start()")
		p.untilDone("one", protocol.StatusOK)
		p.untilText("one", "ended by EOFError('Input request timed out')\n")
		sv.execute(s, "two", "with ThreadPoolExecutor() as pool: pool.submit(input, 'two: ').result()")
		p.untilDone("two", protocol.StatusError)
		if got := text(p.state.Cell("two")); !strings.Contains(got, "!InputTimeout: Input request timed out") {
			t.Errorf("two shows %q", got)
		}
		if len(p.state.Prompts) > 0 {
			t.Errorf("open: %v", p.state.Prompts)
		}
		sv.execute(s, "three", "print('goes on')")
		p.untilDone("three", protocol.StatusOK)
	})
}

func TestThreadAsksAndIsInterrupted(t *testing.T) {
	bothKernels(t, func(t *testing.T, w *world) {
		w.write("a.ipynb", "")
		sv, s, p := w.begin()
		interrupt := func() { sv.do(s, protocol.Command{Type: protocol.CmdInterrupt}) }
		sv.execute(s, "one", asksInAThread+"threading.Thread(target=ask, args=('one: ',)).start()")
		p.untilDone("one", protocol.StatusOK)
		p.asked("one: ")
		interrupt()
		p.untilText("one", "ended by EOFError('interrupted')\n")
		for cell, code := range map[string]string{
			"waits":  "with ThreadPoolExecutor() as pool: pool.submit(ask, 'waits: ').result(); busy()",
			"awaits": "await asyncio.gather(asyncio.to_thread(ask, 'awaits: '), asyncio.sleep(1000))",
			"async":  "await asyncio.sleep(0)\nask('async: ')\nprint(input('async: '))",
		} {
			sv.execute(s, cell, code)
			p.asked(cell + ": ")
			interrupt()
			if cell == "async" {
				p.untilText("async", "ended by KeyboardInterrupt('Interrupted by user')\n")
				p.asked(cell + ": ")
				interrupt()
			}
			p.untilDone(cell, protocol.StatusInterrupted)
			p.until("no prompt", func(s *protocol.State) bool { return len(s.Prompts) == 0 })
		}
		sv.execute(s, "late", "async def late():\n    await asyncio.sleep(.5)\n    ask('late: ')\ntask = asyncio.create_task(late())")
		p.untilDone("late", protocol.StatusOK)
		if at := p.asked("late: ").CellID; at != "late" {
			t.Errorf("the task asks at %s", at)
		}
		sv.execute(s, "next", "busy()")
		interrupt()
		p.untilText("late", "ended by EOFError('interrupted')\n")
		p.untilDone("next", protocol.StatusInterrupted)
		sv.execute(s, "last", "print(task.done())")
		p.untilText("last", "True\n")
	})
}

// What waits for an answer holds no kernel back that is to end.
func TestThreadAsksAndKernelRestarts(t *testing.T) {
	bothKernels(t, func(t *testing.T, w *world) {
		w.write("a.ipynb", "")
		sv, s, p := w.begin()
		sv.execute(s, "one", asksInAThread+"import atexit\natexit.register(ask, 'at exit: ')\nthreading.Thread(target=ask, args=('one: ',)).start()")
		p.untilDone("one", protocol.StatusOK)
		p.asked("one: ")
		begun := time.Now()
		sv.do(s, protocol.Command{Type: protocol.CmdKernelRestart})
		p.until("another kernel", func(s *protocol.State) bool { return s.Kernel.State == protocol.KernelStarting })
		t.Logf("the kernel ended after %v", time.Since(begun).Round(time.Millisecond))
		if len(p.state.Prompts) > 0 {
			t.Errorf("open: %v", p.state.Prompts)
		}
		sv.execute(s, "two", "print('new')")
		p.untilDone("two", protocol.StatusOK)
		if got := text(p.state.Cell("one")); !strings.Contains(got, "ended by SystemExit()") {
			t.Errorf("one shows %q", got)
		}
		p.same()
	})
}

func TestOthersThatAsk(t *testing.T) {
	bothKernels(t, func(t *testing.T, w *world) {
		w.write("a.ipynb", "")
		sv, s, p := w.begin()
		sv.execute(s, "button", asksInAThread+"import ipywidgets\nb = ipywidgets.Button()\nb.on_click(lambda b: ask('in a callback: '))\ndisplay(b)")
		p.untilDone("button", protocol.StatusOK)
		id, _ := widget(p.state, "ButtonModel")
		sv.do(s, protocol.Command{Type: protocol.CmdWidgetChange, CellID: "button", WidgetID: id, Content: json.RawMessage(`{"event":"click"}`)})
		sv.answer(p, p.asked("in a callback: "), "yes")
		p.untilText("button", "<in a callback: yes>got yes\n")

		sv.execute(s, "fork", "import multiprocessing\nchild = multiprocessing.get_context('fork').Process(target=ask, args=('child: ',))\nchild.start()\nchild.join()")
		p.untilDone("fork", protocol.StatusOK)
		if got := text(p.state.Cell("fork")); got != "ended by EOFError('nobody can be asked now')\n" {
			t.Errorf("a child process: %q", got)
		}

		sv.execute(s, "command", `!read x; echo "read $?: $x"; read y; echo "again $?"`)
		p.untilDone("command", protocol.StatusOK)
		if got := strings.ReplaceAll(text(p.state.Cell("command")), "\r", ""); got != "read 1: \nagain 1\n" {
			t.Errorf("a command: %q", got)
		}

		sv.execute(s, "break", "x = 42\nbreakpoint()\nprint('after')")
		sv.answer(p, p.asked("ipdb> "), "p x")
		p.untilText("break", "42\n")
		sv.answer(p, p.asked("ipdb> "), "c")
		p.untilDone("break", protocol.StatusOK)

		sv.execute(s, "alarm", `import signal
def alarm(*args): raise TimeoutError('too late')
signal.signal(signal.SIGALRM, alarm)
signal.setitimer(signal.ITIMER_REAL, .5)
ask('quick: ')
print('waits')
busy()`)
		p.asked("quick: ")
		p.untilText("alarm", "waits\n")
		p.until("no prompt", func(s *protocol.State) bool { return len(s.Prompts) == 0 })
		sv.do(s, protocol.Command{Type: protocol.CmdInterrupt})
		p.untilDone("alarm", protocol.StatusInterrupted)
		p.same()
	})
}
