package zmtp

import (
	"encoding/binary"
	"fmt"
	"io"
	"strings"
)

const (
	greetingLen   = 64
	signatureLen  = 10
	mechanismAt   = 12
	mechanismLen  = 20
	maxCommand    = 64 << 10
	maxProperties = 256
)

// greeting is what both sides of a NULL connection send first.
func greeting() []byte {
	g := make([]byte, greetingLen)
	g[0], g[9] = 0xff, 0x7f
	g[10], g[11] = 3, 0
	copy(g[mechanismAt:], "NULL")
	return g
}

// handshake exchanges greetings and READY commands, and subscribes a Sub.
// Greeting and READY leave in one write: they do not depend on the peer's.
func (c *Conn) handshake() error {
	if len(c.opt.Identity) > 255 {
		return fmt.Errorf("identity of %d bytes, at most 255", len(c.opt.Identity))
	}
	if _, err := c.nc.Write(greeting()); err != nil {
		return fmt.Errorf("send greeting: %w", err)
	}
	if err := c.readGreeting(); err != nil {
		return err
	}
	if _, err := c.nc.Write(c.ready()); err != nil {
		return fmt.Errorf("send READY: %w", err)
	}
	if err := c.readReady(); err != nil {
		return err
	}
	if c.kind == Sub {
		return c.subscribe()
	}
	return nil
}

// readGreeting checks piece by piece, so that a peer of another protocol is
// named as soon as it shows, not when 64 bytes have come.
func (c *Conn) readGreeting() error {
	var g [greetingLen]byte
	if _, err := io.ReadFull(c.r, g[:1]); err != nil {
		return fmt.Errorf("read greeting: %w", unexpected(err))
	}
	if g[0] != 0xff {
		return fmt.Errorf("peer does not speak ZMTP 3 (first byte %#02x)", g[0])
	}
	if _, err := io.ReadFull(c.r, g[1:signatureLen+1]); err != nil {
		return fmt.Errorf("read greeting: %w", unexpected(err))
	}
	if g[9]&1 == 0 || g[10] < 3 {
		return fmt.Errorf("peer does not speak ZMTP 3 (version %d)", g[10])
	}
	if _, err := io.ReadFull(c.r, g[signatureLen+1:]); err != nil {
		return fmt.Errorf("read greeting: %w", unexpected(err))
	}
	mechanism := strings.TrimRight(string(g[mechanismAt:mechanismAt+mechanismLen]), "\x00")
	if mechanism != "NULL" {
		return fmt.Errorf("peer wants the security mechanism %q, only NULL is spoken", mechanism)
	}
	return nil
}

// ready is our introduction as one command frame.
func (c *Conn) ready() []byte {
	body := append([]byte{5}, "READY"...)
	body = appendProperty(body, "Socket-Type", []byte(c.kind.String()))
	if c.kind != Sub {
		body = appendProperty(body, "Identity", c.opt.Identity)
	}
	return append(appendFrameHeader(nil, flagCommand, len(body)), body...)
}

func appendProperty(b []byte, name string, value []byte) []byte {
	b = append(append(b, byte(len(name))), name...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(value)))
	return append(b, value...)
}

// readReady waits for the peer's introduction and checks its socket type.
func (c *Conn) readReady() error {
	flags, n, err := c.readFrameHeader()
	if err != nil {
		return fmt.Errorf("read READY: %w", unexpected(err))
	}
	if flags&flagCommand == 0 {
		return fmt.Errorf("%w: a message before READY", ErrProtocol)
	}
	body, err := c.readBody(n)
	if err != nil {
		return fmt.Errorf("read READY: %w", unexpected(err))
	}
	name, data, err := splitCommand(body)
	if err != nil {
		return err
	}
	switch name {
	case "READY":
	case "ERROR":
		return fmt.Errorf("peer refused: %q", errorReason(data))
	default:
		return fmt.Errorf("%w: command %q instead of READY", ErrProtocol, name)
	}
	socketType, err := property(data, "socket-type")
	if err != nil {
		return err
	}
	if !c.kind.accepts(socketType) {
		return fmt.Errorf("a %s cannot talk to a %q", c.kind, socketType)
	}
	return nil
}

// property finds one value in READY's list; names are compared without case.
func property(data []byte, want string) (string, error) {
	found := ""
	for i := 0; len(data) > 0; i++ {
		n := int(data[0])
		if i == maxProperties || len(data) < 1+n+4 {
			return "", fmt.Errorf("%w: properties of READY", ErrProtocol)
		}
		name := string(data[1 : 1+n])
		size := binary.BigEndian.Uint32(data[1+n:])
		data = data[1+n+4:]
		if uint64(size) > uint64(len(data)) {
			return "", fmt.Errorf("%w: property %q of READY", ErrProtocol, name)
		}
		if strings.EqualFold(name, want) {
			found = string(data[:size])
		}
		data = data[size:]
	}
	return found, nil
}

func errorReason(data []byte) string {
	if len(data) == 0 || int(data[0]) > len(data)-1 {
		return ""
	}
	return string(data[1 : 1+int(data[0])])
}

// subscribe sends ZMTP 3.0's form: a message of 1 and the topic.
func (c *Conn) subscribe() error {
	var b []byte
	for _, topic := range c.opt.Subscribe {
		b = appendFrameHeader(b, 0, 1+len(topic))
		b = append(append(b, 1), topic...)
	}
	if len(b) == 0 {
		return nil
	}
	if _, err := c.nc.Write(b); err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	return nil
}
