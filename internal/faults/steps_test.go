package faults

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/internal/pageclient"
	"github.com/runnel-dev/runnel/internal/protocol"
)

// do sends a command and checks that it was taken.
func do(t *testing.T, c *pageclient.Client, cmd protocol.Command) protocol.Ack {
	t.Helper()
	ack, err := c.Do(within(t, 30*time.Second), cmd)
	if err != nil {
		t.Fatal(err)
	}
	if ack.Status == protocol.AckRejected {
		t.Fatalf("%s rejected: %s: %s", cmd.Type, ack.Code, ack.Error)
	}
	return ack
}

// value runs code that ends in an expression and returns the result's text.
func value(t *testing.T, c *pageclient.Client, cell protocol.CellID, code string) string {
	t.Helper()
	run := start(t, c, cell, code)
	finish(t, c, run, time.Minute, protocol.StatusOK)
	return resultText(c.State(), cell)
}

// resultText is the text form of the cell's result.
func resultText(st *protocol.State, cell protocol.CellID) string {
	c := st.Cell(cell)
	if c == nil {
		return ""
	}
	for _, o := range c.Outputs {
		if o.Kind == protocol.KindResult {
			var text string
			_ = json.Unmarshal(o.Data["text/plain"], &text)
			return text
		}
	}
	return ""
}

func waitRunning(t *testing.T, c *pageclient.Client, cell protocol.CellID) {
	t.Helper()
	if err := c.Wait(within(t, 30*time.Second), "the run of "+string(cell), func(st *protocol.State) bool {
		cl := st.Cell(cell)
		return cl != nil && cl.Run != nil && cl.Run.State == protocol.StateRunning
	}); err != nil {
		t.Fatal(err)
	}
}

// waitPrompt waits until a prompt is open and returns it.
func waitPrompt(t *testing.T, c *pageclient.Client, limit time.Duration) protocol.Prompt {
	t.Helper()
	var p protocol.Prompt
	if err := c.Wait(within(t, limit), "a prompt", func(st *protocol.State) bool {
		if len(st.Prompts) == 0 {
			return false
		}
		p = st.Prompts[0]
		return true
	}); err != nil {
		t.Fatal(err)
	}
	return p
}

// wantPrefix checks that text is the first lines of the oracle's, at least n units of them.
func wantPrefix(t *testing.T, text string, n int) {
	t.Helper()
	if len(text) < n {
		t.Errorf("only %d units of output are left", len(text))
	}
	whole := strings.Count(text, "\n")
	sameText(t, "the output before", text[:strings.LastIndexByte(text, '\n')+1], wantLines(whole))
}

func kill(t *testing.T, pid int, sig syscall.Signal) {
	t.Helper()
	if pid <= 1 {
		t.Fatalf("refusing to signal pid %d", pid)
	}
	_ = syscall.Kill(pid, sig)
}

func atoi(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func atoiOr(s string, or int) int {
	if n, err := strconv.Atoi(strings.TrimSpace(s)); err == nil {
		return n
	}
	return or
}

// runOnce runs the program to its end and returns its exit code.
func (s *Server) runOnce(args ...string) int {
	cmd := exec.Command(binary, args...)
	cmd.Env = append(os.Environ(), "RUNNEL_STATE_DIR="+s.State, "XDG_RUNTIME_DIR=")
	cmd.Stdout, cmd.Stderr = s.log, s.log
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	if err != nil {
		return -1
	}
	return 0
}

// rss is a process's resident memory in bytes.
func rss(pid int) int64 {
	data, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	for l := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(l, "VmRSS:"); ok {
			return int64(atoiOr(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 0)) << 10
		}
	}
	return 0
}

// connectedClients is how many clients the server counts.
func connectedClients(t *testing.T, s *Server) int {
	t.Helper()
	code, body := s.Get("/runnel/v1/status")
	if code != http.StatusOK {
		t.Fatalf("status: %d %s", code, body)
	}
	var status struct {
		Clients int `json:"clients"`
	}
	if err := json.Unmarshal(body, &status); err != nil {
		t.Fatal(err)
	}
	return status.Clients
}

func decodeBody(t *testing.T, resp *http.Response, v any) {
	t.Helper()
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode/100 != 2 {
		body, _ := io.ReadAll(resp.Body)
		t.Fatalf("status %d: %s", resp.StatusCode, body)
	}
	if err := json.NewDecoder(resp.Body).Decode(v); err != nil {
		t.Fatal(err)
	}
}

// withoutClock is the state as JSON, without what may differ between equal states: nothing but the kernel's memory figure.
func withoutClock(s *protocol.State) string {
	s.Kernel.Memory = 0
	data, _ := json.Marshal(s)
	return string(data)
}

type waiter = func(context.Context, string, func(*protocol.State) bool) error
