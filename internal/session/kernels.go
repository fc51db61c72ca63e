package session

import (
	"encoding/json"

	"github.com/runnel-dev/runnel/internal/jupyter"
	"github.com/runnel-dev/runnel/internal/kernel"
	"github.com/runnel-dev/runnel/internal/protocol"
)

// The kernel's life, as the core sees it (pub.Kernel.State):
//
//	none, dead ──start──▶ starting ──ready──▶ idle ⇄ busy ⇄ unresponsive
//	starting ──failed, exited──▶ dead                  │ exited ──▶ dead
//	idle, busy ──stop──▶ stopping ──exited──▶ none     │ restart ──▶ restarting ──exited──▶ starting

func (f kernelAttached) apply(c *core) {
	if f.KernelID != c.priv.KernelID {
		c.priv.Record, c.priv.Boot = 0, f.Boot
		c.priv.Sends, c.priv.Capturing = nil, nil
	}
	c.priv.KernelID = f.KernelID
	if f.Implementation != "" || f.KernelID == "" {
		c.priv.Implementation = f.Implementation
	}
}

func (c *core) setKernelState(state string) {
	if c.pub.Kernel.State == state {
		return
	}
	k := c.pub.Kernel
	k.State = state
	k.Fresh = k.Fresh && state != protocol.KernelBusy
	c.emit(protocol.KernelChanged{Kernel: k})
}

func (c *core) busyOrIdle() string {
	if c.priv.Current != "" {
		return protocol.KernelBusy
	}
	return protocol.KernelIdle
}

// wantKernel starts the notebook's kernel when there is none.
func (c *core) wantKernel() {
	if s := c.pub.Kernel.State; s == protocol.KernelNone || s == protocol.KernelDead {
		c.startKernel("")
	}
}

// kernelspec is what a notebook's metadata says of its kernel.
type kernelspec struct {
	Kernelspec struct {
		Name        string `json:"name"`
		DisplayName string `json:"display_name"`
		Language    string `json:"language"`
	} `json:"kernelspec"`
	LanguageInfo struct {
		Name string `json:"name"`
	} `json:"language_info"`
}

// startKernel launches. Without a name: the one before, or what the notebook asks for.
func (c *core) startKernel(name string) {
	var spec kernelspec
	_ = json.Unmarshal(c.pub.Metadata, &spec)
	k := protocol.Kernel{ID: c.cfg.newID(), Name: name, State: protocol.KernelStarting, StartedAt: c.now, Fresh: true}
	if name == "" {
		k.Name, k.DisplayName, k.Language, k.Environment = c.pub.Kernel.Name, c.pub.Kernel.DisplayName, c.pub.Kernel.Language, c.pub.Kernel.Environment
	}
	if k.Name == "" {
		k.Name, k.DisplayName, k.Language = spec.Kernelspec.Name, spec.Kernelspec.DisplayName, spec.Kernelspec.Language
		if k.Language == "" {
			k.Language = spec.LanguageInfo.Name
		}
	}
	c.ready, c.attached, c.restart, c.asked = false, false, nil, nil
	c.showCaptured()
	c.emit(kernelAttached{KernelID: k.ID, Boot: c.cfg.boot})
	c.forgetWidgets(false)
	c.emit(protocol.KernelChanged{Kernel: k})
	c.effect(launchKernel{wish: launchWish{KernelID: k.ID, Name: k.Name, Language: k.Language}})
}

func (c *core) kernelStart(cmd protocol.Command) *reject {
	switch c.pub.Kernel.State {
	case protocol.KernelNone, protocol.KernelDead:
		c.startKernel(cmd.Name)
		return nil
	case protocol.KernelStopping, protocol.KernelRestarting:
		return rejectf(protocol.CodeUnavailable, "the kernel is being stopped; try again in a moment")
	}
	if cmd.Name == "" || cmd.Name == c.pub.Kernel.Name {
		return nil
	}
	return c.kernelRestart(cmd)
}

func (c *core) kernelRestart(cmd protocol.Command) *reject {
	switch c.pub.Kernel.State {
	case protocol.KernelNone, protocol.KernelDead:
		c.startKernel(cmd.Name)
		return nil
	}
	c.restart = &launchWish{Name: cmd.Name}
	c.ready = false
	c.setKernelState(protocol.KernelRestarting)
	busy := c.priv.Current != ""
	if r := c.current(); r != nil {
		c.finish(r, protocol.RunDone{Status: protocol.StatusInterrupted, Reason: "The kernel was restarted."})
	}
	c.closePrompts("", "ended")
	c.effect(stopKernel{KernelID: c.priv.KernelID, Force: cmd.Force, Busy: busy})
	return nil
}

