package zmtp

import "errors"

// What can go wrong beside the network's own errors. Errors are wrapped: test
// them with errors.Is. A clean end of the stream between two messages is
// io.EOF, one inside a message io.ErrUnexpectedEOF.
var (
	// ErrHandshake: the peer does not speak ZMTP 3 with NULL, refused us, is of
	// a kind we cannot talk to, or stayed silent.
	ErrHandshake = errors.New("zmtp: handshake failed")
	// ErrFrameTooLarge: a frame announced more than Options.MaxFrame.
	ErrFrameTooLarge = errors.New("zmtp: frame too large")
	// ErrMessageTooLarge: the frames of one message exceed Options.MaxMessage,
	// or are more than 65,536.
	ErrMessageTooLarge = errors.New("zmtp: message too large")
	// ErrProtocol: bytes that ZMTP does not allow at this place.
	ErrProtocol = errors.New("zmtp: protocol violation")
	// ErrClosed: Close was called on this side.
	ErrClosed = errors.New("zmtp: connection closed")
	// ErrEndpoint: the address is neither tcp://host:port nor ipc://path.
	ErrEndpoint = errors.New("zmtp: unusable endpoint")
)
