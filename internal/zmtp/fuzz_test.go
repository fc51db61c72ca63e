package zmtp

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

// Small limits, so that the fuzzer reaches them.
var fuzzOptions = Options{MaxFrame: 1 << 16, MaxMessage: 1 << 17, Identity: []byte("id")}

// known are the only errors that bytes of a peer may lead to.
func known(err error) bool {
	for _, k := range []error{io.EOF, io.ErrUnexpectedEOF, ErrFrameTooLarge, ErrMessageTooLarge, ErrProtocol} {
		if errors.Is(err, k) {
			return true
		}
	}
	return false
}

func FuzzRecv(f *testing.F) {
	f.Add(byte(Dealer), join(frame(flagMore, "a"), frame(0, "b"), commandFrame("PING", "\x00\x00c")))
	f.Add(byte(Req), join(frame(flagMore, ""), frame(0, "b")))
	f.Add(byte(Sub), long(1<<62))
	f.Fuzz(func(t *testing.T, kind byte, in []byte) {
		conn, _ := cannedConn(Kind(kind%3)+Dealer, fuzzOptions, in)
		size := 0
		for {
			frames, err := conn.Recv()
			if err != nil {
				if !known(err) {
					t.Fatalf("unnamed error: %v", err)
				}
				return
			}
			if len(frames) == 0 {
				t.Fatal("a message without frames")
			}
			for _, fr := range frames {
				size += len(fr)
			}
			if size > len(in) {
				t.Fatal("more came out than went in")
			}
			again, peer := cannedConn(conn.kind, fuzzOptions, nil)
			if err := again.Send(frames...); err != nil {
				t.Fatal(err)
			}
			back, _ := cannedConn(conn.kind, fuzzOptions, peer.out.Bytes())
			got, err := back.Recv()
			if err != nil || !bytes.Equal(bytes.Join(got, []byte("|")), bytes.Join(frames, []byte("|"))) {
				t.Fatalf("sent again: %v", err)
			}
		}
	})
}

func FuzzHandshake(f *testing.F) {
	f.Add(byte(Dealer), join(greeting(), readyFrame("ROUTER")))
	f.Add(byte(Sub), join(greeting(), readyFrame("XPUB")))
	f.Add(byte(Req), join(greeting(), commandFrame("ERROR", "\x01x")))
	f.Fuzz(func(t *testing.T, kind byte, in []byte) {
		conn, peer := cannedConn(Kind(kind%3)+Dealer, fuzzOptions, in)
		err := conn.handshake()
		if err == nil && (len(in) < greetingLen || in[0] != 0xff) {
			t.Fatal("accepted without a greeting")
		}
		if peer.out.Len() > 1000 {
			t.Fatalf("said %d bytes", peer.out.Len())
		}
	})
}
