package session

import (
	"context"
	"time"

	"github.com/runnel-dev/runnel/internal/jupyter"
)

// EventKind says what a [KernelEvent] is.
type EventKind int

// The kinds of kernel events.
const (
	KernelStarted      EventKind = iota + 1
	KernelMessage                // Channel, Msg
	KernelSent                   // ID: the command with this id was passed to the kernel
	KernelUnresponsive           // no heartbeat answer for a while; never a death
	KernelResponsive
	KernelLost   // Text says what the keeper could not keep
	KernelExited // Exit; the last event
)

// KernelEvent is one numbered thing that happened to a kernel.
type KernelEvent struct {
	Record  uint64
	Time    time.Time
	Kind    EventKind
	Channel jupyter.Channel
	Msg     jupyter.Message
	ID      string
	Text    string
	Exit    KernelExit
}

// KernelExit is how a kernel's process ended.
type KernelExit struct {
	Code       int
	Signal     string
	OOM        bool
	Requested  bool // we asked for it
	Unknown    bool // its keeper died, so nobody knows
	PeakMemory int64
	Stderr     string
	Text       string
}

// KernelInfo is what is known of a running kernel.
type KernelInfo struct {
	PID            int
	StartedAt      time.Time
	Implementation string // as kernel_info says: "ipython"
	LanguageInfo   []byte // JSON of kernel_info's language_info
}

// Kernel is what a session needs of a running kernel; the events come from one NextBatch at a time, everything else may be
// called at any time.
type Kernel interface {
	ID() string
	// NextBatch blocks for at least one event and returns at most max bytes' worth; an error ends the stream (the kernel's
	// process may live on).
	NextBatch(ctx context.Context, max int) ([]KernelEvent, error)
	// Ready blocks until the kernel answers and its iopub is connected.
	Ready(ctx context.Context) (KernelInfo, error)
	// Send passes msg to the kernel at most once per id, however often it is called.
	Send(ctx context.Context, id string, channel jupyter.Channel, msg jupyter.Message) error
	Interrupt(ctx context.Context) error
	// Stop ends the process and its children; with force at once.
	Stop(ctx context.Context, force bool) error
	// Ack says everything up to record n is durable here.
	Ack(n uint64)
	// Memory is what the kernel and its children use, in bytes; 0 when unknown.
	Memory() int64
	// Close lets go of the kernel, which lives on. It waits for what it started.
	Close() error
}

// LaunchRequest asks for a new kernel.
type LaunchRequest struct {
	KernelID string
	Name     string // kernelspec or environment; empty: what suits Language
	Language string
	Notebook string            // path in the served folder
	Progress func(text string) // what is being done, for the person who waits
}

// LaunchInfo says what was started.
type LaunchInfo struct {
	Name, DisplayName, Language, Environment string
}

// Found is a kernel that an earlier server started.
type Found struct {
	ID       string
	Notebook string
	Exited   bool
}

// Launcher starts kernels and finds those that run.
type Launcher interface {
	Launch(ctx context.Context, req LaunchRequest) (Kernel, LaunchInfo, error)
	// Attach takes up a kernel that runs or ran: events from record from on.
	Attach(ctx context.Context, id string, from uint64) (Kernel, error)
	Find(ctx context.Context) ([]Found, error)
}
