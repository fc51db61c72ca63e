package server

import (
	"context"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/runnel-dev/runnel/internal/files"
	"github.com/runnel-dev/runnel/internal/gateway"
	"github.com/runnel-dev/runnel/internal/httpapi"
	"github.com/runnel-dev/runnel/internal/protocol"
	"github.com/runnel-dev/runnel/internal/session"
)

// notebooks is the hub as the routes want it.
type notebooks struct{ hub *session.Hub }

var _ httpapi.Notebooks = notebooks{}

func (n notebooks) Open(ctx context.Context, path string, create bool) (gateway.Session, error) {
	return gateway.Of(n.hub).Open(ctx, path, create)
}

func (n notebooks) Sessions() []session.Info { return n.hub.Sessions() }

func (n notebooks) Rename(ctx context.Context, from, to files.Path) error {
	return n.hub.Rename(ctx, from, to)
}

func (n notebooks) OutputText(ctx context.Context, notebook string, output protocol.OutputID) (io.ReadCloser, error) {
	s, err := n.hub.Open(ctx, notebook, false)
	if err != nil {
		return nil, err
	}
	return s.OutputText(ctx, output)
}

const (
	restEvery  = 20 * time.Second
	slack      = 8 << 20
	memoryGoal = 192 << 20
)

// rest keeps the server small: under a flood garbage is collected early rather than late, and what the flood has needed goes back to
// the system.
func rest(ctx context.Context) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50)
	}
	fixed := os.Getenv("GOMEMLIMIT") != ""
	if !fixed {
		debug.SetMemoryLimit(memoryGoal)
	}
	tick := time.NewTicker(restEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		if m.HeapSys-m.HeapReleased > m.HeapAlloc/2+slack || m.HeapIdle-m.HeapReleased > slack {
			debug.FreeOSMemory()
		}
		if !fixed { // a goal below what is really in use would only cost time
			debug.SetMemoryLimit(max(memoryGoal, int64(m.HeapAlloc)*5/4))
		}
	}
}
