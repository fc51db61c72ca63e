package jupytertest

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
)

// socket is the binding side of one ZeroMQ socket, for one peer at a time. It
// shares no code with package zmtp, whose tests it serves as a second opinion.
type socket struct {
	kind     string // ROUTER, XPUB or REP
	listener net.Listener
	receive  func(frames [][]byte) // called by the peer's goroutine
	wg       sync.WaitGroup

	mu     sync.Mutex // guards what follows
	conns  map[net.Conn]bool
	peer   net.Conn // the one that messages go to
	closed bool

	wmu sync.Mutex // one message is written at a time
}

// bind listens and serves peers until close.
func bind(kind, endpoint string, receive func([][]byte)) (*socket, error) {
	network, address := "tcp", strings.TrimPrefix(endpoint, "tcp://")
	if path, ok := strings.CutPrefix(endpoint, "ipc://"); ok {
		network, address = "unix", path
		_ = os.Remove(path)
	}
	l, err := net.Listen(network, address)
	if err != nil {
		return nil, fmt.Errorf("bind %s: %w", kind, err)
	}
	s := &socket{kind: kind, listener: l, receive: receive, conns: map[net.Conn]bool{}}
	s.wg.Go(s.accept)
	return s, nil
}

func (s *socket) accept() {
	for {
		c, err := s.listener.Accept()
		if err != nil {
			return
		}
		if !s.add(c) {
			return
		}
		s.wg.Go(func() {
			defer s.remove(c)
			s.serve(c)
		})
	}
}

// add keeps a connection for close to end; after close it ends it itself.
func (s *socket) add(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = c.Close()
		return false
	}
	s.conns[c] = true
	return true
}

func (s *socket) remove(c net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	if s.peer == c {
		s.peer = nil
	}
	_ = c.Close()
}

// serve introduces itself and hands on what the peer sends.
func (s *socket) serve(c net.Conn) {
	r := bufio.NewReader(c)
	if err := s.handshake(c, r); err != nil {
		return
	}
	s.adopt(c)
	for {
		frames, err := readMessage(r)
		if err != nil {
			return
		}
		s.receive(frames)
	}
}

// adopt makes the newest peer the one.
func (s *socket) adopt(c net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.peer != nil {
		_ = s.peer.Close()
	}
	s.peer = c
}

func (s *socket) handshake(c net.Conn, r *bufio.Reader) error {
	greeting := make([]byte, 64)
	greeting[0], greeting[9], greeting[10] = 0xff, 0x7f, 3
	copy(greeting[12:], "NULL")
	if _, err := c.Write(greeting); err != nil {
		return err
	}
	theirs := make([]byte, 64)
	if _, err := io.ReadFull(r, theirs); err != nil {
		return err
	}
	if !bytes.Equal(theirs[12:32], greeting[12:32]) {
		return errors.New("not NULL")
	}
	ready := "\x05READY\x0bSocket-Type\x00\x00\x00" + string(rune(len(s.kind))) + s.kind
	if _, err := c.Write(append([]byte{4, byte(len(ready))}, ready...)); err != nil {
		return err
	}
	flags, _, err := readFrame(r)
	if err == nil && flags != 4 {
		err = errors.New("no READY")
	}
	return err
}

// send writes one message; without a peer it is gone, as on a PUB socket.
func (s *socket) send(frames [][]byte) {
	s.mu.Lock()
	peer := s.peer
	s.mu.Unlock()
	if peer == nil {
		return
	}
	var b []byte
	for i, f := range frames {
		flags := byte(2)
		if i < len(frames)-1 {
			flags |= 1
		}
		b = binary.BigEndian.AppendUint64(append(b, flags), uint64(len(f)))
		b = append(b, f...)
	}
	s.wmu.Lock()
	defer s.wmu.Unlock()
	_, _ = peer.Write(b)
}

// close ends everything and waits for it.
func (s *socket) close() {
	_ = s.listener.Close()
	s.mu.Lock()
	s.closed = true
	for c := range s.conns {
		_ = c.Close()
	}
	s.mu.Unlock()
	s.wg.Wait()
}

func readMessage(r *bufio.Reader) (frames [][]byte, err error) {
	for {
		flags, body, err := readFrame(r)
		if err != nil {
			return nil, err
		}
		if flags&4 != 0 {
			continue
		}
		if frames = append(frames, body); flags&1 == 0 {
			return frames, nil
		}
	}
}

func readFrame(r *bufio.Reader) (flags byte, body []byte, err error) {
	if flags, err = r.ReadByte(); err != nil {
		return 0, nil, err
	}
	size := make([]byte, 8)
	short := size[7:]
	if flags&2 != 0 {
		short = size
	}
	if _, err := io.ReadFull(r, short); err != nil {
		return 0, nil, err
	}
	n := binary.BigEndian.Uint64(size)
	if n > 1<<30 {
		return 0, nil, errors.New("frame too large")
	}
	body = make([]byte, n)
	_, err = io.ReadFull(r, body)
	return flags &^ 2, body, err
}
