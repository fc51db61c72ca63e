package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/google/uuid"

	"github.com/runnel-dev/runnel/internal/jupyter"
	"github.com/runnel-dev/runnel/internal/zmtp"
)

// floor talks to kernels directly.
type floor struct {
	argv    []string
	root    string
	kernels []*directKernel
}

func newFloor(argv []string) (*floor, error) {
	root, err := os.MkdirTemp("", "runnel-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for kernels: %w", err)
	}
	return &floor{argv: argv, root: root}, nil
}

func (f *floor) name() string { return "kernel itself" }

func (f *floor) memory() (map[string]int64, error) { return nil, nil }

func (f *floor) shared() bool { return false }

func (f *floor) close() error {
	for _, k := range f.kernels {
		k.stop()
	}
	return os.RemoveAll(f.root)
}

func (f *floor) open(ctx context.Context) error {
	k, err := startKernel(ctx, f.argv, f.root)
	if err != nil {
		return err
	}
	f.kernels = append(f.kernels, k)
	return nil
}

func (f *floor) line(context.Context) (line, error) {
	return &directLine{kernel: f.kernels[len(f.kernels)-1]}, nil
}

// directKernel is an ipykernel with sockets and a reader for each.
type directKernel struct {
	cmd     *exec.Cmd
	signer  *jupyter.Signer
	session string
	shell   *zmtp.Conn
	stdin   *zmtp.Conn
	iopub   *zmtp.Conn
	inbox   chan received
	quit    chan struct{}
}

type received struct {
	channel jupyter.Channel
	message jupyter.Message
	at      time.Time
	err     error
}

func startKernel(ctx context.Context, argv []string, root string) (*directKernel, error) {
	dir, err := os.MkdirTemp(root, "k")
	if err != nil {
		return nil, fmt.Errorf("make a folder for a kernel: %w", err)
	}
	info, err := jupyter.NewConnectionInfo(jupyter.TransportIPC, dir, "python3")
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "connection.json")
	if err := info.Write(file); err != nil {
		return nil, err
	}
	signer, err := info.Signer()
	if err != nil {
		return nil, err
	}
	k := &directKernel{signer: signer, session: uuid.NewString(), inbox: make(chan received, 1024), quit: make(chan struct{})}
	command, err := jupyter.Spec{Argv: argv}.Command(file, "")
	if err != nil {
		return nil, err
	}
	k.cmd = exec.Command(command[0], append(command[1:], jupyter.IPythonArgs()...)...)
	k.cmd.Env = append(os.Environ(), "JPY_PARENT_PID=1")
	k.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := k.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start a kernel with %s: %w", argv[0], err)
	}
	if err := k.connect(ctx, info); err != nil {
		k.stop()
		return nil, fmt.Errorf("connect to the kernel: %w", err)
	}
	return k, nil
}

func (k *directKernel) connect(ctx context.Context, info jupyter.ConnectionInfo) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	identity := []byte(k.session)
	for _, socket := range []struct {
		conn    **zmtp.Conn
		kind    zmtp.Kind
		channel jupyter.Channel
	}{{&k.iopub, zmtp.Sub, jupyter.IOPub}, {&k.stdin, zmtp.Dealer, jupyter.Stdin}, {&k.shell, zmtp.Dealer, jupyter.Shell}} {
		options := zmtp.Options{}
		if socket.kind == zmtp.Dealer {
			options.Identity = identity
		}
		for {
			conn, err := zmtp.Dial(ctx, socket.kind, info.Endpoint(socket.channel), options)
			if err == nil {
				*socket.conn = conn
				go k.read(socket.channel, conn)
				break
			}
			select {
			case <-time.After(5 * time.Millisecond):
			case <-ctx.Done():
				return fmt.Errorf("%s: %w", socket.channel, err)
			}
		}
	}
	return k.greet(ctx)
}

