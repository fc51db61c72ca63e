package session

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/internal/fault"
	"github.com/runnel-dev/runnel/internal/protocol"
)

func TestOutputsOfARealKernel(t *testing.T) {
	w := newWorld(t, "7")
	sv, s, p := w.begin()
	run := func(cell, code string) *protocol.Cell {
		t.Helper()
		sv.execute(s, cell, code)
		p.untilDone(cell, protocol.StatusOK)
		return p.state.Cell(protocol.CellID(cell))
	}
	t.Run("a display updated from another cell", func(t *testing.T) {
		run("d1", "from IPython.display import display, clear_output, update_display\nh = display('first', display_id='here')")
		run("d2", "update_display('second', display_id='here')")
		if got := text(p.state.Cell("d1")); !strings.Contains(got, "second") {
			t.Errorf("shows %q", got)
		}
	})
	t.Run("clear_output that waits", func(t *testing.T) {
		c := run("c1", "print('old')\nclear_output(wait=True)\nprint('new')")
		if got := text(c); got != "new\n" {
			t.Errorf("shows %q", got)
		}
		if got := text(run("c1", "print('x')\nclear_output()")); got != "" {
			t.Errorf("shows %q", got)
		}
	})
	t.Run("a bar is one line", func(t *testing.T) {
		c := run("bar", "for i in range(101):\n    print(f'\\r{i}%', end='', flush=True)")
		if got := text(c); got != "100%" {
			t.Errorf("shows %q", got)
		}
	})
	t.Run("a thread prints after its cell's end", func(t *testing.T) {
		run("thread", "import threading, time\ndef late():\n    time.sleep(.3)\n    print('late')\nthreading.Thread(target=late).start()")
		p.untilText("thread", "late")
	})
	t.Run("a thread prints while another cell runs", func(t *testing.T) {
		run("starts", "go = threading.Event()\ndef later():\n    go.wait()\n    print('printed')\n    display('shown')\nt = threading.Thread(target=later)\nt.start()")
		if got := text(run("other", "go.set()\nt.join()\nprint('its own')")); got != "its own\n" {
			t.Errorf("the other cell shows %q", got)
		}
		p.untilText("starts", "printed")
		p.untilText("starts", "shown")
	})
	t.Run("the next input", func(t *testing.T) {
		run("next", "get_ipython().set_next_input('print(7)', replace=False)")
		i := 0
		for p.state.Cells[i].ID != "next" {
			i++
		}
		if i+1 >= len(p.state.Cells) || p.state.Cells[i+1].Source != "print(7)" {
			t.Errorf("cells %s", asJSON(p.state.Cells[i:]))
		}
	})
	t.Run("the pager", func(t *testing.T) {
		run("pager", "len?")
		for _, e := range p.events {
			if pl, ok := e.(protocol.Payload); ok && pl.Kind == "pager" && len(pl.Data) > 0 {
				return
			}
		}
		t.Error("no payload")
	})
	t.Run("variables", func(t *testing.T) {
		run("vars", "answer = 42")
		for _, e := range p.events {
			if d, ok := e.(protocol.RunDone); ok && d.CellID == "vars" {
				if !strings.Contains(string(d.Variables), `"answer":{"type":"int","value":"42"}`) {
					t.Errorf("variables %s", d.Variables)
				}
			}
		}
	})
	t.Run("a large value is a blob and comes back in the file", func(t *testing.T) {
		c := run("big", "from IPython.display import HTML\nHTML('x' * 400_000)")
		var ref protocol.BlobRef
		if err := json.Unmarshal(c.Outputs[0].Data["text/html"], &ref); err != nil || ref.Blob.Size != 400_000 {
			t.Fatalf("value %.200s", c.Outputs[0].Data["text/html"])
		}
		f, err := sv.journal.Blob(ref.Blob.Hash)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Close() }()
		if data, _ := io.ReadAll(f); string(data) != strings.Repeat("x", 400_000) {
			t.Errorf("blob of %d bytes", len(data))
		}
	})
	t.Run("completion and help, in UTF-16 units", func(t *testing.T) {
		code := "'😀'; answ"
		ask := func(r protocol.Request) (got protocol.Response) {
			for range 10 { // the first time, Python reads what it completes with
				if got = s.Ask(testContext(t), r); got.Error == "" {
					break
				}
			}
			return got
		}
		got := ask(protocol.Request{RequestID: "q", Kind: "complete", Code: code, Cursor: 10})
		if got.Error != "" || len(got.Matches) == 0 || got.Matches[0] != "answer" || got.Start != 6 || got.End != 10 {
			t.Errorf("%+v", got)
		}
		got = ask(protocol.Request{Kind: "inspect", Code: "answer", Cursor: 3})
		if got.Error != "" || len(got.Data["text/plain"]) == 0 {
			t.Errorf("%+v", got)
		}
	})
	t.Run("history, the oldest first", func(t *testing.T) {
		run("one", "'the first of two'")
		run("two", "'the second of two'")
		got := s.Ask(testContext(t), protocol.Request{RequestID: "h", Kind: "history"})
		n := len(got.Matches)
		if got.Error != "" || got.RequestID != "h" || n < 2 || got.Matches[n-2] != "'the first of two'" || got.Matches[n-1] != "'the second of two'" {
			t.Errorf("%+v", got)
		}
	})
	t.Run("more text than is shown", func(t *testing.T) {
		c := run("flood", "for i in range(150_000):\n    print('line', i)")
		o := c.Outputs[0]
		if len(c.Outputs) != 1 || o.Text.TailAt <= int64(len(o.Text.Head)) || !strings.HasSuffix(o.Text.Tail, "line 149999\n") {
			t.Fatalf("%d outputs, head %d, tail %d at %d", len(c.Outputs), len(o.Text.Head), len(o.Text.Tail), o.Text.TailAt)
		}
		r, err := s.OutputText(testContext(t), o.ID)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = r.Close() }()
		whole, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		checkLines(t, string(whole), 150_000)
	})
	sv.do(s, protocol.Command{Type: protocol.CmdSave})
	p.untilSaved()
	p.same()
	saved := w.read("a.ipynb")
	for _, part := range []string{strings.Repeat("x", 400_000), "line 149999", "line 75000\\n"} {
		if !strings.Contains(saved, part) {
			t.Errorf("the file lacks %.20q", part)
		}
	}
}

