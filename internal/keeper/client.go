package keeper

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"sync"
	"time"
)

// FencedError: a server with a newer epoch is attached.
type FencedError struct{ By uint64 }

func (e *FencedError) Error() string { return "another server is attached to this kernel" }

// RefusedError is the keeper's own reason not to go on.
type RefusedError struct{ Reason string }

func (e *RefusedError) Error() string { return "keeper: " + e.Reason }

// Client is a server's end of keep.sock. Read belongs to one goroutine; the
// other methods may be called from any, and block while the keeper does not read.
type Client struct {
	nc   net.Conn
	rd   *Wire
	wmu  sync.Mutex // guards wr
	wr   *Wire
	next uint64 // Read's: number of the next record
	sum  uint32 // Read's: chain value before it
	part []byte // Read's: the beginning of a record
	need int    // Read's: its whole length, 0 when not known
}

// Update is what one Read brought: some of these.
type Update struct {
	Records []Record
	Sizes   []int // bytes in the stream of each record
	Bytes   int   // of the record stream, to be credited when there is room
	Result  *Result
	State   *State
}

// Attach takes over the kernel's records from number from on, under the server's
// epoch. Hello.First says where they really begin.
func Attach(ctx context.Context, dir string, epoch, from uint64) (*Client, Hello, error) {
	return open(ctx, dir, func(c *Client) error {
		return c.wr.write(frameAttach, numbers(ProtocolVersion, epoch, max(from, 1)))
	}, true)
}

// Query asks a keeper about itself; the client can interrupt, signal and stop.
func Query(ctx context.Context, dir string) (*Client, Hello, error) {
	return open(ctx, dir, func(c *Client) error { return c.wr.write(frameQuery, nil) }, false)
}

func open(ctx context.Context, dir string, first func(*Client) error, stream bool) (*Client, Hello, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	var d net.Dialer
	nc, err := d.DialContext(ctx, "unix", filepath.Join(dir, SocketFile))
	if err != nil {
		return nil, Hello{}, err
	}
	c := &Client{nc: nc, rd: newWire(nc, 64<<10, maxEvent), wr: newWire(nc, 16, 1)}
	deadline, _ := ctx.Deadline()
	_ = nc.SetDeadline(deadline)
	stop := context.AfterFunc(ctx, func() { nc.Close() })
	hello, err := c.introduce(first, stream)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		nc.Close()
		return nil, hello, err
	}
	return c, hello, nc.SetDeadline(time.Time{})
}

func (c *Client) introduce(first func(*Client) error, stream bool) (hello Hello, err error) {
	if err := first(c); err != nil {
		return hello, err
	}
	b, err := c.expect(frameHello)
	if err != nil {
		return hello, err
	}
	if err := json.Unmarshal(b, &hello); err != nil {
		return hello, err
	}
	if !stream {
		return hello, nil
	}
	if b, err = c.expect(frameStream); err != nil {
		return hello, err
	}
	f := fields{b: b}
	c.next, c.sum = f.number(), uint32(f.number())
	if f.bad {
		return hello, errors.New("keeper: malformed stream frame")
	}
	return hello, nil
}

func (c *Client) expect(want byte) ([]byte, error) {
	kind, b, err := c.rd.read()
	if err != nil {
		return nil, err
	}
	if kind != want {
		return nil, refusal(kind, b)
	}
	return b, nil
}

func refusal(kind byte, b []byte) error {
	switch kind {
	case frameFenced:
		f := fields{b: b}
		return &FencedError{By: f.number()}
	case frameNo:
		return &RefusedError{Reason: string(b)}
	}
	return fmt.Errorf("keeper: unexpected frame %q", kind)
}

// From is the number of the first record that Read will bring.
func (c *Client) From() uint64 { return c.next }

// Read returns what comes next. Records and their payloads are the caller's.
func (c *Client) Read() (Update, error) {
	kind, b, err := c.rd.read()
	if err != nil {
		return Update{}, err
	}
	switch kind {
	case frameData:
		return c.records(b)
	case frameResult:
		r, err := parseResult(b)
		return Update{Result: &r}, err
	case frameState:
		var s State
		err := json.Unmarshal(b, &s)
		return Update{State: &s}, err
	}
	return Update{}, refusal(kind, b)
}

