package session

import "github.com/runnel-dev/runnel/internal/protocol"

// missedMax bounds the notices that wait for somebody to read them.
const missedMax = 20

// tell shows a notice to all clients. With nobody there, as when the server starts, it waits for the next page.
func (c *core) tell(n protocol.Notice) {
	if c.clients > 0 {
		c.emit(n)
		return
	}
	if len(c.missed) == missedMax {
		c.missed = c.missed[1:]
	}
	c.missed = append(c.missed, n)
}

// tellMissed shows what nobody could read when it happened. A page asks for it after its snapshot, which holds no notices.
func (c *core) tellMissed() {
	for _, n := range c.missed {
		c.emit(n)
	}
	c.missed = nil
}
