package faults

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/internal/pageclient"
	"github.com/runnel-dev/runnel/internal/protocol"
)

func answer(t *testing.T, c *pageclient.Client, p protocol.Prompt, text string) protocol.Ack {
	t.Helper()
	ack, err := c.Do(within(t, 20*time.Second), protocol.Command{Type: protocol.CmdInputReply, RequestID: p.RequestID, Value: text})
	if err != nil {
		t.Fatal(err)
	}
	return ack
}

// Promise 3: a prompt survives reload, second tab, cut line and the server's death; the first answer wins; the kernel gets one reply.
func TestInput_survives_everything(t *testing.T) {
	s := newServer(t, "7")
	p := newProxy(t, s.URL)
	c := s.Client("ask.ipynb", p.URL)
	run := start(t, c, "ask", "name = input('Name: ')\nprint('hello', name)")
	first := waitPrompt(t, c, 30*time.Second)

	second := s.Client("ask.ipynb") // a second tab, or the first after its reload
	if got := waitPrompt(t, second, time.Second); got.RequestID != first.RequestID || got.Prompt != "Name: " {
		t.Fatalf("second tab shows %+v", got)
	}
	p.Cut()
	if got := waitPrompt(t, c, 5*time.Second); got.RequestID != first.RequestID {
		t.Fatalf("after the cut: %+v", got)
	}
	s.Kill()
	s.Start()
	afterKill := waitPrompt(t, s.Client("ask.ipynb"), 10*time.Second)

	if got := answer(t, second, afterKill, "Ada"); got.Status == protocol.AckRejected {
		t.Fatalf("answer rejected: %s", got.Error)
	}
	if got := answer(t, c, afterKill, "Bob"); got.Status != protocol.AckRejected || got.Code != protocol.CodeAlreadyAnswered {
		t.Errorf("the second answer got %s %s, want already_answered", got.Status, got.Code)
	}
	finish(t, c, run, 20*time.Second, protocol.StatusOK)
	if got := streamText(t, s, c.State(), "ask"); got != "hello Ada\n" {
		t.Errorf("the cell printed %q", got)
	}
	if n := len(c.State().Prompts); n != 0 {
		t.Errorf("%d prompts are still open", n)
	}
}

// countReplies makes the kernel count each message that comes to it as an answer, whatever it does with it then.
const countReplies = `
questions, replies = get_ipython().kernel._input_request.__self__, 0
def count(frames, heard=questions.heard):
    global replies
    replies += 1
    heard(frames)
questions.heard = count
`

// Promise 3: the kernel gets exactly one reply to each prompt, while two tabs answer at the same moment and the server is killed just then. The kernel
// counts what comes to it; the last prompt finds what came too late to be counted before.
func TestInput_one_reply(t *testing.T) {
	for _, version := range []string{"6", "7"} {
		t.Run("ipykernel "+version, func(t *testing.T) {
			rng := random(t)
			s := newServer(t, version)
			tabs := []*pageclient.Client{s.Client("once.ipynb"), s.Client("once.ipynb")}
			value(t, tabs[0], "count", countReplies+"replies")
			rounds := short(12, 150)
			run := start(t, tabs[0], "ask", fmt.Sprintf("for i in range(%d): print(input(f'{i}: '))\ninput('last: ')\nprint(replies)", rounds))
			took, untold := make([]string, rounds), 0
			for i := range rounds {
				for _, c := range tabs {
					waitPromptText(t, c, fmt.Sprintf("%d: ", i))
				}
				p := tabs[0].State().Prompts[0]
				var wg sync.WaitGroup
				acks := make([]protocol.Ack, len(tabs))
				for k, c := range tabs {
					wg.Go(func() { acks[k] = answer(t, c, p, fmt.Sprintf("tab%d", k)) })
				}
				if i%2 == 0 {
					time.Sleep(time.Duration(rng.IntN(4000)) * time.Microsecond)
					s.Kill()
					s.Start()
				}
				wg.Wait()
				for k, ack := range acks {
					if ack.Status != protocol.AckRejected && took[i] != "" {
						t.Fatalf("round %d: both took effect: %+v", i, acks)
					}
					if ack.Status != protocol.AckRejected {
						took[i] = fmt.Sprintf("tab%d", k)
					}
				}
				if took[i] == "" {
					untold++ // the server ended after it had passed an answer on, before it wrote down whose it was
				}
			}
			waitPromptText(t, tabs[0], "last: ")
			answer(t, tabs[0], tabs[0].State().Prompts[0], "end")
			finish(t, tabs[0], run, 20*time.Second, protocol.StatusOK)
			got := strings.Fields(streamText(t, s, tabs[0].State(), "ask"))
			if len(got) != rounds+1 || got[rounds] != fmt.Sprint(rounds+1) {
				t.Fatalf("the kernel got the answers %v, want %d, and as many messages", got, rounds+1)
			}
			for i, who := range took {
				if who != "" && got[i] != who {
					t.Errorf("round %d: the kernel got %s, %s was told that it took effect", i, got[i], who)
				}
			}
			t.Logf("%d prompts, %d of them in a server that was killed; nobody was told whose answer it was of %d", rounds, (rounds+1)/2, untold)
		})
	}
}

