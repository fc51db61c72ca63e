package zmtp

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
)

const (
	flagMore    = 1
	flagLong    = 2
	flagCommand = 4

	// firstRead is how much of a long frame is allocated on the peer's word.
	firstRead = 64 << 10
	// growth is by how much a frame's buffer may exceed what has arrived.
	growth = 4
	// copyLimit: up to here one buffer and one write beat a vector of slices.
	copyLimit = 16 << 10
)

// Send writes one message. It blocks while the peer does not read, until Close.
// The frames are not kept. Concurrent messages do not mix.
func (c *Conn) Send(frames ...[]byte) error {
	if len(frames) == 0 {
		return fmt.Errorf("zmtp: send: %w: a message without frames", ErrProtocol)
	}
	c.wmu.Lock()
	err := c.writeLocked(frames)
	c.wmu.Unlock()
	if err != nil {
		err = c.failure("send", err)
		_ = c.Close()
		return err
	}
	return c.flushPong()
}

func (c *Conn) writeLocked(frames [][]byte) error {
	total := 0
	for _, f := range frames {
		total += 9 + len(f)
	}
	buf := c.wbuf[:0]
	if c.kind == Req {
		buf = append(buf, flagMore, 0)
	}
	if total <= copyLimit {
		for i, f := range frames {
			buf = appendFrameHeader(buf, more(i, frames), len(f))
			buf = append(buf, f...)
		}
		c.wbuf = buf
		_, err := c.nc.Write(buf)
		return err
	}
	// Headers first, all of them, so that the slices below stay valid.
	starts := make([]int, len(frames)+1)
	for i, f := range frames {
		buf = appendFrameHeader(buf, more(i, frames), len(f))
		starts[i+1] = len(buf)
	}
	c.wbuf = buf
	vec := make(net.Buffers, 0, 2*len(frames))
	for i, f := range frames {
		vec = append(vec, buf[starts[i]:starts[i+1]])
		if len(f) > 0 {
			vec = append(vec, f)
		}
	}
	_, err := vec.WriteTo(c.nc)
	return err
}

func more(i int, frames [][]byte) byte {
	if i < len(frames)-1 {
		return flagMore
	}
	return 0
}

// Recv returns the next message. It blocks until one is there, the connection
// ends or Close. The frames belong to the caller. A Req's empty delimiter is
// taken off. PING is answered here, so a peer that pings wants a reader.
func (c *Conn) Recv() ([][]byte, error) {
	if c.recvErr != nil {
		return nil, c.recvErr
	}
	frames, err := c.recv()
	if err != nil {
		c.recvErr = c.failure("receive", err)
		return nil, c.recvErr
	}
	return frames, nil
}

func (c *Conn) recv() ([][]byte, error) {
	frames := make([][]byte, 0, 8)
	var total int64
	for {
		flags, n, err := c.readFrameHeader()
		if err != nil {
			if len(frames) > 0 {
				err = unexpected(err)
			}
			return nil, err
		}
		if total += n; flags&flagCommand == 0 && (total > c.opt.MaxMessage || len(frames) == maxFrames) {
			return nil, fmt.Errorf("%w: more than %d bytes or %d frames", ErrMessageTooLarge, c.opt.MaxMessage, maxFrames)
		}
		body, err := c.readBody(n)
		if err != nil {
			return nil, unexpected(err)
		}
		if flags&flagCommand != 0 {
			total -= n
			if err := c.command(body); err != nil {
				return nil, err
			}
			continue
		}
		frames = append(frames, body)
		if flags&flagMore == 0 {
			return c.stripDelimiter(frames)
		}
	}
}

func (c *Conn) stripDelimiter(frames [][]byte) ([][]byte, error) {
	if c.kind != Req {
		return frames, nil
	}
	if len(frames) < 2 || len(frames[0]) != 0 {
		return nil, fmt.Errorf("%w: a reply without its empty delimiter", ErrProtocol)
	}
	return frames[1:], nil
}

// readFrameHeader returns io.EOF only when the stream ends before a frame.
func (c *Conn) readFrameHeader() (flags byte, n int64, err error) {
	if flags, err = c.r.ReadByte(); err != nil {
		return 0, 0, err
	}
	if flags&^(flagMore|flagLong|flagCommand) != 0 || flags&(flagMore|flagCommand) == flagMore|flagCommand {
		return 0, 0, fmt.Errorf("%w: frame flags %#02x", ErrProtocol, flags)
	}
	limit := c.opt.MaxFrame
	if flags&flagCommand != 0 {
		limit = min(limit, maxCommand)
	}
	if flags&flagLong == 0 {
		b, err := c.r.ReadByte()
		if err != nil {
			return 0, 0, unexpected(err)
		}
		n = int64(b)
	} else {
		var b [8]byte
		if _, err := io.ReadFull(c.r, b[:]); err != nil {
			return 0, 0, unexpected(err)
		}
		n = int64(binary.BigEndian.Uint64(b[:]))
	}
	if n < 0 || n > limit {
		return 0, 0, fmt.Errorf("%w: %d bytes announced, at most %d", ErrFrameTooLarge, uint64(n), limit)
	}
	return flags, n, nil
}

// readBody allocates what the peer announced only as its bytes arrive.
func (c *Conn) readBody(n int64) ([]byte, error) {
	body := make([]byte, min(n, firstRead))
	if _, err := io.ReadFull(c.r, body); err != nil {
		return nil, err
	}
	for int64(len(body)) < n {
		have := len(body)
		next := make([]byte, min(n, int64(have)*growth))
		copy(next, body)
		if _, err := io.ReadFull(c.r, next[have:]); err != nil {
			return nil, err
		}
		body = next
	}
	return body, nil
}
