package faults

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/internal/pageclient"
	"github.com/runnel-dev/runnel/internal/protocol"
)

// Caps on memory under a flood, in bytes; docs/guarantees.md names them.
const (
	serverCap = 320 << 20
	keeperCap = 160 << 20
)

// watchMemory samples processes until stop and fails when one passes its cap.
func watchMemory(t *testing.T, caps map[int]int64) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	peak := map[int]int64{}
	go func() {
		defer close(ended)
		for {
			select {
			case <-done:
				return
			case <-time.After(50 * time.Millisecond):
			}
			for pid := range caps {
				peak[pid] = max(peak[pid], rss(pid))
			}
		}
	}()
	return func() {
		close(done)
		<-ended
		for pid, limit := range caps {
			t.Logf("process %d peaked at %d MiB (cap %d)", pid, peak[pid]>>20, limit>>20)
			if peak[pid] > limit {
				t.Errorf("process %d took %d MiB, its cap is %d", pid, peak[pid]>>20, limit>>20)
			}
		}
	}
}

// F28, promise 6: endless prints. The interrupt takes effect, memory is capped, another notebook goes on. How soon is the bench's to say.
func TestF28_endless_print(t *testing.T) {
	s := newServer(t, "7")
	c := s.Client("endless.ipynb")
	keeper := atoi(t, value(t, c, "ppid", "import os; os.getppid()"))
	other := s.Client("other.ipynb")
	value(t, other, "warm", "1")
	stop := watchMemory(t, map[int]int64{s.PID(): serverCap, keeper: keeperCap})
	felt := filepath.Join(t.TempDir(), "felt")
	run := start(t, c, "flood", fmt.Sprintf(`import time
try:
    while True: print('x' * 99)
except KeyboardInterrupt:
    with open(%q, "w") as f: f.write(str(int(time.time() * 1000)))
    raise`, felt))
	printed(t, c, "flood", 10_000, 20*time.Second)
	var slowest time.Duration
	for end := time.Now().Add(time.Duration(short(4, 60)) * time.Second); time.Now().Before(end); {
		began := time.Now()
		value(t, other, "probe", "1 + 1")
		slowest = max(slowest, time.Since(began))
		time.Sleep(200 * time.Millisecond)
	}
	began := time.Now()
	do(t, c, protocol.Command{Type: protocol.CmdInterrupt})
	finish(t, c, run, time.Minute, protocol.StatusInterrupted)
	took := time.Since(began)
	stop()
	data, _ := os.ReadFile(felt)
	kernel := time.UnixMilli(int64(atoi(t, string(data)))).Sub(began)
	t.Logf("the kernel felt the interrupt after %v, the page showed the end after %v; slowest run in the other notebook %v; %d MB printed",
		kernel.Round(time.Millisecond), took.Round(time.Millisecond), slowest.Round(time.Millisecond), textTotal(c.State(), "flood")>>20)
}

// F28: a gigabyte of text. Head and tail in the page, the whole text in the download, every line of it.
func TestF28_much_text(t *testing.T) {
	s := newServer(t, "7")
	c := s.Client("much.ipynb")
	keeper := atoi(t, value(t, c, "ppid", "import os; os.getppid()"))
	megabytes := short(20, 1000)
	stop := watchMemory(t, map[int]int64{s.PID(): serverCap, keeper: keeperCap})
	run := start(t, c, "flood", fmt.Sprintf("line = 'y' * 99 + '\\n'\nfor i in range(%d): print(line * 10000, end='')\nprint('the end')", megabytes))
	finish(t, c, run, 10*time.Minute, protocol.StatusOK)
	stop()
	onlyFlushNotes(t, s, c.State(), "flood")
	cell := c.State().Cell("flood")
	outputs := slices.DeleteFunc(slices.Clone(cell.Outputs), func(o *protocol.Output) bool { return o.Name == "stderr" })
	if len(outputs) != 1 || outputs[0].Text == nil {
		t.Fatalf("%d outputs: %s", len(cell.Outputs), tailOf(strings.Join(outputsOf(cell), "\n"), 1000))
	}
	text := outputs[0].Text
	want := int64(megabytes)*1_000_000 + int64(len("the end\n"))
	if text.Total != want {
		t.Fatalf("total %d, want %d", text.Total, want)
	}
	if kept := len(text.Head) + len(text.Tail); kept > protocol.HeadMax+protocol.TailMax+128<<10 { // a tail is cut when it is that much too long
		t.Errorf("the page holds %d", kept)
	}
	if !strings.HasSuffix(text.Tail, "yy\nthe end\n") {
		t.Errorf("the tail ends in %q", tailOf(text.Tail, 40))
	}
	code, body := s.Get("/runnel/v1/outputs?notebook=much.ipynb&output=" + url.QueryEscape(string(outputs[0].ID)))
	if code != 200 || int64(len(body)) != want {
		t.Fatalf("download: status %d, %d bytes, want %d", code, len(body), want)
	}
	for l := range strings.Lines(string(body[:want-8])) {
		if len(l) != 100 {
			t.Fatalf("a line of %d bytes", len(l))
		}
	}
}