func checkLines(t *testing.T, whole string, n int) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(whole, "\n"), "\n")
	if len(lines) != n {
		t.Fatalf("%d lines, want %d", len(lines), n)
	}
	for i, line := range lines {
		if line != "line "+itoa(i) {
			t.Fatalf("line %d is %q", i, line)
		}
	}
}

func itoa(i int) string { return string(mustMarshal(i)) }

func TestDeathOfARealKernel(t *testing.T) {
	w := newWorld(t, "7")
	sv, s, p := w.begin()
	sv.execute(s, "a", "print('before', flush=True)\nimport os, signal, time\ntime.sleep(.1)\nos.kill(os.getpid(), signal.SIGKILL)")
	begun := time.Now()
	p.untilDone("a", protocol.StatusKernelDied)
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
	if got := text(p.state.Cell("a")); !strings.HasPrefix(got, "before\n!KernelDied") {
		t.Errorf("shows %q", got)
	}
	if k := p.state.Kernel; k.State != protocol.KernelDead || k.Death == nil || k.Death.Signal == "" {
		t.Errorf("kernel %s", asJSON(k))
	}
	sv.execute(s, "b", "print('again')")
	p.untilDone("b", protocol.StatusOK)
	sv.execute(s, "c", "input()")
	p.until("a prompt", func(s *protocol.State) bool { return len(s.Prompts) == 1 })
	sv.execute(s, "d", "print('d')")
	begun = time.Now()
	sv.do(s, protocol.Command{Type: protocol.CmdKernelRestart})
	p.until("a new kernel", func(s *protocol.State) bool { return s.Kernel.State == protocol.KernelStarting })
	t.Logf("the old kernel was gone after %v", time.Since(begun))
	p.untilDone("d", protocol.StatusOK)
	t.Logf("the next cell had run after %v", time.Since(begun))
	p.untilDone("c", protocol.StatusInterrupted)
	sv.do(s, protocol.Command{Type: protocol.CmdKernelStop})
	p.until("no kernel", func(s *protocol.State) bool { return s.Kernel.State == protocol.KernelNone })
	p.same()
}