// Promise 3 and 4: a thread's prompt waits longer than its run; it survives the same, and ends with its kernel.
func TestInput_of_a_thread(t *testing.T) {
	s := newServer(t, "7")
	p := newProxy(t, s.URL)
	c := s.Client("thread.ipynb", p.URL)
	value(t, c, "ask", `import threading
def ask():
    for prompt in "Name: ", "Town: ", "Never: ":
        print("got", input(prompt))
threading.Thread(target=ask).start()`)
	first := waitPrompt(t, c, 30*time.Second)
	if run := c.State().Cell("ask").Run; run.State != protocol.StateDone || run.Status != protocol.StatusOK {
		t.Fatalf("the run is %s %s", run.State, run.Status)
	}
	p.Cut()
	if got := waitPrompt(t, c, 5*time.Second); got.RequestID != first.RequestID {
		t.Fatalf("after the cut: %+v", got)
	}
	s.Kill()
	s.Start()
	second := s.Client("thread.ipynb") // a second tab, or the first after its reload
	if got := waitPrompt(t, second, 10*time.Second); got.RequestID != first.RequestID || got.CellID != "ask" {
		t.Fatalf("after the kill: %+v", got)
	}
	if got := answer(t, second, first, "Ada"); got.Status == protocol.AckRejected {
		t.Fatalf("answer rejected: %s", got.Error)
	}
	if got := answer(t, c, first, "Bob"); got.Status != protocol.AckRejected || got.Code != protocol.CodeAlreadyAnswered {
		t.Errorf("the second answer got %s %s, want already_answered", got.Status, got.Code)
	}
	waitPromptText(t, c, "Town: ")
	run := start(t, c, "main", "print('main', input('Main: '))")
	if err := c.Wait(within(t, 20*time.Second), "two prompts", func(st *protocol.State) bool { return len(st.Prompts) == 2 }); err != nil {
		t.Fatal(err)
	}
	town, main := c.State().Prompts[0], c.State().Prompts[1]
	answer(t, c, main, "M")
	finish(t, c, run, 20*time.Second, protocol.StatusOK)
	answer(t, c, town, "Oslo")
	waitPromptText(t, c, "Never: ")
	if got := streamText(t, s, c.State(), "ask") + streamText(t, s, c.State(), "main"); got != "got Ada\ngot Oslo\nmain M\n" {
		t.Errorf("the cells printed %q", got)
	}
	do(t, c, protocol.Command{Type: protocol.CmdKernelRestart})
	if err := c.Wait(within(t, 5*time.Second), "no prompt", func(st *protocol.State) bool { return len(st.Prompts) == 0 }); err != nil {
		t.Fatal(err)
	}
	if got := value(t, c, "after", "40 + 2"); got != "42" {
		t.Errorf("after the restart the kernel says %s", got)
	}
}

