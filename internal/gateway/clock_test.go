package gateway

import (
	"context"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/runnel-dev/runnel/internal/protocol"
)

// What a line waits for and how long, on a clock that goes on when all wait: the times are exact.

// Who says nothing is taken for a plain client after a moment.
func TestServe_silence_is_plain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newFakeHub(Scratch)
		serve(t, h, Params{})
		time.Sleep(greeting - 1)
		if synctest.Wait(); h.session(Scratch).open() != 0 {
			t.Error("taken for a plain client too early")
		}
		time.Sleep(time.Nanosecond)
		if synctest.Wait(); h.session(Scratch).open() != 1 {
			t.Error("not taken for a plain client")
		}
	})
}

// Who names a notebook and listens is told all that happens from the connection on, once it is known to be plain.
func TestServe_listens_from_the_beginning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newFakeHub("n.ipynb")
		c := serve(t, h, Params{Notebook: "n.ipynb"})
		synctest.Wait()
		h.session("n.ipynb").emit(protocol.RunDone{CellID: "a", RunID: "r", Status: protocol.StatusOK})
		time.Sleep(greeting - 1)
		if synctest.Wait(); len(c.f.out) != 0 {
			t.Error("told something before it is known what it is")
		}
		if m := c.until("output"); m["cell_id"] != "a" || m["is_last"] != true {
			t.Errorf("%v", m)
		}
	})
}

// What a kernel does not answer, a page is told so of after two seconds.
func TestPage_requestTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newFakeHub("n.ipynb")
		h.session("n.ipynb").busy = true
		c := serve(t, h, Params{})
		c.send(hello)
		began := time.Now()
		c.send(`{"type":"request","req_id":"q","notebook":"n.ipynb","kind":"complete","code":"pri","cursor":3}`)
		if m := c.until("response"); m["req_id"] != "q" || m["error"] != "late" {
			t.Errorf("%v", m)
		}
		if took := time.Since(began); took != requestTime {
			t.Errorf("answered after %v", took)
		}
	})
}

// A plain client is probed every 15 s; one that does not answer for 25 s is not there any more.
func TestPlain_probe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := serve(t, newFakeHub("n.ipynb"), Params{Notebook: "n.ipynb"})
		time.Sleep(time.Hour)
		select {
		case <-c.f.closed:
			t.Fatalf("closed while it answers: %+v", c.f.ending)
		default:
		}
		close(c.f.dead)
		died := time.Now()
		<-c.f.closed
		if took := time.Since(died); took < probeWait || took > probeEvery+probeWait || c.f.ending.Code != protocol.CloseSilent {
			t.Errorf("closed after %v with %+v", took, c.f.ending)
		}
	})
}

// piped is a listener for one connection.
type piped struct {
	conn chan net.Conn
	over chan struct{}
}

func (p *piped) Accept() (net.Conn, error) {
	select {
	case c := <-p.conn:
		return c, nil
	case <-p.over:
		return nil, net.ErrClosed
	}
}

func (p *piped) Close() error   { close(p.over); return nil }
func (p *piped) Addr() net.Addr { return &net.UnixAddr{} }

// Closing waits for a peer that does not say goodbye for a second, and no longer.
func TestWebSocket_goodbye(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		took := make(chan time.Duration, 1)
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			conn, err := websocket.Accept(w, r, nil)
			if err != nil {
				t.Error(err)
				return
			}
			ws := NewWebSocket(conn, theirs)
			began := time.Now()
			ws.Close(protocol.CloseSilent, "over")
			took <- time.Since(began)
		})}
		l := &piped{conn: make(chan net.Conn, 1), over: make(chan struct{})}
		ended := make(chan error, 1)
		go func() { ended <- server.Serve(l) }()
		l.conn <- theirs
		transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return ours, nil }}
		conn, _, err := websocket.Dial(t.Context(), "ws://server/", &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}})
		if err != nil {
			t.Fatal(err)
		}
		if got := <-took; got != goodbyeTime {
			t.Errorf("it took %v", got)
		}
		_ = conn.CloseNow()
		_ = server.Close()
		<-ended
	})
}
