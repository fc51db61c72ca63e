package faults

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/internal/pageclient"
	"github.com/runnel-dev/runnel/internal/protocol"
)

// F8: the line is cut silently at random points while 20,000 lines are printed. Promise 2: the final page equals an uninterrupted one,
// nothing twice beyond the tail that was on its way, commands sent meanwhile run exactly once.
func TestF8_line_cut_at_random_points(t *testing.T) {
	rng := random(t)
	s := newServer(t, "7")
	p := newProxy(t, s.URL)
	steady := s.Client("cuts.ipynb")
	cut := s.Client("cuts.ipynb", p.URL)
	counter := filepath.Join(t.TempDir(), "runs")
	const n = 20_000
	run := start(t, cut, "flood", printLines(n, 20, float64(short(4, 15))/1000, counter))
	cuts := short(25, 100)
	var offline []protocol.RunID
	for i := range cuts {
		eventually(t, 10*time.Second, "the line stands again", cut.Live)
		time.Sleep(time.Duration(rng.IntN(60)) * time.Millisecond)
		p.Cut()
		eventually(t, 10*time.Second, "the client feels the cut", func() bool { return !cut.Live() || cut.Stats().Connections > i+1 })
		if i%10 == 0 {
			code := fmt.Sprintf("open(%q, 'a').write('y')", counter)
			cmd := protocol.Command{Type: protocol.CmdExecute, CellID: protocol.CellID(fmt.Sprintf("off%d", i)), Code: &code}
			cut.Send(&cmd)
			offline = append(offline, protocol.RunID(cmd.CmdID))
		}
	}
	finish(t, cut, run, 2*time.Minute, protocol.StatusOK)
	for _, r := range offline {
		finish(t, cut, r, time.Minute, protocol.StatusOK)
	}
	finish(t, steady, offline[len(offline)-1], time.Minute, protocol.StatusOK)
	sameText(t, "the page that was cut", streamText(t, s, cut.State(), "flood"), wantLines(n))
	sameText(t, "the page that was not", streamText(t, s, steady.State(), "flood"), wantLines(n))
	sameState(t, cut.State(), steady.State())
	if got, want := executions(counter), 1+len(offline); got != want {
		t.Errorf("%d executions, want %d", got, want)
	}
	st := cut.Stats()
	if st.Repeated != 0 {
		t.Errorf("%d events came twice", st.Repeated)
	}
	if st.Connections < cuts { // the line may stand down when the last cut comes after the last line
		t.Errorf("%d connections for %d cuts", st.Connections, cuts)
	}
	t.Logf("%d cuts: %d connections, %d resumes, %d snapshots, %d events, %.1f MB (steady: %.1f MB)",
		cuts, st.Connections, st.Resumes, st.Snapshots, st.Events, float64(st.Bytes)/1e6, float64(steady.Stats().Bytes)/1e6)
}

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
	sameState(t, slow.State(), fast.State())
}

// F12: a client that never reads. Everybody else gets every line, the server's memory stays bounded, the client is dropped.
func TestF12_client_that_never_reads(t *testing.T) {
	s := newServer(t, "7")
	c := s.Client("deaf.ipynb")
	value(t, c, "warm", "1")
	before := rss(s.PID())
	for range 5 {
		deaf(t, s, "deaf.ipynb")
	}
	n := short(60_000, 300_000)
	run := start(t, c, "flood", printLines(n, n, 0, filepath.Join(t.TempDir(), "runs")))
	finish(t, c, run, time.Duration(short(5, 20))*time.Minute, protocol.StatusOK)
	sameText(t, "the reading page", streamText(t, s, c.State(), "flood"), wantLines(n))
	grew := rss(s.PID()) - before
	t.Logf("server grew by %d MiB with 5 deaf clients", grew>>20)
	if grew > 200<<20 {
		t.Errorf("server grew by %d MiB", grew>>20)
	}
}

// F13: many clients drop at once when the server restarts; all have resumed within 10 s.
func TestF13_many_clients_resume_after_a_restart(t *testing.T) {
	s := newServer(t, "7")
	first := s.Client("many.ipynb")
	value(t, first, "warm", "print('x' * 1000)")
	n := short(200, 1000)
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
}

// F10: the connection is reset in the middle of frames, at every kind of place, by a limit on the bytes let through.
func TestF10_cut_inside_frames(t *testing.T) {
	rng := random(t)
	s := newServer(t, "7")
	p := newProxy(t, s.URL)
	p.Rate(400 << 10)
	c := s.Client("frames.ipynb", p.URL)
	run := start(t, c, "flood", printLines(8000, 50, 0.005, filepath.Join(t.TempDir(), "runs")))
	for range short(40, 400) {
		time.Sleep(time.Duration(rng.IntN(30)) * time.Millisecond)
		p.Cut()
	}
	p.Rate(0)
	finish(t, c, run, time.Minute, protocol.StatusOK)
	sameText(t, "the page", streamText(t, s, c.State(), "flood"), wantLines(8000))
}

func sameState(t *testing.T, a, b *protocol.State) {
	t.Helper()
	if a.Epoch == b.Epoch && a.N != b.N {
		return // not at the same number: nothing to compare
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