// F28: one output of 200 MB arrives although no frame is over 1 MB.
func TestF28_one_huge_display(t *testing.T) {
	s := newServer(t, "7")
	c := s.Client("huge.ipynb")
	size := short(20, 200) * 1_000_000
	run := start(t, c, "huge", fmt.Sprintf("from IPython.display import display\ndisplay({'text/plain': 'z' * %d}, raw=True)", size))
	finish(t, c, run, 3*time.Minute, protocol.StatusOK)
	cell := c.State().Cell("huge")
	if len(cell.Outputs) != 1 {
		t.Fatalf("%d outputs", len(cell.Outputs))
	}
	raw := string(cell.Outputs[0].Data["text/plain"])
	_, after, ok := strings.Cut(raw, `"hash":"`)
	if !ok {
		t.Fatalf("no blob in %s", tailOf(raw, 200))
	}
	hash, _, _ := strings.Cut(after, `"`)
	code, body := s.Get("/runnel/v1/blobs/" + hash)
	if code != 200 || len(body) < size {
		t.Errorf("blob: status %d, %d bytes, want %d", code, len(body), size)
	}
	if largest := c.Stats().LargestRead; largest > protocol.MaxFrame {
		t.Errorf("a frame of %d bytes", largest)
	}
}

// F28: many tiny displays: the first 5,000 of a cell, in order, and a last one that says how many more there were.
func TestF28_many_displays(t *testing.T) {
	s := newServer(t, "7")
	c := s.Client("tiny.ipynb")
	keeper := atoi(t, value(t, c, "ppid", "import os; os.getppid()"))
	stop := watchMemory(t, map[int]int64{s.PID(): serverCap, keeper: keeperCap})
	const kept = 5000
	n := short(6000, 1_000_000)
	run := start(t, c, "tiny", fmt.Sprintf("from IPython.display import display\nfor i in range(%d): display({'text/plain': str(i)}, raw=True)", n))
	finish(t, c, run, time.Duration(short(3, 60))*time.Minute, protocol.StatusOK)
	stop()
	outputs := c.State().Cell("tiny").Outputs
	if len(outputs) != kept+1 {
		t.Fatalf("%d outputs, want %d", len(outputs), kept+1)
	}
	for i, o := range outputs[:kept] {
		if got, want := string(o.Data["text/plain"]), fmt.Sprintf("%q", fmt.Sprint(i)); got != want {
			t.Fatalf("output %d is %s", i, got)
		}
	}
	if got, want := string(outputs[kept].Metadata), fmt.Sprintf(`{"runnel":{"dropped":%d}}`, n-kept); got != want {
		t.Errorf("the last output says %s, want %s: %s", got, want, outputs[kept].Data["text/plain"])
	}
}

// F28: one display that is replaced again and again, in another cell than its own: the page has the last look, also after the server was killed.
func TestF28_many_updates(t *testing.T) {
	s := newServer(t, "7")
	c := s.Client("updates.ipynb")
	keeper := atoi(t, value(t, c, "ppid", "import os; os.getppid()"))
	stop := watchMemory(t, map[int]int64{s.PID(): serverCap, keeper: keeperCap})
	n := short(3000, 100_000)
	finish(t, c, start(t, c, "shown", "from IPython.display import display\nhandle = display({'text/plain': 'first'}, raw=True, display_id=True)"), time.Minute, protocol.StatusOK)
	finish(t, c, start(t, c, "updates", fmt.Sprintf("for i in range(%d): handle.update({'text/plain': str(i)}, raw=True)", n)), time.Duration(short(3, 60))*time.Minute, protocol.StatusOK)
	stop()
	look := func(st *protocol.State) string {
		cell := st.Cell("shown")
		if cell == nil || len(cell.Outputs) != 1 {
			return ""
		}
		return string(cell.Outputs[0].Data["text/plain"])
	}
	want := fmt.Sprintf("%q", fmt.Sprint(n-1))
	if got := look(c.State()); got != want {
		t.Errorf("the display shows %s, want %s", got, want)
	}
	s.Kill()
	s.Start()
	if err := c.Wait(within(t, time.Minute), "the last look", func(st *protocol.State) bool { return look(st) == want }); err != nil {
		t.Error(err)
	}
}