func TestKernelThatCannotBeStarted(t *testing.T) {
	w := newWorld(t, "7")
	sv := w.serve()
	sv.launcher.broken = fault.New(fault.Unavailable, "/usr/bin/python3 has no ipykernel. Run: /usr/bin/python3 -m pip install ipykernel")
	s := sv.open("a.ipynb")
	p := sv.page(s)
	sv.execute(s, "a", "1")
	p.untilDone("a", protocol.StatusKernelDied)
	if r := p.state.Cell("a").Run; !strings.Contains(r.Reason, "pip install ipykernel") {
		t.Errorf("reason %q", r.Reason)
	}
	sv.launcher.mu.Lock()
	sv.launcher.broken, sv.launcher.argv = nil, []string{"/bin/sh", "-c", "echo no module named nonsense >&2; exit 3"}
	sv.launcher.mu.Unlock()
	sv.execute(s, "b", "1")
	p.untilDone("b", protocol.StatusKernelDied)
	if d := p.state.Kernel.Death; d == nil || d.ExitCode != 3 || !strings.Contains(d.Stderr, "nonsense") {
		t.Errorf("death %s", asJSON(d))
	}
}

func TestPasswordIsNowhere(t *testing.T) {
	const canary = "canary-7f3e-secret"
	w := newWorld(t, "7")
	sv, s, p := w.begin()
	sv.execute(s, "a", "import getpass\nprint(len(getpass.getpass('Secret: ')))")
	p.until("a prompt", func(s *protocol.State) bool { return len(s.Prompts) == 1 && s.Prompts[0].Password })
	sv.do(s, protocol.Command{Type: protocol.CmdInputReply, Value: canary})
	p.untilDone("a", protocol.StatusOK)
	p.untilSaved()
	if strings.Contains(asJSON(p.events), canary) {
		t.Error("an event holds it")
	}
	sv.stop()
	for _, dir := range []string{w.dir, w.state, w.runtime} {
		err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			data, err := os.ReadFile(path)
			if strings.Contains(string(data), canary) {
				t.Errorf("%s holds it", path)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// The middle of a long text is in the file when the run has ended; while it runs, the file says how much is left out.
func TestLongTextInTheFile(t *testing.T) {
	w := newWorld(t, "7")
	sv, s, p := w.begin()
	const lines = 30_000
	goOn := filepath.Join(t.TempDir(), "go on")
	sv.execute(s, "a", fmt.Sprintf("import os, time\nfor i in range(%d): print('%%099d' %% i)\nwhile not os.path.exists(%q): time.sleep(.01)", lines, goOn))
	p.until("all is printed", func(s *protocol.State) bool {
		c := s.Cell("a")
		return c != nil && len(c.Outputs) == 1 && c.Outputs[0].Text.Total == lines*100
	})
	last := fmt.Sprintf("%099d", lines-1)
	p.until("it is in the file", func(*protocol.State) bool { return strings.Contains(w.read("a.ipynb"), last) })
	file := w.read("a.ipynb")
	if !strings.Contains(file, "characters left out here]") || len(file) > 2<<20 {
		t.Errorf("while it runs the file has %d bytes, with a mark: %v", len(file), strings.Contains(file, "left out here]"))
	}
	if err := os.WriteFile(goOn, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p.untilDone("a", protocol.StatusOK)
	p.untilSaved()
	file = w.read("a.ipynb")
	rest := file
	for i := range lines {
		_, after, found := strings.Cut(rest, fmt.Sprintf("%099d", i))
		if !found {
			t.Fatalf("line %d is not in its place in the file, which has a mark: %v", i, strings.Contains(file, "left out here]"))
		}
		rest = after
	}
}
