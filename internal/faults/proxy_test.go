package faults

import (
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"
)

// proxy is a TCP proxy that can misbehave as networks do.
type proxy struct {
	URL    string
	target string
	l      net.Listener
	wg     sync.WaitGroup

	mu    sync.Mutex
	pairs map[*pair]bool
	held  bool // forward nothing, answer nothing
	rate  int  // bytes a second towards the client; 0 is unlimited
	down  bool // refuse new connections
	most  int  // bytes to its client after which the next connection ends; 0: never
	total int  // connections accepted
}

// pair is one connection through the proxy, in two halves.
type pair struct {
	client, server net.Conn
	lost           bool // what the server says comes nowhere, and nobody is told
	mute           bool // nor what the client says
	passed         int  // bytes that came to the client
	most           int  // after so many the connection is reset; 0: never
}

func newProxy(t *testing.T, target string) *proxy {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{URL: "http://" + l.Addr().String(), target: u.Host, l: l, pairs: map[*pair]bool{}}
	p.wg.Go(p.accept)
	t.Cleanup(func() { _ = l.Close(); p.Hold(false); p.Cut(); p.wg.Wait() })
	return p
}

func (p *proxy) accept() {
	for {
		client, err := p.l.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		down, most := p.down, p.most
		p.total++
		p.most = 0
		p.mu.Unlock()
		server, err := net.Dial("tcp", p.target)
		if err != nil || down {
			_ = client.Close()
			if server != nil {
				_ = server.Close()
			}
			continue
		}
		pr := &pair{client: client, server: server, most: most}
		p.mu.Lock()
		p.pairs[pr] = true
		p.mu.Unlock()
		p.wg.Go(func() { p.copy(pr, server, client, false) })
		p.wg.Go(func() { p.copy(pr, client, server, true) })
	}
}

// copy forwards until an end closes; then both are closed.
func (p *proxy) copy(pr *pair, to, from net.Conn, toClient bool) {
	defer p.drop(pr)
	buf := make([]byte, 16<<10)
	for {
		p.mu.Lock()
		rate := p.rate
		p.mu.Unlock()
		part := buf
		if toClient && rate > 0 {
			part = buf[:max(1, min(len(buf), rate/20))]
		}
		n, err := from.Read(part)
		if n > 0 {
			if !p.waitFree(pr) {
				return
			}
			if p.isLost(pr, toClient) {
				continue
			}
			if toClient && rate > 0 {
				time.Sleep(time.Duration(n) * time.Second / time.Duration(rate))
			}
			last := false
			if toClient {
				n, last = p.pass(pr, n)
			}
			if _, err := to.Write(part[:n]); err != nil || last {
				return
			}
		}
		if err != nil {
			if err != io.EOF || p.waitFree(pr) {
				return
			}
			return
		}
	}
}

// waitFree waits while the proxy holds; false when the pair is gone.
func (p *proxy) waitFree(pr *pair) bool {
	for {
		p.mu.Lock()
		held, alive := p.held, p.pairs[pr]
		p.mu.Unlock()
		if !alive {
			return false
		}
		if !held {
			return true
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// pass counts what comes to the client: how much of n may, and whether the connection ends with it.
func (p *proxy) pass(pr *pair, n int) (may int, last bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if pr.most > 0 && pr.passed+n >= pr.most {
		n, last = pr.most-pr.passed, true
	}
	pr.passed += n
	return n, last
}

func (p *proxy) isLost(pr *pair, toClient bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return toClient && pr.lost || !toClient && pr.mute
}

// Lose makes what stands half-open without a word: neither side hears from the other again, and neither is told. New connections pass.
func (p *proxy) Lose() { p.lose(true) }

// LoseAnswers does so in one direction: what the client says still comes to the server.
func (p *proxy) LoseAnswers() { p.lose(false) }

func (p *proxy) lose(both bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for pr := range p.pairs {
		pr.lost, pr.mute = true, both
	}
}

// LimitNext lets the next connection bring so many bytes to its client, and ends it there.
func (p *proxy) LimitNext(bytes int) { p.mu.Lock(); p.most = bytes; p.mu.Unlock() }

// Total is how many connections were accepted.
func (p *proxy) Total() int { p.mu.Lock(); defer p.mu.Unlock(); return p.total }

// Passed is the most that a connection that stands has brought to its client, in bytes.
func (p *proxy) Passed() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	most := 0
	for pr := range p.pairs {
		most = max(most, pr.passed)
	}
	return most
}

func (p *proxy) drop(pr *pair) {
	p.mu.Lock()
	delete(p.pairs, pr)
	p.mu.Unlock()
	_ = pr.client.Close()
	_ = pr.server.Close()
}

// Cut drops all connections; with reset, by RST.
func (p *proxy) Cut() {
	p.mu.Lock()
	pairs := make([]*pair, 0, len(p.pairs))
	for pr := range p.pairs {
		pairs = append(pairs, pr)
	}
	p.mu.Unlock()
	for _, pr := range pairs {
		_ = pr.client.(*net.TCPConn).SetLinger(0)
		_ = pr.server.(*net.TCPConn).SetLinger(0)
		p.drop(pr)
	}
}

// Hold stops all forwarding while connections stay open: a half-open line.
func (p *proxy) Hold(on bool) { p.mu.Lock(); p.held = on; p.mu.Unlock() }

// Down refuses new connections.
func (p *proxy) Down(on bool) { p.mu.Lock(); p.down = on; p.mu.Unlock() }

// Rate limits what goes to the clients, in bytes a second.
func (p *proxy) Rate(bytes int) { p.mu.Lock(); p.rate = bytes; p.mu.Unlock() }

// Open is how many connections stand.
func (p *proxy) Open() int { p.mu.Lock(); defer p.mu.Unlock(); return len(p.pairs) }