func (c *core) kernelStop(cmd protocol.Command) *reject {
	switch c.pub.Kernel.State {
	case protocol.KernelNone, protocol.KernelDead:
		return nil
	}
	reason := "The kernel was stopped."
	if cmd.Client == protocol.OverHTTP {
		reason = "The kernel was stopped from outside of the page."
		c.notice("info", "kernel_stopped", reason, "")
	}
	c.stopping(reason, cmd.Force)
	return nil
}

func (c *core) stopping(reason string, force bool) {
	c.restart, c.ready = nil, false
	c.cancelWaiting("", reason)
	c.setKernelState(protocol.KernelStopping)
	busy := c.priv.Current != ""
	if r := c.current(); r != nil {
		c.finish(r, protocol.RunDone{Status: protocol.StatusInterrupted, Reason: reason})
	}
	c.closePrompts("", "ended")
	c.effect(stopKernel{KernelID: c.priv.KernelID, Force: force, Busy: busy})
}

// kernelProgress is what is being done while a kernel starts.
func (c *core) kernelProgress(id, text string) {
	if id != c.priv.KernelID || c.pub.Kernel.State != protocol.KernelStarting || c.pub.Kernel.Progress == text {
		return
	}
	k := c.pub.Kernel
	k.Progress = text
	c.emit(protocol.KernelChanged{Kernel: k})
}

// kernelUp: the launcher has started it; it may not answer yet.
func (c *core) kernelUp(id string, info LaunchInfo) {
	if id != c.priv.KernelID {
		return
	}
	c.attached = true
	if s := c.pub.Kernel.State; s == protocol.KernelStopping || s == protocol.KernelRestarting {
		c.effect(stopKernel{KernelID: id, Force: true})
		return
	}
	k := c.pub.Kernel
	k.Name, k.DisplayName, k.Language, k.Environment = info.Name, info.DisplayName, info.Language, info.Environment
	c.emit(protocol.KernelChanged{Kernel: k})
}

// kernelReady: it answers, and nothing of what it prints is missed from now on.
func (c *core) kernelReady(id string, info *jupyter.KernelInfoReply) {
	if id != c.priv.KernelID || !c.attached || c.ready {
		return
	}
	switch c.pub.Kernel.State {
	case protocol.KernelStopping, protocol.KernelRestarting, protocol.KernelDead, protocol.KernelNone:
		return
	}
	if info != nil {
		c.emit(kernelAttached{KernelID: id, Implementation: info.Implementation})
		c.describeKernel(info)
	}
	c.ready, c.asked = true, nil
	c.idleSince = c.now
	k := c.pub.Kernel
	k.State, k.Progress = c.busyOrIdle(), ""
	c.emit(protocol.KernelChanged{Kernel: k})
	c.advance()
	c.advanceSends()
}

// describeKernel writes into the notebook's metadata which kernel it runs on, when it says nothing or something else.
func (c *core) describeKernel(info *jupyter.KernelInfoReply) {
	meta := map[string]json.RawMessage{}
	if json.Unmarshal(c.pub.Metadata, &meta) != nil {
		return
	}
	var spec kernelspec
	_ = json.Unmarshal(c.pub.Metadata, &spec)
	k := c.pub.Kernel
	if spec.Kernelspec.Name == k.Name && spec.Kernelspec.Name != "" || k.Name == "" {
		return
	}
	meta["kernelspec"] = mustMarshal(map[string]string{"name": k.Name, "display_name": k.DisplayName, "language": k.Language})
	if info.LanguageInfo.Name != "" {
		meta["language_info"] = mustMarshal(languageInfo(info.LanguageInfo))
	}
	c.emit(protocol.MetadataChanged{Metadata: mustMarshal(meta)})
}

// languageInfo leaves out what the kernel did not say.
func languageInfo(l jupyter.LanguageInfo) map[string]any {
	out := map[string]any{"name": l.Name}
	for key, value := range map[string]string{"version": l.Version, "mimetype": l.MimeType, "file_extension": l.FileExtension, "pygments_lexer": l.PygmentsLexer} {
		if value != "" {
			out[key] = value
		}
	}
	if len(l.CodemirrorMode) > 0 {
		out["codemirror_mode"] = l.CodemirrorMode
	}
	return out
}

