package faults

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/runnel-dev/runnel/internal/pageclient"
	"github.com/runnel-dev/runnel/internal/protocol"
)

// F8: the line is cut at random points while at least 20,000 lines are printed, now by a reset, now silently: both sides go on in the belief that it
// stands. Promise 2: the final page equals an uninterrupted one, what the page had is not sent to it again, commands of which the ack was lost run exactly once.
func TestF8_line_cut_at_random_points(t *testing.T) {
	rng := random(t)
	s := newServer(t, "7")
	p := newProxy(t, s.URL)
	steady := s.Client("cuts.ipynb")
	var again sentAgain
	cut := s.Open("cuts.ipynb", pageclient.Options{URL: p.URL, Silence: 1500 * time.Millisecond, OnEvents: again.look})
	value(t, cut, "warm", "1")
	dir := t.TempDir()
	stop, count, counter := filepath.Join(dir, "stop"), filepath.Join(dir, "count"), filepath.Join(dir, "runs")
	pause := time.Duration(short(20, 100)) * time.Millisecond // many cuts take long, and the file gets 8 MiB of a text
	run := start(t, cut, "flood", printUntil(20_000, pause, false, stop, count, counter))
	printed(t, cut, "flood", 1, 20*time.Second)
	cuts := short(25, 100)
	silent := func(i int) bool { return soak() || i%5 == 0 }
	var offline []protocol.RunID
	for i := range cuts {
		eventually(t, 20*time.Second, "the line stands again", cut.Live)
		time.Sleep(time.Duration(rng.IntN(60)) * time.Millisecond)
		before := cut.Stats().Connections
		switch {
		case i%10 == 0: // the command comes to the server, and its ack does not come back
			p.LoseAnswers()
		case silent(i):
			p.Lose()
		default:
			p.Cut()
		}
		if i%10 == 0 {
			code := fmt.Sprintf("open(%q, 'a').write('y')", counter)
			cmd := protocol.Command{Type: protocol.CmdExecute, CellID: protocol.CellID(fmt.Sprintf("off%d", i)), Code: &code}
			cut.Send(&cmd)
			offline = append(offline, protocol.RunID(cmd.CmdID))
		}
		eventually(t, 20*time.Second, "the client feels the cut", func() bool { return cut.Stats().Connections > before })
	}
	if st := steady.State().Cell("flood"); st.Run.State != protocol.StateRunning {
		t.Fatalf("the cell was %s before the last cut", st.Run.State)
	}
	stats, lost := cut.Stats(), textTotal(steady.State(), "flood")
	if err := os.WriteFile(stop, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	finish(t, cut, run, 2*time.Minute, protocol.StatusOK)
	for _, c := range []*pageclient.Client{cut, steady} {
		for _, r := range offline {
			finish(t, c, r, time.Minute, protocol.StatusOK)
		}
	}
	if got, want := executions(counter), 1+len(offline); got != want {
		t.Errorf("%d executions, want %d", got, want)
	}
	if stats.Repeated != 0 || again.units() != 0 {
		t.Errorf("%d events and %d units of text came twice", stats.Repeated, again.units())
	}
	if stats.Snapshots != 1 {
		t.Errorf("%d snapshots: what the page had was fetched anew", stats.Snapshots)
	}
	t.Logf("%d cuts in mid-flood of %d units: %d connections, %d resumes, %d snapshots, %d events, %.1f MB (steady: %.1f MB)", cuts, lost,
		stats.Connections, stats.Resumes, stats.Snapshots, stats.Events, float64(stats.Bytes)/1e6, float64(steady.Stats().Bytes)/1e6)
	printed, _ := os.ReadFile(count)
	everywhere(t, s, "cuts.ipynb", "flood", wantLines(atoi(t, string(printed))), steady, cut)
}

// sentAgain counts how much text of outputs that only grow a page was sent although it had it.
type sentAgain struct {
	mu  sync.Mutex
	has map[protocol.OutputID]int64
	sum int64
}

func (a *sentAgain) look(_ protocol.Events, events []protocol.Event, _ *protocol.State) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.has == nil {
		a.has = map[protocol.OutputID]int64{}
	}
	for _, e := range events {
		put, ok := e.(protocol.TextPut)
		if !ok {
			continue
		}
		a.sum += max(0, a.has[put.OutputID]-put.At)
		a.has[put.OutputID] = max(a.has[put.OutputID], put.At+put.Skipped+int64(protocol.UTF16Len(put.Text)))
	}
}

