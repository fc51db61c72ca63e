package session

import (
	"context"
	"time"

	"github.com/runnel-dev/runnel/internal/jupyter"
	"github.com/runnel-dev/runnel/internal/kernel"
)

// Kernel is what a session needs of a kernel's handle; see kernel.Kernel for what each method promises.
type Kernel interface {
	ID() kernel.ID
	NextBatch(ctx context.Context, size int) ([]kernel.Event, error)
	Ready(ctx context.Context) error
	Info() *jupyter.KernelInfoReply
	Send(ctx context.Context, id string, channel jupyter.Channel, msg jupyter.Message) error
	Interrupt(ctx context.Context) error
	Stop(ctx context.Context, force bool) error
	Ack(n uint64)
	Status() kernel.Status
	Rename(notebook string) error
	Close() error
}

var _ Kernel = (*kernel.Kernel)(nil)

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

// Launcher starts kernels and takes up those that run. The error of Launch is shown to the person: fault.Message of it names the
// interpreter and the one command that helps.
type Launcher interface {
	Launch(ctx context.Context, req LaunchRequest) (Kernel, LaunchInfo, error)
	// Attach takes up a kernel that runs or ran, with its events from record number from on; fs.ErrNotExist when nothing is
	// known of it.
	Attach(ctx context.Context, id kernel.ID, from uint64) (Kernel, error)
	// Collect removes what is left of kernels whose keeper is gone and that needed does not name; see kernel.Manager.Collect.
	Collect(ctx context.Context, before time.Time, needed func() (map[kernel.ID]bool, error)) (int, error)
}
