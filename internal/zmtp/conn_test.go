package zmtp

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestHandshake(t *testing.T) {
	v31 := greeting()
	v31[11] = 1
	v2 := greeting()
	v2[10] = 1
	curve := greeting()
	copy(curve[mechanismAt:], "CURVE")
	cases := []struct {
		name string
		kind Kind
		in   []byte
		want string // part of the error, empty for none
	}{
		{"router for a dealer", Dealer, join(greeting(), readyFrame("ROUTER")), ""},
		{"a newer minor version", Dealer, join(v31, readyFrame("ROUTER")), ""},
		{"xpub for a sub", Sub, join(greeting(), readyFrame("XPUB")), ""},
		{"pub for a sub", Sub, join(greeting(), readyFrame("PUB")), ""},
		{"rep for a req", Req, join(greeting(), readyFrame("REP")), ""},
		{"long form of READY", Dealer, join(greeting(), []byte{flagCommand | flagLong, 0, 0, 0, 0, 0, 0, 0}, readyFrame("ROUTER")[1:]), ""},
		{"pub for a dealer", Dealer, join(greeting(), readyFrame("PUB")), `a DEALER cannot talk to a "PUB"`},
		{"no socket type", Dealer, join(greeting(), commandFrame("READY", "")), `cannot talk to a ""`},
		{"refused", Dealer, join(greeting(), commandFrame("ERROR", "\x04nope")), `refused: "nope"`},
		{"refused without a reason", Dealer, join(greeting(), commandFrame("ERROR", "\xffnope")), `refused: ""`},
		{"nothing", Dealer, nil, "unexpected EOF"},
		{"half a greeting", Dealer, greeting()[:30], "unexpected EOF"},
		{"greeting only", Dealer, greeting(), "unexpected EOF"},
		{"HTTP", Dealer, []byte("HTTP/1.1 400 Bad Request\r\n\r\n"), "does not speak ZMTP 3"},
		{"version 2", Dealer, v2[:11], "does not speak ZMTP 3 (version 1)"},
		{"CURVE", Dealer, curve, `mechanism "CURVE"`},
		{"a message first", Dealer, join(greeting(), frame(0, "x")), "before READY"},
		{"another command first", Dealer, join(greeting(), commandFrame("PING", "\x00\x00")), `command "PING" instead`},
		{"property longer than READY", Dealer, join(greeting(), commandFrame("READY", "\x01a\x00\x00\x01\x00b")), "property"},
		{"name longer than READY", Dealer, join(greeting(), commandFrame("READY", "\xffa")), "properties"},
		{"huge READY", Dealer, join(greeting(), []byte{flagCommand | flagLong, 0, 0, 0, 0, 1, 0, 0, 0}), "too large"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			conn, _ := cannedConn(c.kind, Options{}, c.in)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			err := conn.open(ctx)
			if c.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if !errors.Is(err, ErrHandshake) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

func TestIntroduction(t *testing.T) {
	conn, peer := cannedConn(Sub, Options{Subscribe: [][]byte{[]byte("a"), {}}}, join(greeting(), readyFrame("XPUB")))
	if err := conn.handshake(); err != nil {
		t.Fatal(err)
	}
	want := join(greeting(), readyFrame("SUB"), frame(0, "\x01a"), frame(0, "\x01"))
	if diff := cmp.Diff(want, peer.out.Bytes()); diff != "" {
		t.Error(diff)
	}
	conn, peer = cannedConn(Dealer, Options{Identity: []byte("me")}, join(greeting(), readyFrame("ROUTER")))
	if err := conn.handshake(); err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(peer.out.Bytes(), []byte("\x08Identity\x00\x00\x00\x02me")) {
		t.Errorf("no identity in %q", peer.out.Bytes())
	}
	conn, _ = cannedConn(Dealer, Options{Identity: make([]byte, 256)}, nil)
	if err := conn.handshake(); err == nil {
		t.Error("an identity of 256 bytes was accepted")
	}
}

func TestSilentPeer(t *testing.T) {
	t.Run("ends at the deadline", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c, theirs := pipe(t, Dealer)
			go func() { _, _ = io.Copy(io.Discard, theirs) }()
			start := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), defaultHandshake)
			defer cancel()
			if err := c.open(ctx); !errors.Is(err, ErrHandshake) || !errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
			if took := time.Since(start); took != defaultHandshake {
				t.Errorf("took %v", took)
			}
		})
	})
	t.Run("ends with the context", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "s")
		l, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
			_, _ = io.ReadFull(conn, make([]byte, greetingLen))
			cancel()
			_, _ = io.Copy(io.Discard, conn)
		})
		_, err = Dial(ctx, Dealer, "ipc://"+path, Options{})
		if !errors.Is(err, ErrHandshake) || !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		wg.Wait()
	})
}