func (a *sentAgain) units() int64 { a.mu.Lock(); defer a.mu.Unlock(); return a.sum }

// F9: the peer vanishes without a word. Both sides drop the line within 45 s and the client converges without a reload.
func TestF9_half_open_line(t *testing.T) {
	t.Parallel()
	s := newServer(t, "7")
	p := newProxy(t, s.URL)
	s.notebook("half.ipynb")
	c := pageclient.Open(pageclient.Options{URL: p.URL, Token: s.Token, Notebook: "half.ipynb", Silence: 25 * time.Second})
	t.Cleanup(c.Close)
	value(t, c, "warm", "1")
	direct := s.Client("half.ipynb")
	if err := direct.Wait(within(t, 10*time.Second), "a snapshot", func(*protocol.State) bool { return true }); err != nil {
		t.Fatal(err)
	}
	clients := connectedClients(t, s)
	p.Hold(true)
	p.Down(true)
	run := start(t, direct, "meanwhile", "print('meanwhile')")
	finish(t, direct, run, 20*time.Second, protocol.StatusOK)
	eventually(t, 45*time.Second, "the client admits the dead line", func() bool { return !c.Live() })
	eventually(t, 45*time.Second, "the server drops the dead line", func() bool { return connectedClients(t, s) == clients-1 })
	p.Cut()
	p.Hold(false)
	p.Down(false)
	if err := c.Wait(within(t, 15*time.Second), "the output made meanwhile", func(st *protocol.State) bool {
		return textTotal(st, "meanwhile") == int64(len("meanwhile\n"))
	}); err != nil {
		t.Fatal(err)
	}
}

// F11: a line of 64 kbit/s. The slow client slows nobody and is given the present state in place of every step.
func TestF11_slow_line(t *testing.T) {
	s := newServer(t, "7")
	p := newProxy(t, s.URL)
	p.Rate(8 << 10)
	slow := s.Client("slow.ipynb", p.URL)
	fast := s.Client("slow.ipynb")
	value(t, fast, "warm", "1")
	n := 60_000
	run := start(t, fast, "flood", printLines(n, 1000, 0.02, filepath.Join(t.TempDir(), "runs")))
	finish(t, fast, run, 2*time.Minute, protocol.StatusOK)
	sameText(t, "the fast page", streamText(t, s, fast.State(), "flood"), wantLines(n))
	bar := start(t, fast, "bar", "import time\nfor i in range(500):\n    print(f'\\r{i:06d}', end='', flush=True); time.sleep(0.001)")
	finish(t, fast, bar, 3*time.Minute, protocol.StatusOK)
	p.Rate(0)
	if err := slow.Wait(within(t, 60*time.Second), "the slow page to catch up", func(st *protocol.State) bool {
		cell := st.Cell("bar")
		return cell != nil && cell.Run != nil && cell.Run.State == protocol.StateDone
	}); err != nil {
		t.Fatal(err)
	}
	converge(t, slow, fast)
}

// F12: clients that never read, as plain clients and as pages, and a page that stops reading for a while. Everybody else gets every line, the server's
// memory stays bounded; who never reads is dropped, who reads again has all.
func TestF12_client_that_never_reads(t *testing.T) {
	s := newServer(t, "7")
	c := s.Client("deaf.ipynb")
	value(t, c, "warm", "1")
	p := newProxy(t, s.URL)
	paused := s.Client("deaf.ipynb", p.URL)
	if err := paused.Wait(within(t, 20*time.Second), "a state", func(*protocol.State) bool { return true }); err != nil {
		t.Fatal(err)
	}
	before := rss(s.PID())
	for range 5 {
		deaf(t, s, "deaf.ipynb")
	}
	deafPage(t, s, "deaf.ipynb")
	eventually(t, 20*time.Second, "all clients are connected", func() bool { return connectedClients(t, s) == 8 })
	p.Hold(true)
	held := time.Now()
	// More than the sockets of those who do not read take in.
	ballast := start(t, c, "ballast", "for i in range(24): print('y' * 1_000_000)")
	finish(t, c, ballast, 2*time.Minute, protocol.StatusOK)
	n := short(60_000, 300_000)
	run := start(t, c, "flood", printLines(n, n, 0, filepath.Join(t.TempDir(), "runs")))
	finish(t, c, run, time.Duration(short(5, 20))*time.Minute, protocol.StatusOK)
	sameText(t, "the reading page", streamText(t, s, c.State(), "flood"), wantLines(n))
	grew := rss(s.PID()) - before
	t.Logf("server grew by %d MiB with 6 deaf clients", grew>>20)
	if grew > 200<<20 {
		t.Errorf("server grew by %d MiB", grew>>20)
	}
	time.Sleep(time.Until(held.Add(time.Duration(short(0, 30)) * time.Second)))
	p.Hold(false)
	converge(t, c, paused)
	eventually(t, 90*time.Second, "those who never read are dropped", func() bool { return connectedClients(t, s) == 2 })
}