// records cuts the stream; a record may begin and end in different frames.
func (c *Client) records(b []byte) (Update, error) {
	u := Update{Bytes: len(b)}
	for len(b) > 0 {
		if len(c.part) == 0 {
			size, err := recordSize(b)
			if err != nil {
				return u, err
			}
			if size > 0 && size <= len(b) {
				if err := c.record(&u, b[:size:size]); err != nil {
					return u, err
				}
				b = b[size:]
				continue
			}
		}
		var err error
		if b, err = c.fill(b); err != nil {
			return u, err
		}
		if c.need > 0 && len(c.part) == c.need {
			whole := c.part
			c.part, c.need = nil, 0
			if err := c.record(&u, whole); err != nil {
				return u, err
			}
		}
	}
	return u, nil
}

// fill moves bytes into the record under way and returns the rest.
func (c *Client) fill(b []byte) ([]byte, error) {
	if c.need == 0 {
		n := min(4-len(c.part), len(b))
		c.part, b = append(c.part, b[:n]...), b[n:]
		size, err := recordSize(c.part)
		if err != nil || size == 0 {
			return b, err
		}
		c.need = size
		c.part = append(make([]byte, 0, min(size, Window)), c.part...)
	}
	n := min(c.need-len(c.part), len(b))
	if len(c.part)+n > cap(c.part) { // that much has really come: the rest will
		c.part = append(make([]byte, 0, c.need), c.part...)
	}
	c.part = append(c.part, b[:n]...)
	return b[n:], nil
}

func (c *Client) record(u *Update, b []byte) error {
	r, sum, err := parseRecord(b, c.sum)
	if err == nil && r.N != c.next {
		err = fmt.Errorf("%w: record %d in the place of %d", ErrDamaged, r.N, c.next)
	}
	if err != nil {
		return err
	}
	c.next, c.sum = r.N+1, sum
	u.Records, u.Sizes = append(u.Records, r), append(u.Sizes, len(b))
	return nil
}

func (c *Client) write(kind byte, b []byte) error {
	c.wmu.Lock()
	defer c.wmu.Unlock()
	return c.wr.write(kind, b)
}

// Ack lets the keeper delete the records up to n.
func (c *Client) Ack(n uint64) error { return c.write(frameAck, numbers(n)) }

// Credit lets the keeper send n more bytes of records.
func (c *Client) Credit(n int) error { return c.write(frameCredit, numbers(uint64(n))) }

// Send passes frames to the kernel once per id; a Result with id answers.
func (c *Client) Send(id string, ch Channel, msgType, msgID string, frames [][]byte) error {
	return c.write(frameSend, command{id: id, channel: ch, msgType: msgType, msgID: msgID, frames: frames}.bytes())
}

// Interrupt interrupts what the kernel runs; a Result with id answers.
func (c *Client) Interrupt(id string) error { return c.write(frameInter, appendText(nil, id)) }

// Signal sends a signal to the kernel's process group; a Result with id answers.
func (c *Client) Signal(id string, sig int) error {
	return c.write(frameSignal, append(appendText(nil, id), numbers(uint64(sig))...))
}

// Stop ends the kernel, by SIGKILL at once with force, else step by step with
// grace between. A Result with id answers that it began; the exited record says
// that it is done.
func (c *Client) Stop(id string, grace time.Duration, force bool) error {
	var f uint64
	if force {
		f = 1
	}
	return c.write(frameStop, append(appendText(nil, id), numbers(uint64(grace.Milliseconds()), f)...))
}

// KeepFor sets how long the keeper waits for a server.
func (c *Client) KeepFor(d time.Duration) error {
	return c.write(frameKeepFor, numbers(uint64(d.Milliseconds())))
}

// Forget lets the keeper remove its folder when the kernel is gone, read or not.
func (c *Client) Forget() error { return c.write(frameForget, nil) }

// Close ends the connection; Read returns an error then.
func (c *Client) Close() error { return c.nc.Close() }

// Deadline bounds writes from now on.
func (c *Client) Deadline(t time.Time) { _ = c.nc.SetWriteDeadline(t) }
