package httpapi

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// What the server waits for and how long, on a clock that goes on when all wait: the times are exact.

// piped is a listener for connections in memory.
type piped struct {
	conns chan net.Conn
	over  chan struct{}
}

func (p *piped) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.over:
		return nil, net.ErrClosed
	}
}

func (p *piped) Close() error   { close(p.over); return nil }
func (p *piped) Addr() net.Addr { return &net.UnixAddr{} }

// strange serves one connection as strangers are served, until the test ends, and is its other end.
func strange(t *testing.T, h http.HandlerFunc) net.Conn {
	t.Helper()
	l := &piped{conns: make(chan net.Conn, 1), over: make(chan struct{})}
	server, ended := Server(h), make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	ours, theirs := net.Pipe()
	l.conns <- theirs
	t.Cleanup(func() {
		_ = errors.Join(ours.Close(), server.Close())
		<-ended
	})
	return ours
}

// ends is how long it takes until the other side closes, and what it said.
func ends(conn net.Conn) (said string, after time.Duration) {
	began := time.Now()
	all, _ := io.ReadAll(conn)
	return string(all), time.Since(began)
}

// TestSlowStrangers: who opens a connection and says nothing more, or does not come to the end, is dropped (S25).
func TestSlowStrangers(t *testing.T) {
	ask := func(w http.ResponseWriter, r *http.Request) {
		var v any
		if err := readJSON(w, r, &v); err != nil {
			http.Error(w, "the body: "+err.Error(), http.StatusBadRequest)
		}
	}
	const header = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n"
	for _, test := range []struct {
		name, says, answer string
		after              time.Duration
	}{
		{"says nothing", "", "", 10 * time.Second},
		{"half a header", header, "", 10 * time.Second},
		{"half a body", header + "\r\n{\"a\":", "the body: ", bodyTime},
		{"a whole request, and nothing more", strings.Replace(header, "100", "2", 1) + "\r\n{}", "200 OK", 2 * time.Minute},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conn := strange(t, ask)
				if _, err := io.WriteString(conn, test.says); err != nil {
					t.Fatal(err)
				}
				if said, after := ends(conn); after != test.after || !strings.Contains(said, test.answer) {
					t.Errorf("it ended after %v, want %v, with %q", after, test.after, said)
				}
			})
		})
	}
}

// TestBody_slow: a body that gets on, be it slowly, is read to its end.
func TestBody_slow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := strange(t, func(w http.ResponseWriter, r *http.Request) {
			n, err := io.Copy(io.Discard, body(w, r, 1000))
			_, _ = fmt.Fprintf(w, "%d bytes, %v", n, err)
		})
		go func() {
			_, _ = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 10\r\n\r\n")
			for range 10 {
				time.Sleep(bodyTime - time.Second)
				_, _ = conn.Write([]byte("x"))
			}
		}()
		if said, after := ends(conn); !strings.Contains(said, "10 bytes, <nil>") {
			t.Errorf("after %v %q", after, said)
		}
	})
}

// TestLine_unused: a line that nobody listens to is dropped, one that somebody listens to is not.
func TestLine_unused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &API{lines: lines{byID: map[string]*line{}}}
		for range 2 {
			a.openLine(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", nil))
		}
		var all []*line
		for _, l := range a.lines.byID {
			all = append(all, l)
		}
		all[0].taken.Store(true)
		open := func() int {
			synctest.Wait()
			a.lines.mu.Lock()
			defer a.lines.mu.Unlock()
			return len(a.lines.byID)
		}
		time.Sleep(lineUnused - time.Nanosecond)
		if got := open(); got != 2 {
			t.Errorf("%d lines before the time is over", got)
		}
		time.Sleep(time.Nanosecond)
		if open() != 1 || a.lines.byID[all[0].id] == nil {
			t.Errorf("left are %v", a.lines.byID)
		}
		if _, err := all[1].Read(t.Context()); !errors.Is(err, errLineClosed) {
			t.Errorf("the unused line: %v", err)
		}
	})
}

// TestListener_slowReader: a write that gets on, be it slowly, does not end.
func TestListener_slowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		c := &progress{Conn: ours, closed: func() {}}
		c.SetPatience(time.Second)
		sent := make(chan error, 1)
		go func() {
			n, err := c.Write(make([]byte, 64<<10))
			if err == nil && n != 64<<10 {
				err = fmt.Errorf("%d bytes", n)
			}
			_ = ours.Close()
			sent <- err
		}()
		buf := make([]byte, 1<<10)
		for got := 0; got < 64<<10; {
			time.Sleep(600 * time.Millisecond)
			n, err := theirs.Read(buf)
			if err != nil {
				t.Fatalf("after %d bytes: %v; the write: %v", got, err, <-sent)
			}
			got += n
		}
		if err := <-sent; err != nil {
			t.Error(err)
		}
	})
}

// TestListener_stuckReader: a write that gets nowhere ends.
func TestListener_stuckReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, _ := net.Pipe()
		c := &progress{Conn: ours, closed: func() {}}
		c.SetPatience(time.Minute)
		began := time.Now()
		if n, err := c.Write(make([]byte, 64<<10)); !errors.Is(err, os.ErrDeadlineExceeded) || n != 0 {
			t.Errorf("wrote %d: %v", n, err)
		}
		if took := time.Since(began); took != time.Minute {
			t.Errorf("it took %v", took)
		}
	})
}