// F13: many clients drop at once when the server restarts; all have resumed within 10 s.
func TestF13_many_clients_resume_after_a_restart(t *testing.T) {
	s := newServer(t, "7")
	first := s.Client("many.ipynb")
	value(t, first, "warm", "print('x' * 1000)")
	n := short(200, 1000)
	alone := openFiles(s.PID())
	clients := make([]*pageclient.Client, n)
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() { clients[i] = s.Client("many.ipynb") })
		if i%50 == 0 {
			time.Sleep(50 * time.Millisecond)
		}
	}
	wg.Wait()
	all := func(epoch string, limit time.Duration) {
		ctx := within(t, limit)
		for _, c := range clients {
			if err := c.Wait(ctx, "all clients", func(st *protocol.State) bool { return st.Epoch != epoch }); err != nil {
				t.Fatal(err)
			}
		}
	}
	all("", 60*time.Second)
	epoch := clients[0].State().Epoch
	s.Terminate()
	s.Start()
	began := time.Now()
	all(epoch, 10*time.Second)
	t.Logf("%d clients back %v after the new server answered; its memory %d MiB", n, time.Since(began).Round(time.Millisecond), rss(s.PID())>>20)
	if open := openFiles(s.PID()); open < n {
		t.Errorf("the server has %d files open, and %d clients", open, n)
	}
	for _, c := range clients {
		wg.Go(c.Close)
	}
	wg.Wait()
	eventually(t, 20*time.Second, "nothing of them is left in the server", func() bool {
		return connectedClients(t, s) == 1 && openFiles(s.PID()) <= alone+5
	})
}

// openFiles is how many files and sockets a process has open.
func openFiles(pid int) int {
	entries, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	return len(entries)
}

