package pageclient

import (
	"fmt"
	"slices"
	"strings"

	"github.com/runnel-dev/runnel/internal/protocol"
)

// historyMax is how many entries of its history a client keeps, at least, when it had so many.
const historyMax = 300

// History is what the client received, where it was asked to remember it, the oldest first, a line for each frame: what came, of which epoch, up to which number.
func (c *Client) History() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.history)
}

func (c *Client) rememberLocked(format string, args ...any) {
	if !c.opts.Remember {
		return
	}
	if len(c.history) >= 2*historyMax {
		c.history = slices.Delete(c.history, 0, historyMax)
	}
	c.history = append(c.history, fmt.Sprintf(format, args...))
}

func (c *Client) rememberEventsLocked(f protocol.Events, events []protocol.Event) {
	if !c.opts.Remember {
		return
	}
	var kinds strings.Builder
	for _, e := range events {
		fmt.Fprintf(&kinds, " %s", strings.TrimPrefix(fmt.Sprintf("%T", e), "protocol."))
		if done, ok := e.(protocol.RunDone); ok {
			fmt.Fprintf(&kinds, "(%s %s)", done.RunID, done.Status)
		}
	}
	c.rememberLocked("events %d..%d of %s:%s", f.From, f.N, f.Epoch, kinds.String())
}
