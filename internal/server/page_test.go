package server_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/internal/pageclient"
	"github.com/runnel-dev/runnel/internal/plainclient"
	"github.com/runnel-dev/runnel/internal/protocol"
	"github.com/runnel-dev/runnel/internal/server"
	"github.com/runnel-dev/runnel/internal/server/servertest"
	"github.com/runnel-dev/runnel/internal/testpy"
)

func openPage(t *testing.T, s *server.Server, notebook string) *pageclient.Client {
	t.Helper()
	c := pageclient.Open(pageclient.Options{URL: s.URL(), Token: s.Token(), Notebook: notebook})
	t.Cleanup(c.Close)
	return c
}

func dial(t *testing.T, s *server.Server, notebook string) *plainclient.Client {
	t.Helper()
	c, err := plainclient.Dial(within(t, 10*time.Second), plainclient.Options{URL: s.URL(), Token: s.Token(), Notebook: notebook})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Cut)
	return c
}

// TestPage_cuts: a line that is cut again and again ends with the state of one that never was, and so does one that comes later (P20 to P25).
func TestPage_cuts(t *testing.T) {
	s := servertest.Start(t, server.Config{Python: testpy.Python(t, "7")})
	first := dial(t, s, "n.ipynb")
	if _, err := first.Run(within(t, 30*time.Second), "warm", "import time", nil); err != nil {
		t.Fatal(err)
	}
	steady, cut := openPage(t, s, "n.ipynb"), openPage(t, s, "n.ipynb")
	ctx := within(t, time.Minute)
	whole := func(*protocol.State) bool { return true }
	if err := cut.Wait(ctx, "a state", whole); err != nil {
		t.Fatal(err)
	}
	code := "for i in range(3000):\n    print('line', i, flush=i % 7 == 0)\n    if i % 50 == 0: print('\\r%d' % i, end=''); time.sleep(0.01)"
	ack, err := cut.Do(ctx, protocol.Command{Type: protocol.CmdExecute, CellID: "loop", Code: &code})
	if err != nil || ack.Status != protocol.AckAccepted {
		t.Fatal(ack, err)
	}
	var run protocol.RunID
	if err := steady.Wait(ctx, "the run", func(s *protocol.State) bool {
		c := s.Cell("loop")
		if c == nil || c.Run == nil {
			return false
		}
		run = c.Run.ID
		return true
	}); err != nil {
		t.Fatal(err)
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range 12 {
		time.Sleep(time.Duration(random.IntN(60)) * time.Millisecond) // the moments are what is random
		cut.Cut()
	}
	for _, c := range []*pageclient.Client{cut, steady} {
		if status, err := c.WaitRun(ctx, run); err != nil || status != protocol.StatusOK {
			t.Fatal(status, err)
		}
	}
	late := openPage(t, s, "n.ipynb")
	var n uint64
	if err := late.Wait(ctx, "a saved state", func(s *protocol.State) bool { n = s.N; return s.Save.State == protocol.Saved }); err != nil {
		t.Fatal(err)
	}
	for _, c := range []*pageclient.Client{cut, steady} {
		if err := c.Wait(ctx, "the same number", func(s *protocol.State) bool { return s.N >= n }); err != nil {
			t.Fatal(err)
		}
		if got, want := stateText(c.State()), stateText(late.State()); got != want {
			t.Errorf("the states differ:\n%.3000s\n%.3000s", got, want)
		}
		if v := c.Violations(); len(v) > 0 {
			t.Errorf("broken promises: %v", v)
		}
	}
	if stats := cut.Stats(); stats.Repeated > 0 {
		t.Errorf("%d events came twice", stats.Repeated)
	}
	t.Logf("cut: %+v", cut.Stats())
}

// stateText is a state without its kernel's memory, which is measured at any time.
func stateText(s *protocol.State) string {
	s.Kernel.Memory, s.N = 0, 0
	data, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(data)
}

// TestPage_bigSnapshot: a page that comes after a flood gets it all, in frames that a proxy lets through (P30).
func TestPage_bigSnapshot(t *testing.T) {
	s := servertest.Start(t, server.Config{Python: testpy.Python(t, "7")})
	first := dial(t, s, "n.ipynb")
	ctx := within(t, time.Minute)
	code := "for i in range(100_000): print('line', i, '\\x1b[31mred\\x1b[0m')\nfrom IPython.display import display, HTML\nfor i in range(300): display(HTML('<b>' + 'x' * 3000))"
	last, err := first.Run(ctx, "flood", code, nil)
	if err != nil || last.Result == nil {
		t.Fatal(err, string(last.Raw))
	}
	page := openPage(t, s, "n.ipynb")
	if err := page.Wait(ctx, "a state", func(s *protocol.State) bool {
		c := s.Cell("flood")
		return c != nil && len(c.Outputs) == 301 && c.Outputs[0].Text != nil && strings.Contains(c.Outputs[0].Text.Tail, "line 99999 ")
	}); err != nil {
		t.Fatal(err)
	}
	if stats := page.Stats(); stats.LargestRead > protocol.MaxFrame {
		t.Errorf("a frame of %d bytes", stats.LargestRead)
	}
	if v := page.Violations(); len(v) > 0 {
		t.Errorf("broken promises: %v", v)
	}
}

// TestKernelDeath: the run ends, and everybody is told why.
func TestKernelDeath(t *testing.T) {
	s := servertest.Start(t, server.Config{Python: testpy.Python(t, "7")})
	a, b := dial(t, s, "n.ipynb"), dial(t, s, "n.ipynb")
	ctx := within(t, time.Minute)
	if _, err := a.Run(ctx, "warm", "1", nil); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	last, err := a.Run(ctx, "die", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)", nil)
	if err != nil || last.Type != "error" || last.Status != protocol.StatusKernelDied || last.Error == "" {
		t.Fatal(err, string(last.Raw))
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("told after %v", took)
	}
	seen, err := b.Until(ctx, nil, func(m plainclient.Message) bool { return m.IsLast && m.CellID == "die" })
	if err != nil || seen.Status != protocol.StatusKernelDied {
		t.Error(err, string(seen.Raw))
	}
	if last, err = a.Run(ctx, "again", "2", nil); err != nil || last.Result == nil {
		t.Error("no kernel after a death:", err, string(last.Raw))
	}
}

// TestKernelDeath_idle: also while nothing runs everybody is told that the kernel ended, and why.
func TestKernelDeath_idle(t *testing.T) {
	s := servertest.Start(t, server.Config{Python: testpy.Python(t, "7")})
	client, page := dial(t, s, "n.ipynb"), openPage(t, s, "n.ipynb")
	ctx := within(t, 3*time.Minute)
	if _, err := client.Run(ctx, "warm", "1", nil); err != nil {
		t.Fatal(err)
	}
	if err := page.Wait(ctx, "an idle kernel", func(s *protocol.State) bool { return s.Kernel.State == protocol.KernelIdle && s.Kernel.PID > 0 }); err != nil {
		t.Fatal(err)
	}
	told := func(state string) {
		t.Helper()
		m, err := client.Until(ctx, nil, func(m plainclient.Message) bool { return m.Type == "kernel" })
		var kernel struct{ State, Reason string }
		if err == nil {
			err = json.Unmarshal(m.Raw, &kernel)
		}
		if err != nil || kernel.State != state || state == protocol.KernelDead && !strings.Contains(kernel.Reason, "SIGKILL") {
			t.Fatal(err, string(m.Raw))
		}
	}
	if err := syscall.Kill(page.State().Kernel.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	told(protocol.KernelDead)
	if last, err := client.Run(ctx, "again", "2", nil); err != nil || last.Result == nil {
		t.Error("no kernel after a death:", err, string(last.Raw))
	}
	if ack, err := page.Do(ctx, protocol.Command{Type: protocol.CmdKernelRestart}); err != nil || ack.Status != protocol.AckAccepted {
		t.Fatal(ack, err)
	}
	told(protocol.KernelRestarting)
}

// TestPlain_disconnect: a run goes on when its client leaves.
func TestPlain_disconnect(t *testing.T) {
	s := servertest.Start(t, server.Config{Python: testpy.Python(t, "7")})
	ctx := within(t, time.Minute)
	a := dial(t, s, "n.ipynb")
	if err := a.Execute(ctx, "c", "import time\nprint('go', flush=True)\ntime.sleep(0.5)\nprint('on')"); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Until(ctx, nil, plainclient.Message.IsText); err != nil {
		t.Fatal(err)
	}
	a.Cut()
	b := openPage(t, s, "n.ipynb")
	if err := b.Wait(ctx, "the end", func(s *protocol.State) bool {
		c := s.Cell("c")
		return c != nil && c.Run != nil && c.Run.Status == protocol.StatusOK && fmt.Sprint(c.Outputs[0].Text.Head) == "go\non\n"
	}); err != nil {
		t.Fatal(err)
	}
}