// F10: the connection is reset in the middle of frames, at random places of a stream of them: now as soon as the page hears something, now in the
// flood. All cuts come while the cell prints.
func TestF10_cut_inside_frames(t *testing.T) {
	rng := random(t)
	s := newServer(t, "7")
	p := newProxy(t, s.URL)
	p.Rate(400 << 10)
	steady := s.Client("frames.ipynb")
	c := s.Open("frames.ipynb", pageclient.Options{URL: p.URL, MinBackoff: time.Millisecond, MaxBackoff: 5 * time.Millisecond})
	dir := t.TempDir()
	stop, count, counter := filepath.Join(dir, "stop"), filepath.Join(dir, "count"), filepath.Join(dir, "runs")
	run := start(t, steady, "flood", printUntil(8000, 20*time.Millisecond, false, stop, count, counter))
	printed(t, c, "flood", 1, 20*time.Second)
	cuts, live := short(40, 400), 0
	for i := range cuts {
		eventually(t, 20*time.Second, "the page is on its way back, or is", func() bool { return p.Passed() > 0 && (i%2 == 0 || c.Live()) })
		time.Sleep(time.Duration(rng.IntN(30)) * time.Millisecond)
		if c.Live() {
			live++
		}
		p.Cut()
	}
	if st := steady.State().Cell("flood"); st.Run.State != protocol.StateRunning {
		t.Fatalf("the cell was %s before the last cut", st.Run.State)
	}
	p.Rate(0)
	if err := os.WriteFile(stop, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	finish(t, c, run, 2*time.Minute, protocol.StatusOK)
	if got := p.Total(); got < cuts {
		t.Errorf("%d connections for %d cuts", got, cuts)
	}
	stats := c.Stats()
	t.Logf("%d cuts, %d of them of a page that was back: %d connections, %d resumes, %d snapshots", cuts, live, p.Total(), stats.Resumes, stats.Snapshots)
	printed, _ := os.ReadFile(count)
	everywhere(t, s, "frames.ipynb", "flood", wantLines(atoi(t, string(printed))), steady, c)
}

// F10: a session is cut at every byte that comes to the page: of the opening of the line, the greeting, the resume or the snapshot, and what follows.
// (In the short form at every 29th.) Each time the page comes back and has all.
func TestF10_cut_at_every_byte(t *testing.T) {
	s := newServer(t, "7")
	p := newProxy(t, s.URL)
	steady := s.Client("bytes.ipynb")
	at := pageclient.Options{URL: p.URL, MinBackoff: time.Millisecond, MaxBackoff: 5 * time.Millisecond}
	c := s.Open("bytes.ipynb", at)
	dir := t.TempDir()
	stop, count, counter := filepath.Join(dir, "stop"), filepath.Join(dir, "count"), filepath.Join(dir, "runs")
	run := start(t, steady, "flood", printUntil(0, 20*time.Millisecond, true, stop, count, counter))
	printed(t, c, "flood", 1, 20*time.Second)
	step := short(29, 1)
	cut := func(k int, endless bool, again func() *pageclient.Client) {
		before := p.Total()
		p.LimitNext(k)
		c := again()
		began := time.Now()
		eventually(t, 20*time.Second, fmt.Sprintf("the page is back after a cut at byte %d", k), func() bool {
			// There may be less to send this time: the kernel's memory, when it was saved.
			whole := !endless && p.Passed() < k && time.Since(began) > time.Second
			return c.Live() && (p.Total() >= before+2 || whole)
		})
	}
	resumed := 2000 // bytes of a line that goes on: the greeting, the resume and some frames of events
	for k := 1; k <= resumed; k += step {
		cut(k, true, func() *pageclient.Client { p.Cut(); return c })
	}
	if err := os.WriteFile(stop, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	finish(t, c, run, time.Minute, protocol.StatusOK)
	// A new page each time, of which the first line ends at that byte. What it draws after the second is the whole.
	value(t, steady, "flood", "print('short')")
	waitSave(t, steady.Wait, protocol.Saved, 20*time.Second)
	c.Close()
	eventually(t, 20*time.Second, "its line is gone", func() bool { return p.Open() == 0 })
	probe := s.Open("bytes.ipynb", at)
	converge(t, steady, probe)
	opened := p.Passed()
	probe.Close()
	for k := 1; k <= opened; k += step {
		var late *pageclient.Client
		cut(k, false, func() *pageclient.Client { late = s.Open("bytes.ipynb", at); return late })
		converge(t, late, steady)
		late.Close()
	}
	t.Logf("cut at every byte of %d of a resumed line and %d of a new one, step %d; %d connections", resumed, opened, step, p.Total())
	everywhere(t, s, "bytes.ipynb", "flood", "short\n", steady)
}

func sameState(t *testing.T, a, b *protocol.State) {
	t.Helper()
	if a.Epoch != b.Epoch || a.N != b.N {
		t.Errorf("two clients are at %d of %s and %d of %s", a.N, a.Epoch, b.N, b.Epoch)
		return
	}
	x, y := withoutClock(a), withoutClock(b)
	if hashOf(x) != hashOf(y) {
		t.Errorf("two clients at %d hold different states:\n%s\n%s", a.N, tailOf(x, 1500), tailOf(y, 1500))
	}
}

// deaf opens a WebSocket by hand, subscribes and never reads.
func deaf(t *testing.T, s *Server, notebook string) {
	t.Helper()
	host := strings.TrimPrefix(s.URL, "http://")
	conn, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.(*net.TCPConn).SetReadBuffer(4096)
	t.Cleanup(func() { _ = conn.Close() })
	_, err = fmt.Fprintf(conn, "GET /ws?notebook=%s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", notebook, host, s.Token)
	if err != nil {
		t.Fatal(err)
	}
}

// deafPage is a page that says hello and never reads.
func deafPage(t *testing.T, s *Server, notebook string) {
	t.Helper()
	conn := s.dial(t)
	hello := fmt.Sprintf(`{"type":"hello","protocol":%d,"client_id":"deaf","subscriptions":[{"sub":"s","notebook":%q}]}`, protocol.Version, notebook)
	if err := conn.Write(within(t, 5*time.Second), websocket.MessageText, []byte(hello)); err != nil {
		t.Fatal(err)
	}
}