func TestDialErrors(t *testing.T) {
	for endpoint, want := range map[string]error{
		"tcp://127.0.0.1":     ErrEndpoint,
		"udp://127.0.0.1:1":   ErrEndpoint,
		"ipc://":              ErrEndpoint,
		"":                    ErrEndpoint,
		"ipc:///no/such/path": syscall.ENOENT,
		"tcp://127.0.0.1:1":   syscall.ECONNREFUSED,
	} {
		if _, err := Dial(t.Context(), Dealer, endpoint, Options{}); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", endpoint, err, want)
		}
	}
	if _, err := Dial(t.Context(), Kind(9), "tcp://127.0.0.1:1", Options{}); err == nil {
		t.Error("an unknown kind was accepted")
	}
}

func long(n uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{flagLong}, n)
}

func TestRecv(t *testing.T) {
	ping := commandFrame("PING", "\x00\x0actx")
	cases := []struct {
		name string
		kind Kind
		in   []byte
		want []string
		err  error // of the Recv after those
	}{
		{"one frame", Dealer, frame(0, "a"), []string{"a"}, io.EOF},
		{"several frames", Dealer, join(frame(1, "a"), frame(1, ""), frame(0, "b")), []string{"a||b"}, io.EOF},
		{"several messages", Sub, join(frame(0, "a"), frame(0, ""), frame(0, "b")), []string{"a", "", "b"}, io.EOF},
		{"a short frame in long form", Dealer, join(long(1), []byte("a")), []string{"a"}, io.EOF},
		{"a long frame", Dealer, frame(0, strings.Repeat("x", 300_000)), []string{strings.Repeat("x", 300_000)}, io.EOF},
		{"ping between messages", Dealer, join(frame(0, "a"), ping, frame(0, "b")), []string{"a", "b"}, io.EOF},
		{"ping inside a message", Dealer, join(frame(1, "a"), ping, frame(0, "b")), []string{"a|b"}, io.EOF},
		{"unknown command", Dealer, join(commandFrame("FUTURE", "x"), frame(0, "b")), []string{"b"}, io.EOF},
		{"delimiter of a reply", Req, join(frame(1, ""), frame(0, "b")), []string{"b"}, io.EOF},
		{"reply without delimiter", Req, join(frame(1, "a"), frame(0, "b")), nil, ErrProtocol},
		{"reply without a body", Req, frame(0, ""), nil, ErrProtocol},
		{"end inside a message", Dealer, frame(1, "a"), nil, io.ErrUnexpectedEOF},
		{"end inside a frame", Dealer, []byte{0, 5, 'a'}, nil, io.ErrUnexpectedEOF},
		{"end inside a header", Dealer, long(1)[:4], nil, io.ErrUnexpectedEOF},
		{"end after flags", Dealer, []byte{0}, nil, io.ErrUnexpectedEOF},
		{"2^62 bytes announced", Dealer, long(1 << 62), nil, ErrFrameTooLarge},
		{"2^63 bytes announced", Dealer, long(1 << 63), nil, ErrFrameTooLarge},
		{"all bits announced", Dealer, long(1<<64 - 1), nil, ErrFrameTooLarge},
		{"one more than allowed", Dealer, long(defaultMaxFrame + 1), nil, ErrFrameTooLarge},
		{"long command", Dealer, append([]byte{flagCommand | flagLong}, long(1 << 30)[1:]...), nil, ErrFrameTooLarge},
		{"reserved flags", Dealer, []byte{0x08, 0}, nil, ErrProtocol},
		{"command that continues", Dealer, []byte{flagCommand | flagMore, 1, 0}, nil, ErrProtocol},
		{"empty command", Dealer, []byte{flagCommand, 0}, nil, ErrProtocol},
		{"command shorter than its name", Dealer, []byte{flagCommand, 2, 9, 'P'}, nil, ErrProtocol},
		{"ping without ttl", Dealer, commandFrame("PING", "x"), nil, ErrProtocol},
		{"ping with too much", Dealer, commandFrame("PING", strings.Repeat("x", 19)), nil, ErrProtocol},
		{"error from the peer", Dealer, commandFrame("ERROR", "\x03bad"), nil, ErrProtocol},
		{"endless empty frames", Dealer, bytes.Repeat(frame(flagMore, ""), maxFrames+1), nil, ErrMessageTooLarge},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			conn, _ := cannedConn(c.kind, Options{}, c.in)
			for _, want := range c.want {
				got, err := conn.Recv()
				if err != nil {
					t.Fatal(err)
				}
				if s := string(bytes.Join(got, []byte("|"))); s != want {
					t.Errorf("got %.100q, want %.100q", s, want)
				}
			}
			for range 2 { // the error stays
				if got, err := conn.Recv(); !errors.Is(err, c.err) {
					t.Errorf("%d frames, %v, want %v", len(got), err, c.err)
				}
			}
		})
	}
}

