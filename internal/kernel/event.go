package kernel

import (
	"errors"
	"strings"
	"time"

	"github.com/runnel-dev/runnel/internal/jupyter"
	"github.com/runnel-dev/runnel/internal/keeper"
)

// Kind says what an Event is.
type Kind = keeper.Kind

// The kinds of events.
const (
	Started      = keeper.KindStarted
	Message      = keeper.KindMessage
	Stdio        = keeper.KindStdio
	Sent         = keeper.KindSent
	Unresponsive = keeper.KindUnresponsive
	Responsive   = keeper.KindResponsive
	Lost         = keeper.KindLost
	Exited       = keeper.KindExited
	// Internal carries a record number and nothing to act on: the handle's own
	// handshake, and messages that were refused.
	Internal Kind = 100
)

// Exit is how a kernel's process ended.
type Exit = keeper.Exit

// Event is one record of a kernel. Which fields are set depends on Kind.
type Event struct {
	Record uint64 // contiguous; to be acknowledged when it is safe elsewhere
	Time   time.Time
	Kind   Kind

	Channel jupyter.Channel // Message
	Msg     jupyter.Message // Message: its signature is verified

	FD   int    // Stdio: 1 or 2
	Data []byte // Stdio

	SentID, SentType string // Sent: the caller's id and the message type

	PID int // Started

	LostRecords, LostBytes uint64 // Lost: as far as known
	Text                   string // Lost: why

	Exit *Exit // Exited: the last event

	size int
}

var channels = map[keeper.Channel]jupyter.Channel{
	keeper.Shell: jupyter.Shell, keeper.Control: jupyter.Control, keeper.Stdin: jupyter.Stdin, keeper.IOPub: jupyter.IOPub,
}

func keeperChannel(ch jupyter.Channel) (keeper.Channel, error) {
	for k, j := range channels {
		if j == ch && k != keeper.IOPub {
			return k, nil
		}
	}
	return 0, errors.New("kernel: nothing can be sent on " + string(ch))
}

// event makes an Event of a record, and notes what Ready waits for.
func (k *Kernel) event(r keeper.Record, size int) Event {
	e := Event{Record: r.N, Time: k.here(r.Time), Kind: r.Kind, size: size}
	switch r.Kind {
	case Message:
		k.message(&e, r)
	case Stdio:
		e.FD, e.Data = r.Stdio()
	case Sent:
		e.SentID, e.SentType = r.Sent()
		if strings.HasPrefix(e.SentID, handshakePrefix) {
			e.Kind = Internal
		}
	case Started:
		e.PID = r.Started()
	case Lost:
		e.LostRecords, e.LostBytes, e.Text = r.Lost()
	case Exited:
		exit, err := r.Exit()
		if err != nil {
			exit = Exit{Code: -1, Text: "The kernel is gone; how is not known."}
		}
		e.Exit = &exit
	}
	return e
}

func (k *Kernel) message(e *Event, r keeper.Record) {
	ch, frames, err := r.Message()
	if err == nil {
		e.Channel = channels[ch]
		e.Msg, err = k.signer.Decode(frames)
	}
	if err == nil {
		err = k.guard.Check(frames)
	}
	if err != nil {
		e.Kind, e.Msg = Internal, jupyter.Message{}
		if n := k.refused.Add(1); n == 1 || n%1000 == 0 {
			k.log.Warn("message from the kernel refused", "kernel", k.id, "record", r.N, "refused", n, "error", err)
		}
		return
	}
	if k.handshake(e.Channel, e.Msg) {
		e.Kind = Internal
	}
}
