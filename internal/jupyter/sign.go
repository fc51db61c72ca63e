package jupyter

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"hash/maphash"
	"strings"
	"sync"
)

// Delimiter ends the routing frames of a message.
const Delimiter = "<IDS|MSG>"

// DefaultScheme is the signature scheme of every kernel in use.
const DefaultScheme = "hmac-sha256"

// What can be wrong with the frames of a message.
var (
	// ErrMalformed: no delimiter, or fewer parts than a message has.
	ErrMalformed = errors.New("malformed Jupyter message")
	// ErrSignature: the signature is not the one of these bytes under our key.
	ErrSignature = errors.New("wrong message signature")
	// ErrReplayed: a signature that was seen before.
	ErrReplayed = errors.New("replayed message signature")
)

var hashes = map[string]func() hash.Hash{
	"md5": md5.New, "sha1": sha1.New, "sha224": sha256.New224, "sha256": sha256.New,
	"sha384": sha512.New384, "sha512": sha512.New,
	"sha3_224": func() hash.Hash { return sha3.New224() }, "sha3_256": func() hash.Hash { return sha3.New256() },
	"sha3_384": func() hash.Hash { return sha3.New384() }, "sha3_512": func() hash.Hash { return sha3.New512() },
}

// Signer signs and checks messages under one connection's key. It holds no
// state beyond the key and is safe for concurrent use.
type Signer struct {
	hash func() hash.Hash
	key  []byte // empty: messages are not signed
}

// NewSigner takes the scheme and key of a connection file. An empty scheme is
// the default one; an empty key means that nothing is signed or checked.
func NewSigner(scheme, key string) (*Signer, error) {
	if scheme == "" {
		scheme = DefaultScheme
	}
	name, ok := strings.CutPrefix(scheme, "hmac-")
	h := hashes[name]
	if !ok || h == nil {
		return nil, fmt.Errorf("unknown signature scheme %q", scheme)
	}
	return &Signer{hash: h, key: []byte(key)}, nil
}

// Encode gives the frames to send. Empty parts are sent as {}.
func (s *Signer) Encode(m Message) [][]byte {
	frames := make([][]byte, 0, len(m.Identities)+6+len(m.Buffers))
	frames = append(frames, m.Identities...)
	frames = append(frames, []byte(Delimiter), nil)
	sign := len(frames) - 1
	for _, part := range []json.RawMessage{m.Header, m.Parent, m.Metadata, m.Content} {
		if len(part) == 0 {
			part = json.RawMessage("{}")
		}
		frames = append(frames, part)
	}
	frames[sign] = s.signature(frames[sign+1 : sign+5])
	return append(frames, m.Buffers...)
}

func (s *Signer) signature(parts [][]byte) []byte {
	if len(s.key) == 0 {
		return []byte{}
	}
	mac := hmac.New(s.hash, s.key)
	for _, p := range parts {
		mac.Write(p)
	}
	sum := mac.Sum(nil)
	return hex.AppendEncode(make([]byte, 0, 2*len(sum)), sum)
}

// Decode checks the signature, in constant time, and splits the frames. The
// message aliases them. The same frames may be decoded any number of times.
func (s *Signer) Decode(frames [][]byte) (Message, error) {
	m, signature, err := Split(frames)
	if err != nil {
		return Message{}, err
	}
	if len(s.key) == 0 {
		return m, nil
	}
	want := s.signature([][]byte{m.Header, m.Parent, m.Metadata, m.Content})
	if !hmac.Equal(want, signature) {
		return Message{}, ErrSignature
	}
	return m, nil
}

// Split takes the frames of a message apart without checking its signature, for
// bytes that were checked before. It finds the delimiter wherever it is: some
// messages have no topic, others several routing frames.
func Split(frames [][]byte) (m Message, signature []byte, err error) {
	for i, f := range frames {
		if string(f) != Delimiter {
			continue
		}
		rest := frames[i+1:]
		if len(rest) < 5 {
			return Message{}, nil, fmt.Errorf("%w: %d parts after the delimiter, at least 5", ErrMalformed, len(rest))
		}
		return Message{
			Identities: frames[:i:i],
			Header:     rest[1], Parent: rest[2], Metadata: rest[3], Content: rest[4],
			Buffers: rest[5:len(rest):len(rest)],
		}, rest[0], nil
	}
	return Message{}, nil, fmt.Errorf("%w: no delimiter in %d frames", ErrMalformed, len(frames))
}

// replayHistory is how many signatures are remembered, as jupyter_client does.
const replayHistory = 1 << 16

// ReplayGuard refuses a signature it has seen among the last 65,536. It stands
// apart from the Signer because what was received once may be read again, from
// a spool, but not received again. Safe for concurrent use.
type ReplayGuard struct {
	mu   sync.Mutex
	seed maphash.Seed
	seen map[uint64]struct{}
	ring []uint64
	next int
}

// NewReplayGuard makes an empty one. Its memory grows with use, to about 2 MB.
func NewReplayGuard() *ReplayGuard {
	return &ReplayGuard{seed: maphash.MakeSeed(), seen: map[uint64]struct{}{}}
}

// Check remembers the signature of these frames, or returns ErrReplayed. Call it
// after Decode, so that forged frames cannot push out real ones. Messages
// without a signature pass.
func (g *ReplayGuard) Check(frames [][]byte) error {
	_, signature, err := Split(frames)
	if err != nil || len(signature) == 0 {
		return err
	}
	sum := maphash.Bytes(g.seed, signature)
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, ok := g.seen[sum]; ok {
		return ErrReplayed
	}
	g.seen[sum] = struct{}{}
	if len(g.ring) < replayHistory {
		g.ring = append(g.ring, sum)
		return nil
	}
	delete(g.seen, g.ring[g.next])
	g.ring[g.next] = sum
	g.next = (g.next + 1) % replayHistory
	return nil
}