func TestRecvLimits(t *testing.T) {
	conn, _ := cannedConn(Dealer, Options{MaxFrame: 3}, join(frame(0, "abc"), frame(0, "abcd")))
	if _, err := conn.Recv(); err != nil {
		t.Error(err)
	}
	if _, err := conn.Recv(); !errors.Is(err, ErrFrameTooLarge) {
		t.Error(err)
	}
	conn, _ = cannedConn(Dealer, Options{MaxMessage: 5}, join(frame(1, "abc"), frame(0, "ab"), frame(1, "abc"), frame(0, "abc")))
	if _, err := conn.Recv(); err != nil {
		t.Error(err)
	}
	if _, err := conn.Recv(); !errors.Is(err, ErrMessageTooLarge) {
		t.Error(err)
	}
}

// What is announced and does not come must cost next to nothing.
func TestAnnouncedBytesAreNotAllocated(t *testing.T) {
	var before, after runtime.MemStats
	conn, _ := cannedConn(Dealer, Options{}, join(long(1<<30), make([]byte, 100_000)))
	runtime.ReadMemStats(&before)
	if _, err := conn.Recv(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 2<<20 {
		t.Errorf("allocated %d bytes for 100,000", grown)
	}
}

func TestPong(t *testing.T) {
	t.Run("carries the context back", func(t *testing.T) {
		conn, peer := cannedConn(Dealer, Options{}, join(commandFrame("PING", "\x00\x0actx"), frame(0, "a")))
		if _, err := conn.Recv(); err != nil {
			t.Fatal(err)
		}
		if want := commandFrame("PONG", "ctx"); !bytes.Equal(peer.out.Bytes(), want) {
			t.Errorf("%q, want %q", peer.out.Bytes(), want)
		}
	})
	t.Run("does not hold up the reader while a send is stuck", func(t *testing.T) {
		c, theirs := pipe(t, Dealer)
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := c.Send([]byte("stuck")); err != nil {
				t.Error(err)
			}
		})
		first := make([]byte, 1) // the send is under way now
		if _, err := io.ReadFull(theirs, first); err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			if _, err := theirs.Write(join(commandFrame("PING", "\x00\x00c"), frame(0, "a"))); err != nil {
				t.Error(err)
			}
		})
		if _, err := c.Recv(); err != nil {
			t.Fatal(err)
		}
		want := join(frame(0, "stuck")[1:], commandFrame("PONG", "c"))
		got := make([]byte, len(want))
		if _, err := io.ReadFull(theirs, got); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%q, %v", got, err)
		}
		wg.Wait()
	})
}

func TestSend(t *testing.T) {
	big := strings.Repeat("y", 100_000)
	for _, frames := range [][]string{{"a"}, {"a", "", "b"}, {big}, {"", big, "", "z", ""}, {strings.Repeat("s", 255), strings.Repeat("l", 256)}} {
		for _, kind := range []Kind{Dealer, Req} {
			t.Run(fmt.Sprintf("%s %d frames %d", kind, len(frames), len(frames[0])), func(t *testing.T) {
				conn, peer := cannedConn(kind, Options{}, nil)
				var in [][]byte
				for _, f := range frames {
					in = append(in, []byte(f))
				}
				if err := conn.Send(in...); err != nil {
					t.Fatal(err)
				}
				back, _ := cannedConn(kind, Options{}, peer.out.Bytes())
				got, err := back.Recv()
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(in, got); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
	conn, _ := cannedConn(Dealer, Options{}, nil)
	if err := conn.Send(); !errors.Is(err, ErrProtocol) {
		t.Errorf("no frames: %v", err)
	}
}

func TestConcurrentSendsDoNotMix(t *testing.T) {
	c, theirs := pipe(t, Dealer)
	other := newConn(Dealer, theirs, Options{}.withDefaults())
	const senders, messages = 8, 200
	var wg sync.WaitGroup
	for s := range senders {
		wg.Go(func() {
			body := bytes.Repeat([]byte{byte(s)}, 100+s*5000) // some copied, some not
			for range messages {
				if err := c.Send([]byte{byte(s)}, body, []byte("end")); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range senders * messages {
		f, err := other.Recv()
		if err != nil {
			t.Fatal(err)
		}
		s := int(f[0][0])
		if len(f) != 3 || !bytes.Equal(f[1], bytes.Repeat([]byte{byte(s)}, 100+s*5000)) {
			t.Fatal("mixed")
		}
	}
	wg.Wait()
}

func TestClose(t *testing.T) {
	c, _ := pipe(t, Dealer)
	var wg sync.WaitGroup
	for _, blocked := range []func() error{
		func() error { _, err := c.Recv(); return err },
		func() error { return c.Send([]byte("nobody reads this")) },
	} {
		wg.Go(func() {
			if err := blocked(); !errors.Is(err, ErrClosed) && !errors.Is(err, io.ErrClosedPipe) {
				t.Error(err)
			}
		})
	}
	for range 3 {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
	if err := c.Send([]byte("x")); err == nil {
		t.Error("sent after close")
	}
}
