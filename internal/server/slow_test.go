package server_test

import (
	"context"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/internal/pageclient"
	"github.com/runnel-dev/runnel/internal/plainclient"
	"github.com/runnel-dev/runnel/internal/protocol"
	"github.com/runnel-dev/runnel/internal/server"
	"github.com/runnel-dev/runnel/internal/server/servertest"
	"github.com/runnel-dev/runnel/internal/testpy"
)

// throttle is a way to the server on which what comes down is slow.
func throttle(t *testing.T, to string, bytesPerSecond int) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	t.Cleanup(func() { stop(); _ = l.Close(); wg.Wait() })
	wg.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			up, err := net.Dial("tcp", strings.TrimPrefix(to, "http://"))
			if err != nil {
				_ = client.Close()
				continue
			}
			_ = up.(*net.TCPConn).SetReadBuffer(16 << 10)
			closeBoth := func() { _ = client.Close(); _ = up.Close() }
			context.AfterFunc(ctx, closeBoth)
			wg.Go(func() { defer closeBoth(); _, _ = io.Copy(up, client) })
			wg.Go(func() { defer closeBoth(); trickle(ctx, client, up, bytesPerSecond) })
		}
	})
	return "http://" + l.Addr().String()
}

func trickle(ctx context.Context, to io.Writer, from io.Reader, bytesPerSecond int) {
	const beat = 20 * time.Millisecond
	buf := make([]byte, max(64, bytesPerSecond/50))
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// TestSlowClient: a page at 64 kbit/s holds up nobody, is not dropped, and has the present state soon after a bar has run through (P25).
func TestSlowClient(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, server.Config{Python: testpy.Python(t, "7")})
	ctx := within(t, 2*time.Minute)
	fast := dial(t, s, "n.ipynb")
	if _, err := fast.Run(ctx, "warm", "import time", nil); err != nil {
		t.Fatal(err)
	}
	slow := pageclient.Open(pageclient.Options{URL: throttle(t, s.URL(), 8<<10), Token: s.Token(), Notebook: "n.ipynb"})
	t.Cleanup(slow.Close)
	if err := slow.Wait(ctx, "a state", func(*protocol.State) bool { return true }); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	const bar = "for i in range(5000):\n    print('\\r%5d of 5000 ' % i + '#' * 60, end='', flush=True)\n    time.sleep(0.001)"
	if last, err := fast.Run(ctx, "bar", bar, nil); err != nil || last.Result == nil {
		t.Fatal(err, string(last.Raw))
	}
	took := time.Since(began)
	if err := slow.Wait(ctx, "the bar's end", func(s *protocol.State) bool {
		c := s.Cell("bar")
		return c != nil && c.Run != nil && c.Run.State == protocol.StateDone && strings.Contains(c.Outputs[0].Text.Head, " 4999 of 5000")
	}); err != nil {
		t.Fatal(err)
	}
	lag := time.Since(began) - took
	stats := slow.Stats()
	t.Logf("the bar took %v, the slow page was behind by %v, %+v", took, lag, stats)
	if lag > 15*time.Second || stats.Connections != 1 {
		t.Errorf("it was behind by %v, with %d connections", lag, stats.Connections)
	}
}

// TestStuckClient: who reads nothing is let go, and costs the others nothing.
func TestStuckClient(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, server.Config{Python: testpy.Python(t, "7")})
	ctx := within(t, 2*time.Minute)
	fast := dial(t, s, "n.ipynb")
	if _, err := fast.Run(ctx, "warm", "import time", nil); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		ready(ctx, t, dial(t, s, "n.ipynb")) // and then never read again
	}
	var all []time.Duration
	lines := 0
	code := "for i in range(300):\n    print('x' * 40_000)\n    print(time.time_ns())\n    time.sleep(0.01)"
	if last, err := fast.Run(ctx, "flood", code, func(m plainclient.Message) error {
		lines += strings.Count(m.Content, "\n")
		all = append(all, ages(m.Content, m.At)...)
		return nil
	}); err != nil || last.Result == nil {
		t.Fatal(err, string(last.Raw))
	}
	p50, p99, most := percentiles(all)
	t.Logf("beside stuck clients: p50 %v, p99 %v, most %v", p50, p99, most)
	if lines != 600 {
		t.Errorf("%d lines arrived", lines)
	}
}

// TestMemoryOfPages: a connected page costs at most 1 MiB.
func TestMemoryOfPages(t *testing.T) {
	s := servertest.Start(t, server.Config{Python: testpy.Python(t, "7")})
	ctx := within(t, time.Minute)
	fast := dial(t, s, "n.ipynb")
	if _, err := fast.Run(ctx, "warm", "print('x' * 100_000)", nil); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	const pages = 50
	for range pages {
		page := openPage(t, s, "n.ipynb")
		if err := page.Wait(ctx, "a state", func(*protocol.State) bool { return true }); err != nil {
			t.Fatal(err)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	each := int64(after.HeapAlloc+after.StackInuse-before.HeapAlloc-before.StackInuse) / pages
	t.Logf("%d KiB a page, the client's half included", each>>10)
	if each > 1<<20 {
		t.Errorf("a page costs %d KiB", each>>10)
	}
}