// Promise 4: many prompts in a row with clear_output and images between.
func TestInput_many_prompts_in_a_row(t *testing.T) {
	t.Parallel()
	s := newServer(t, "7")
	c := s.Client("many.ipynb")
	n := short(100, 1000)
	run := start(t, c, "loop", fmt.Sprintf(`from IPython.display import clear_output, display
import base64
class P:
    def _repr_png_(self): return base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==")
total = 0
for i in range(%d):
    clear_output(wait=i %% 2 == 0)
    display(P())
    total += int(input(f"{i}: "))
total`, n))
	for i := range n {
		var p protocol.Prompt
		if err := c.Wait(within(t, 20*time.Second), fmt.Sprintf("prompt %d", i), func(st *protocol.State) bool {
			if len(st.Prompts) != 1 || st.Prompts[0].Prompt != fmt.Sprintf("%d: ", i) {
				return false
			}
			p = st.Prompts[0]
			return true
		}); err != nil {
			t.Fatal(err)
		}
		answer(t, c, p, fmt.Sprint(i))
	}
	finish(t, c, run, time.Minute, protocol.StatusOK)
	if got, want := resultText(c.State(), "loop"), fmt.Sprint(n*(n-1)/2); got != want {
		t.Errorf("sum of the answers is %s, want %s", got, want)
	}
}

// Promise 4: rerun, run all, interrupt and restart while a prompt waits.
func TestInput_interrupt_and_restart_while_waiting(t *testing.T) {
	s := newServer(t, "7")
	c := s.Client("waiting.ipynb")
	value(t, c, "warm", "1")
	run := start(t, c, "ask", "input('one: ')")
	p := waitPrompt(t, c, 20*time.Second)
	rerun := start(t, c, "ask", "input('two: ')")
	if got := waitPrompt(t, c, time.Second); got.RequestID != p.RequestID {
		t.Fatal("a queued rerun replaced the live prompt")
	}
	answer(t, c, p, "x")
	finish(t, c, run, 20*time.Second, protocol.StatusOK)
	waitPromptText(t, c, "two: ")
	began := time.Now()
	do(t, c, protocol.Command{Type: protocol.CmdInterrupt})
	finish(t, c, rerun, 5*time.Second, protocol.StatusInterrupted)
	t.Logf("interrupt of a prompt took %v", time.Since(began).Round(time.Millisecond))

	run = start(t, c, "ask", "input('three: ')")
	waitPromptText(t, c, "three: ")
	queued := start(t, c, "next", "40 + 2")
	do(t, c, protocol.Command{Type: protocol.CmdKernelRestart})
	finish(t, c, run, 10*time.Second, protocol.StatusInterrupted)
	finish(t, c, queued, 30*time.Second, protocol.StatusOK)
	if got := resultText(c.State(), "next"); got != "42" {
		t.Errorf("the run queued over the restart says %s", got)
	}
}

// Promise 4: run all while a prompt waits: the box stays as it is, with its cell running, and the runs wait behind it.
func TestInput_run_all_while_waiting(t *testing.T) {
	t.Parallel()
	s := newServer(t, "7")
	c := s.Client("all.ipynb")
	value(t, c, "first", "print('first')")
	run := start(t, c, "ask", "input('one: ')")
	p := waitPrompt(t, c, 20*time.Second)
	do(t, c, protocol.Command{Type: protocol.CmdRun})
	late := s.Client("all.ipynb")
	if got := waitPrompt(t, late, 10*time.Second); got.RequestID != p.RequestID {
		t.Error("run all replaced the live prompt")
	}
	if st := late.State(); st.Cell("ask").Run.ID != run || st.Cell("ask").Run.State != protocol.StateRunning || len(st.Queue) != 2 {
		t.Errorf("the waiting cell is %+v, the queue %v", st.Cell("ask").Run, st.Queue)
	}
	answer(t, c, p, "x")
	finish(t, c, run, 20*time.Second, protocol.StatusOK)
	waitPromptText(t, c, "one: ")
	answer(t, c, waitPrompt(t, c, 20*time.Second), "y")
	if err := c.Wait(within(t, 20*time.Second), "run all to end", func(st *protocol.State) bool {
		return len(st.Queue) == 0 && st.Kernel.State == protocol.KernelIdle
	}); err != nil {
		t.Fatal(err)
	}
	if got := resultText(c.State(), "ask"); got != "'y'" {
		t.Errorf("the second run says %s", got)
	}
}