// greet asks for kernel_info until its echo shows that iopub is heard.
func (k *directKernel) greet(ctx context.Context) error {
	heard, replied := false, false
	for !heard || !replied {
		if err := k.send(k.shell, "kernel_info_request", struct{}{}, uuid.NewString()); err != nil {
			return err
		}
		again := time.After(500 * time.Millisecond)
		for waiting := true; waiting && (!heard || !replied); {
			select {
			case r := <-k.inbox:
				if r.err != nil {
					return r.err
				}
				heard = heard || r.channel == jupyter.IOPub
				replied = replied || r.channel == jupyter.Shell
			case <-again:
				waiting = false
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	return nil
}

func (k *directKernel) read(channel jupyter.Channel, conn *zmtp.Conn) {
	for {
		frames, err := conn.Recv()
		r := received{channel: channel, at: time.Now(), err: err}
		if err == nil {
			r.message, r.err = k.signer.Decode(frames)
		}
		select {
		case k.inbox <- r:
		case <-k.quit:
			return
		}
		if err != nil {
			return
		}
	}
}

func (k *directKernel) send(conn *zmtp.Conn, msgType string, content any, id string) error {
	m, err := jupyter.NewMessage(k.session, id, msgType, content, time.Now())
	if err != nil {
		return err
	}
	return conn.Send(k.signer.Encode(m)...)
}

func (k *directKernel) stop() {
	close(k.quit)
	for _, conn := range []*zmtp.Conn{k.iopub, k.stdin, k.shell} {
		if conn != nil {
			_ = conn.Close()
		}
	}
	_ = syscall.Kill(-k.cmd.Process.Pid, syscall.SIGKILL)
	_ = k.cmd.Wait()
}

// directLine is the only client of a direct kernel.
type directLine struct{ kernel *directKernel }

func (l *directLine) close() {}

func (l *directLine) listen(context.Context, func(event) error) error {
	return errors.New("a direct kernel has one client")
}

func (l *directLine) answer(_ context.Context, value string) error {
	return l.kernel.send(l.kernel.stdin, "input_reply", jupyter.InputReply{Value: value}, uuid.NewString())
}

func (l *directLine) run(ctx context.Context, code string, on func(event) error) error {
	id := uuid.NewString()
	request := jupyter.ExecuteRequest{Code: code, StoreHistory: true, AllowStdin: true, StopOnError: true, UserExpressions: map[string]string{}}
	if err := l.kernel.send(l.kernel.shell, "execute_request", request, id); err != nil {
		return err
	}
	end := runEnd{id: id}
	for {
		select {
		case r := <-l.kernel.inbox:
			if r.err != nil {
				return r.err
			}
			if err := end.take(r, on); err != nil {
				return err
			}
			if end.replied && end.idle {
				return end.failure
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// runEnd follows one run's messages to its end, for all who see kernel messages.
type runEnd struct {
	id            string
	replied, idle bool
	failure       error
}

func (e *runEnd) take(r received, on func(event) error) error {
	parent, err := r.message.ParentHeader()
	if err != nil || parent.MsgID != e.id {
		return err
	}
	header, err := r.message.ParseHeader()
	if err != nil {
		return err
	}
	content := r.message.Content
	switch header.MsgType {
	case "stream":
		stream, err := jupyter.Decode[jupyter.Stream](content)
		if err != nil {
			return err
		}
		return on(event{kind: printed, text: stream.Text, at: r.at})
	case "input_request":
		request, err := jupyter.Decode[jupyter.InputRequest](content)
		if err != nil {
			return err
		}
		return on(event{kind: prompted, text: request.Prompt, at: r.at})
	case "display_data":
		return on(event{kind: displayed, size: len(content), at: r.at})
	case "error":
		failed, err := jupyter.Decode[jupyter.ErrorContent](content)
		e.failure = errors.Join(err, fmt.Errorf("the code failed: %s: %s", failed.EName, failed.EValue))
	case "execute_reply":
		e.replied = true
	case "status":
		status, err := jupyter.Decode[jupyter.Status](content)
		e.idle = e.idle || status.ExecutionState == jupyter.StateIdle
		return err
	}
	return nil
}
