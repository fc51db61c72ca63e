package jupyter_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/internal/jupyter"
	"github.com/runnel-dev/runnel/internal/zmtp"
)

// realKernel is a kernel process and a client on its sockets, for tests.
type realKernel struct {
	t       testing.TB
	signer  *jupyter.Signer
	conns   map[jupyter.Channel]*zmtp.Conn
	started int
	stdout  *bytes.Buffer // the process's own, complete after stop
	cmd     *exec.Cmd
	exited  chan struct{} // closed when the process has ended, for exit and stdout
	exit    error
	iopub   chan received
	ended   chan struct{} // closed when the iopub reader is gone
	pauses  chan chan struct{}
}

type received struct {
	jupyter.Message
	header, parent jupyter.Header
	at             time.Time
}

// startKernel runs argv with the connection file's path in place of {connection_file}.
func startKernel(t testing.TB, transport string, argv ...string) *realKernel {
	t.Helper()
	dir, err := os.MkdirTemp("", "rk")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	info, err := jupyter.NewConnectionInfo(transport, dir, "test")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "c.json")
	if err := info.Write(file); err != nil {
		t.Fatal(err)
	}
	k := newRealKernel(t, info)
	argv, err = jupyter.Spec{Name: "test", Argv: argv}.Command(file, "")
	if err != nil {
		t.Fatal(err)
	}
	k.cmd = exec.Command(argv[0], argv[1:]...)
	k.cmd.Stdout, k.cmd.Stderr = k.stdout, k.stdout
	k.cmd.Env = append(os.Environ(), fmt.Sprintf("JPY_PARENT_PID=%d", os.Getpid()), "IPYTHONDIR="+dir)
	k.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := k.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	k.exited = make(chan struct{})
	go func() { // ends with the process, which stop sees to
		defer close(k.exited)
		k.exit = k.cmd.Wait()
	}()
	k.connect(info)
	return k
}

// newRealKernel is a client that is not connected yet.
func newRealKernel(t testing.TB, info jupyter.ConnectionInfo) *realKernel {
	t.Helper()
	signer, err := info.Signer()
	if err != nil {
		t.Fatal(err)
	}
	k := &realKernel{
		t: t, signer: signer, conns: map[jupyter.Channel]*zmtp.Conn{}, stdout: &bytes.Buffer{},
		iopub: make(chan received, 1<<16), ended: make(chan struct{}), pauses: make(chan chan struct{}, 1),
	}
	t.Cleanup(k.stop)
	return k
}

// connect dials all five sockets, then waits until iopub carries something.
func (k *realKernel) connect(info jupyter.ConnectionInfo) {
	k.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for ch, kind := range map[jupyter.Channel]zmtp.Kind{
		jupyter.IOPub: zmtp.Sub, jupyter.Shell: zmtp.Dealer, jupyter.Stdin: zmtp.Dealer,
		jupyter.Control: zmtp.Dealer, jupyter.Heartbeat: zmtp.Req,
	} {
		for k.conns[ch] == nil {
			conn, err := zmtp.Dial(ctx, kind, info.Endpoint(ch), zmtp.Options{Identity: []byte("test-client")})
			if err == nil {
				k.conns[ch] = conn
				continue
			}
			if ctx.Err() != nil {
				k.t.Fatalf("connect %s: %v", ch, err)
			}
			select {
			case <-k.exited:
				k.t.Fatalf("the kernel ended: %v\n%s", k.exit, k.stdout)
			case <-time.After(10 * time.Millisecond):
			}
		}
	}
	go func() { // ends when stop closes the connection
		defer close(k.ended)
		defer close(k.iopub)
		for {
			select {
			case resume := <-k.pauses:
				<-resume
			default:
			}
			frames, err := k.conns[jupyter.IOPub].Recv()
			if err != nil {
				return
			}
			k.iopub <- k.decode(frames)
		}
	}()
	for { // a subscription takes a moment: ask until the kernel is heard
		k.request(jupyter.Shell, "kernel_info_request", nil)
		k.reply(jupyter.Shell)
		select {
		case <-k.iopub:
			return
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func (k *realKernel) decode(frames [][]byte) received {
	m, err := k.signer.Decode(frames)
	if err != nil {
		k.t.Errorf("decode: %v", err)
	}
	h, err := m.ParseHeader()
	if err != nil {
		k.t.Errorf("header: %v", err)
	}
	p, err := m.ParentHeader()
	if err != nil {
		k.t.Errorf("parent: %v", err)
	}
	return received{m, h, p, time.Now()}
}

func (k *realKernel) request(ch jupyter.Channel, msgType string, content any) string {
	k.t.Helper()
	k.started++
	id := fmt.Sprintf("m%d", k.started)
	m, err := jupyter.NewMessage("test-session", id, msgType, content, time.Now())
	if err != nil {
		k.t.Fatal(err)
	}
	if err := k.conns[ch].Send(k.signer.Encode(m)...); err != nil {
		k.t.Fatal(err)
	}
	return id
}

func (k *realKernel) reply(ch jupyter.Channel) received {
	k.t.Helper()
	frames, err := k.conns[ch].Recv()
	if err != nil {
		k.t.Fatalf("%s: %v", ch, err)
	}
	return k.decode(frames)
}

// run executes code and returns its reply and all it published until idle.
func (k *realKernel) run(r jupyter.ExecuteRequest) (jupyter.ExecuteReply, []received) {
	k.t.Helper()
	id := k.request(jupyter.Shell, "execute_request", r)
	reply := k.reply(jupyter.Shell)
	if reply.parent.MsgID != id {
		k.t.Fatalf("reply to %q, want %q", reply.parent.MsgID, id)
	}
	return content[jupyter.ExecuteReply](k.t, reply), k.untilIdle(id)
}

func (k *realKernel) untilIdle(id string) (all []received) {
	k.t.Helper()
	timeout := time.After(2 * time.Minute)
	for {
		select {
		case m, ok := <-k.iopub:
			if !ok {
				k.t.Fatal("iopub ended")
			}
			if m.parent.MsgID != id {
				continue
			}
			if m.header.MsgType == "status" && content[jupyter.Status](k.t, m).ExecutionState == jupyter.StateIdle {
				return all
			}
			all = append(all, m)
		case <-timeout:
			k.t.Fatalf("no idle after %d messages", len(all))
		}
	}
}

func (k *realKernel) stop() {
	if k.exited != nil {
		_ = k.cmd.Process.Kill()
		<-k.exited
	}
	for _, c := range k.conns {
		_ = c.Close()
	}
	if k.conns[jupyter.IOPub] != nil {
		for range k.iopub {
		}
	}
}

func content[T any](t testing.TB, m received) T {
	t.Helper()
	v, err := jupyter.Decode[T](m.Content)
	if err != nil {
		t.Errorf("%s content: %v", m.header.MsgType, err)
	}
	return v
}

// printed joins the stream text of some messages.
func printed(t testing.TB, all []received) string {
	var b strings.Builder
	for _, m := range all {
		if m.header.MsgType == "stream" {
			b.WriteString(content[jupyter.Stream](t, m).Text)
		}
	}
	return b.String()
}

// plain is the request of an ordinary cell.
func plain(code string) jupyter.ExecuteRequest {
	return jupyter.ExecuteRequest{Code: code, StoreHistory: true, StopOnError: true}
}

// described is one that asks for the variables too.
func described(code string) jupyter.ExecuteRequest {
	r := plain(code)
	r.UserExpressions = map[string]string{jupyter.VariablesKey: jupyter.VariablesExpression}
	return r
}
