package zmtp

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// canned is a peer that has said everything already and takes what it is told.
type canned struct {
	net.Conn
	in  io.Reader
	out bytes.Buffer
}

func (c *canned) Read(b []byte) (int, error)    { return c.in.Read(b) }
func (c *canned) Write(b []byte) (int, error)   { return c.out.Write(b) }
func (c *canned) Close() error                  { return nil }
func (c *canned) SetDeadline(_ time.Time) error { return nil }

// cannedConn is an open connection on which these bytes come in.
func cannedConn(kind Kind, o Options, in []byte) (*Conn, *canned) {
	peer := &canned{in: bytes.NewReader(in)}
	return newConn(kind, peer, o.withDefaults()), peer
}

// frame writes one frame as a peer would; long forces the long form.
func frame(flags byte, body string) []byte {
	return append(appendFrameHeader(nil, flags, len(body)), body...)
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// command is the body of a command frame.
func commandFrame(name, data string) []byte {
	return frame(flagCommand, string(rune(len(name)))+name+data)
}

func readyFrame(socketType string) []byte {
	return commandFrame("READY", string(appendProperty(nil, "Socket-Type", []byte(socketType))))
}

// pipe is an open connection whose other end the test plays by hand.
func pipe(t *testing.T, kind Kind) (*Conn, net.Conn) {
	t.Helper()
	ours, theirs := net.Pipe()
	c := newConn(kind, ours, Options{}.withDefaults())
	t.Cleanup(func() { _ = c.Close(); _ = theirs.Close() })
	return c, theirs
}
