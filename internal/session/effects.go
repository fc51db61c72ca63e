package session

import (
	"encoding/json"

	"github.com/runnel-dev/runnel/internal/jupyter"
	"github.com/runnel-dev/runnel/internal/protocol"
)

// effect is something the loop does for the core.
type effect interface{ isEffect() }

type (
	// launchKernel starts a kernel; kernelUp or kernelFailed is the answer, then kernelReady.
	launchKernel struct{ wish launchWish }
	// sendMessage passes a message to the kernel, at most once per ID.
	sendMessage struct {
		ID      string
		Channel jupyter.Channel
		MsgType string
		Parent  json.RawMessage
		Content any
		Buffers [][]byte
	}
	// interruptKernel signals it, and only then passes Then on: what ends the run must not come before, else the signal meets the next run.
	interruptKernel struct{ Then []sendMessage }
	// stopKernel: kernelExited is the answer.
	stopKernel struct {
		KernelID string
		Force    bool
		Busy     bool // interrupt it first, so that it can end by itself
	}
	// saveFile writes the notebook; saveDone is the answer.
	saveFile struct{}
	// keepSpill appends text that no client keeps to the output's spill file.
	keepSpill struct {
		Output protocol.OutputID
		Offset int64
		Text   string
	}
	dropSpill struct{ Output protocol.OutputID }
)

// launchWish is which kernel to start.
type launchWish struct {
	KernelID string
	Name     string
	Language string
}

func (launchKernel) isEffect()    {}
func (sendMessage) isEffect()     {}
func (interruptKernel) isEffect() {}
func (stopKernel) isEffect()      {}
func (saveFile) isEffect()        {}
func (keepSpill) isEffect()       {}
func (dropSpill) isEffect()       {}