// kernelFailed: it could not be started, or its events have ended without its exit.
func (c *core) kernelFailed(id, text string) {
	if id != c.priv.KernelID {
		return
	}
	if c.restart != nil {
		c.relaunch()
		return
	}
	if c.pub.Kernel.State == protocol.KernelStopping {
		c.stopped()
		return
	}
	c.died(protocol.StatusKernelDied, protocol.Death{Text: text, ExitCode: -1, At: c.now})
}

// stopped: the kernel that was to stop has ended.
func (c *core) stopped() {
	c.attached = false
	c.closePrompts("", "ended")
	c.emit(kernelAttached{})
	k := c.pub.Kernel
	k.State, k.PID, k.Progress, k.Memory, k.Death = protocol.KernelNone, 0, "", 0, nil
	c.emit(protocol.KernelChanged{Kernel: k})
	c.advance() // what was asked for since gets a new kernel
}

// kernelExited: its process has ended, whoever wanted that.
func (c *core) kernelExited(e kernel.Event) {
	c.attached, c.ready = false, false
	c.closePrompts("", "kernel_died")
	if c.restart != nil {
		c.relaunch()
		return
	}
	if c.pub.Kernel.State == protocol.KernelStopping {
		c.stopped()
		return
	}
	x := e.Exit
	end := protocol.StatusKernelDied
	if x.KeeperLost { // the run may have come to its end before, with nobody there to hear it
		end = protocol.StatusLost
	}
	c.died(end, protocol.Death{Text: x.Text, ExitCode: x.Code, Signal: x.Signal, OOM: x.OOM, PeakMemory: x.PeakRSS, Stderr: x.Stderr, At: c.now})
}

func (c *core) relaunch() {
	name := c.restart.Name
	c.restart = nil
	c.closePrompts("", "ended")
	c.startKernel(name)
}

// died ends everything that was on the kernel, the running run with this status; nothing is run again by itself. What this server was asked for
// before it knew that the kernel had died while no server was there was not for that kernel: it gets a new one.
func (c *core) died(end string, death protocol.Death) {
	starting, asked := c.pub.Kernel.State == protocol.KernelStarting, c.asked
	c.asked = nil
	c.attached, c.ready, c.restart = false, false, nil
	k := c.pub.Kernel
	k.State, k.Progress, k.PID, k.Memory, k.Death = protocol.KernelDead, "", 0, 0, &death
	c.emit(kernelAttached{})
	c.emit(protocol.KernelChanged{Kernel: k})
	c.closePrompts("", "kernel_died")
	trace := []string{}
	if death.Stderr != "" {
		trace = append(trace, death.Stderr)
	}
	for _, id := range append([]protocol.RunID(nil), c.priv.Order...) {
		r := c.priv.Runs[id]
		switch {
		case r == nil || r.Done || asked[id]:
		case starting:
			c.endWaiting(r, protocol.RunDone{Status: protocol.StatusKernelDied, Reason: death.Text, Traceback: trace})
		default:
			c.cancelRun(r, "The kernel died.")
		}
	}
	if r := c.current(); r != nil {
		c.showError(r, "KernelDied", death.Text, trace)
		c.finish(r, protocol.RunDone{Status: end, Reason: death.Text, Ename: "KernelDied", Evalue: death.Text, Traceback: trace})
	}
	if len(c.priv.Order) > 0 {
		c.notice("warning", "kernel_replaced", "The kernel ended while no server was there, and what it knew is gone: "+death.Text+" What was asked for since runs on a new one.", "")
		c.advance()
	}
}

// kernelMemory is what the kernel uses now; small changes are not worth an event.
func (c *core) kernelMemory(id string, bytes int64) {
	old := c.pub.Kernel.Memory
	if id != c.priv.KernelID || !c.attached || (bytes-old)*50 < old && (old-bytes)*50 < old && old != 0 || bytes == 0 {
		return
	}
	k := c.pub.Kernel
	k.Memory = bytes
	c.emit(protocol.KernelChanged{Kernel: k})
}

// kernelGone: the handle of a kernel that the journal names cannot be had any more; nowhere: there is not even a trace of it. One that was about
// to be started when the server ended is started now, if the machine has not ended since: then the journal has all that was done, and nothing was
// sent to that kernel.
func (c *core) kernelGone(text string, nowhere bool) {
	if k := c.pub.Kernel; nowhere && k.State == protocol.KernelStarting && k.PID == 0 && c.priv.Boot != "" && c.priv.Boot == c.cfg.boot {
		c.startKernel("")
		return
	}
	c.died(protocol.StatusLost, protocol.Death{Text: text, ExitCode: -1, At: c.now})
}