// Promise 4: a password typed at getpass is found in no file, journal, spool, log or second tab.
func TestInput_password_is_nowhere(t *testing.T) {
	t.Parallel()
	s := newServer(t, "7", "--log-format", "json")
	var heard lockedBuffer // all that came to the two tabs
	listen := pageclient.Options{URL: s.URL, OnEvents: func(f protocol.Events, _ []protocol.Event, _ *protocol.State) {
		for _, event := range f.Events {
			_, _ = heard.Write(event)
		}
	}}
	c, other := s.Open("secret.ipynb", listen), s.Open("secret.ipynb", listen)
	secret := "canary-" + strings.Repeat("7f3a", 6)
	run := start(t, c, "ask", "import getpass\nn = len(getpass.getpass('Key: '))\nprint(n)")
	p := waitPrompt(t, c, 30*time.Second)
	if !p.Password {
		t.Fatal("the prompt is not marked as a password's")
	}
	answer(t, c, p, secret)
	finish(t, c, run, 20*time.Second, protocol.StatusOK)
	if got, want := streamText(t, s, c.State(), "ask"), fmt.Sprintf("%d\n", len(secret)); got != want {
		t.Fatalf("the kernel got another password: %q, want %q", got, want)
	}
	if err := c.Wait(within(t, 20*time.Second), "the save", func(st *protocol.State) bool { return st.Save.State == protocol.Saved }); err != nil {
		t.Fatal(err)
	}
	converge(t, c, other)
	s.Kill() // what is in the server's memory only is not looked for; what a new one reads is
	s.Start()
	late := s.Open("secret.ipynb", listen)
	converge(t, late, c)
	for name, st := range map[string]*protocol.State{"first tab": c.State(), "second tab": other.State(), "tab of a new server": late.State()} {
		if strings.Contains(withoutClock(st), secret) {
			t.Errorf("the password is in the %s", name)
		}
	}
	if text := heard.String(); strings.Contains(text, secret) || !strings.Contains(text, "prompt_closed") {
		t.Error("the password is in an event, or no event was heard")
	}
	if strings.Contains(s.log.String(), secret) {
		t.Error("the password is in the log")
	}
	for _, root := range []string{s.Dir, s.State} {
		searched := 0
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			data, err := os.ReadFile(path)
			searched += len(data)
			if bytes.Contains(data, []byte(secret)) {
				t.Errorf("the password is in %s", path)
			}
			return err
		})
		if err != nil || searched == 0 {
			t.Errorf("searched %d bytes of %s: %v", searched, root, err)
		}
	}
}

// The prompt's time-out ends the run in an error that says so; the clock stands still while nobody is connected.
func TestInput_times_out(t *testing.T) {
	t.Parallel()
	s := newServer(t, "7", "--input-timeout", "2s")
	c := s.Client("timeout.ipynb")
	run := start(t, c, "ask", "input('quick: ')")
	waitPrompt(t, c, 30*time.Second)
	finish(t, c, run, 20*time.Second, protocol.StatusError)
	data := withoutClock(c.State())
	if !strings.Contains(data, "Input request timed out") {
		t.Errorf("the state does not say that the input timed out: %s", tailOf(data, 800))
	}
	if got := value(t, c, "after", "1+1"); got != "2" {
		t.Errorf("after the time-out the kernel says %s", got)
	}
}

func waitPromptText(t *testing.T, c *pageclient.Client, text string) {
	t.Helper()
	if err := c.Wait(within(t, 20*time.Second), "prompt "+text, func(st *protocol.State) bool {
		return len(st.Prompts) == 1 && st.Prompts[0].Prompt == text
	}); err != nil {
		t.Fatal(err)
	}
}
