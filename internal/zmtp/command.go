package zmtp

import "fmt"

const (
	pingTTL     = 2
	pingContext = 16
)

// splitCommand takes a command frame's body apart.
func splitCommand(body []byte) (name string, data []byte, err error) {
	if len(body) == 0 || int(body[0]) > len(body)-1 || body[0] == 0 {
		return "", nil, fmt.Errorf("%w: command without a name", ErrProtocol)
	}
	n := 1 + int(body[0])
	return string(body[1:n]), body[n:], nil
}

// command handles one that arrives between messages, or, liberally, inside
// one. Unknown ones are passed over, as newer minor versions may bring them.
func (c *Conn) command(body []byte) error {
	name, data, err := splitCommand(body)
	if err != nil {
		return err
	}
	switch name {
	case "PING":
		if len(data) < pingTTL || len(data) > pingTTL+pingContext {
			return fmt.Errorf("%w: PING of %d bytes", ErrProtocol, len(data))
		}
		pong := append([]byte{4}, "PONG"...)
		pong = append(pong, data[pingTTL:]...)
		c.pmu.Lock()
		c.pong = append(appendFrameHeader(nil, flagCommand, len(pong)), pong...)
		c.pmu.Unlock()
		return c.flushPong()
	case "ERROR":
		return fmt.Errorf("%w: peer ended the connection: %q", ErrProtocol, errorReason(data))
	}
	return nil
}

// flushPong sends a waiting PONG unless a Send is under way, which will then
// call it: the reader must not wait for a writer that waits for the peer, for
// the peer may be waiting for this reader.
func (c *Conn) flushPong() error {
	for c.pongWaits() {
		if !c.wmu.TryLock() {
			return nil
		}
		c.pmu.Lock()
		pong := c.pong
		c.pong = nil
		c.pmu.Unlock()
		var err error
		if pong != nil {
			_, err = c.nc.Write(pong)
		}
		c.wmu.Unlock()
		if err != nil {
			err = c.failure("answer ping", err)
			_ = c.Close()
			return err
		}
	}
	return nil
}

func (c *Conn) pongWaits() bool {
	c.pmu.Lock()
	defer c.pmu.Unlock()
	return c.pong != nil
}