// Promise 7: a bar updated very often stays one line and does not lag.
func TestBar_stays_one_line(t *testing.T) {
	s := newServer(t, "7")
	var lag []time.Duration
	s.notebook("bar.ipynb")
	c := pageclient.Open(pageclient.Options{URL: s.URL, Token: s.Token, Notebook: "bar.ipynb", OnEvents: func(_ protocol.Events, _ []protocol.Event, st *protocol.State) {
		bar := st.Cell("bar")
		if bar == nil || bar.Run == nil || bar.Run.State != protocol.StateRunning || len(bar.Outputs) == 0 || bar.Outputs[0].Text == nil {
			return
		}
		if at := atoiOr(bar.Outputs[0].Text.Head, 0); at > 0 {
			lag = append(lag, time.Since(time.UnixMilli(int64(at))))
		}
	}})
	t.Cleanup(c.Close)
	value(t, c, "warm", "import time")
	n := short(2000, 20_000)
	run := start(t, c, "bar", fmt.Sprintf("for i in range(%d):\n    print('\\r%%d' %% int(time.time()*1000), end='', flush=True)\n    time.sleep(0.001)", n))
	finish(t, c, run, time.Duration(short(2, 20))*time.Minute, protocol.StatusOK)
	text := streamText(t, s, c.State(), "bar")
	if strings.ContainsAny(text, "\r\n") || len(text) != 13 {
		t.Errorf("the bar is %q", tailOf(text, 60))
	}
	var worst time.Duration
	for _, l := range lag {
		worst = max(worst, l)
	}
	t.Logf("%d updates in %d events, worst lag %v", n, len(lag), worst.Round(time.Millisecond))
	if len(lag) == 0 {
		t.Error("no update was seen")
	}
}

// Promise 15: carriage returns, clear_output(wait) and display updates look the same after a reload as live.
func TestReplay_looks_like_live(t *testing.T) {
	s := newServer(t, "7")
	c := s.Client("replay.ipynb")
	run := start(t, c, "all", `from IPython.display import display, clear_output, HTML
import sys, time
print("first"); clear_output(wait=True); print("second")
h = display("start", display_id=True)
for i in range(50):
    print(f"\r{i}%", end=""); h.update(f"step {i}")
print("\nup\n\x1b[A\x1b[2Kover")
sys.stderr.write("warn\b\b\b\bWARN\n")`)
	finish(t, c, run, 30*time.Second, protocol.StatusOK)
	late := s.Client("replay.ipynb")
	if err := late.Wait(within(t, 10*time.Second), "a snapshot", func(st *protocol.State) bool { return st.Cell("all") != nil }); err != nil {
		t.Fatal(err)
	}
	a, b := c.State().Cell("all"), late.State().Cell("all")
	if x, y := fmt.Sprintf("%+v", outputsOf(a)), fmt.Sprintf("%+v", outputsOf(b)); x != y {
		t.Errorf("live %s\nlate %s", x, y)
	}
	if text := streamText(t, s, c.State(), "all"); text != "second\n49%\nover\nWARN\n" {
		t.Errorf("the text is %q", text)
	}
}

func outputsOf(c *protocol.Cell) []string {
	var out []string
	for _, o := range c.Outputs {
		entry := o.Kind + " " + o.Name + o.Ename + " " + o.Evalue + string(o.Data["text/plain"])
		if o.Text != nil {
			entry += o.Text.Head + o.Text.Tail
		}
		out = append(out, entry)
	}
	return out
}

// Promise 1: the tab is closed while the cell prints; on return every line is there, the cell is still marked running, new ones arrive.
func TestClosed_tab(t *testing.T) {
	t.Parallel()
	s := newServer(t, "7")
	s.notebook("tab.ipynb")
	first := pageclient.Open(pageclient.Options{URL: s.URL, Token: s.Token, Notebook: "tab.ipynb"})
	value(t, first, "warm", "1")
	pause := time.Duration(short(100, 1000)) * time.Millisecond // between two lines
	away := short(40, 600)                                      // lines that are printed while no tab is open
	dir := t.TempDir()
	stop, at := filepath.Join(dir, "stop"), filepath.Join(dir, "at")
	said := func() int { data, _ := os.ReadFile(at); return atoiOr(string(data), 0) }
	run := start(t, first, "slow", printSlowly(pause.Seconds(), stop, at))
	printed(t, first, "slow", int64(len(line(0))), 20*time.Second)
	first.Close()
	closed, before := time.Now(), said()
	eventually(t, time.Minute+3*time.Duration(away)*pause, "the lines are printed", func() bool { return said() >= before+away })
	lines := said()
	second := s.Client("tab.ipynb")
	waitRunning(t, second, "slow")
	st := second.State()
	t.Logf("back after %v: %d lines of %d", time.Since(closed).Round(time.Millisecond), textTotal(st, "slow")/int64(len(line(0))), lines)
	if started := st.Cell("slow").Run.StartedAt; time.UnixMilli(started).After(closed) {
		t.Errorf("the run's clock began anew")
	}
	printed(t, second, "slow", int64(lines*len(line(0))), 20*time.Second)
	if err := os.WriteFile(stop, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	finish(t, second, run, 2*time.Minute, protocol.StatusOK)
	sameText(t, "the page", streamText(t, s, second.State(), "slow"), wantLines(said()))
}
