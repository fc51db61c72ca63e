package bench

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/coder/websocket"
	"github.com/google/uuid"

	"github.com/runnel-dev/runnel/internal/instance"
	"github.com/runnel-dev/runnel/internal/jupyter"
)

// peer is a Jupyter Server, spoken to as JupyterLab does.
type peer struct {
	url, token string
	root       string
	cmd        *exec.Cmd
	kernel     string // of the last open
}

const peerSubprotocol = "v1.kernel.websocket.jupyter.org"

func newPeer(ctx context.Context, config Config) (*peer, error) {
	root, err := os.MkdirTemp("", "runnel-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for Jupyter Server: %w", err)
	}
	p := &peer{token: rand.Text(), root: root}
	if err := p.start(ctx, config); err != nil {
		return nil, errors.Join(fmt.Errorf("start Jupyter Server with %s: %w", config.PeerPython, err), p.close())
	}
	return p, nil
}

func (p *peer) start(ctx context.Context, config Config) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	address := listener.Addr().(*net.TCPAddr)
	if err := listener.Close(); err != nil {
		return err
	}
	p.url = "http://" + address.String()
	if err := p.kernelspec(config.argv); err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(p.root, "log"))
	if err != nil {
		return err
	}
	defer log.Close()
	p.cmd = exec.Command(config.PeerPython, "-m", "jupyter_server", "--no-browser", "--allow-root", "--IdentityProvider.token="+p.token,
		"--ServerApp.ip=127.0.0.1", fmt.Sprintf("--ServerApp.port=%d", address.Port), "--ServerApp.port_retries=0", "--ServerApp.root_dir="+p.root)
	p.cmd.Env = append(os.Environ(), "JUPYTER_CONFIG_DIR="+p.root, "JUPYTER_DATA_DIR="+p.root, "JUPYTER_RUNTIME_DIR="+p.root, "JUPYTER_PATH=", "JUPYTER_PREFER_ENV_PATH=0")
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		err := p.call(ctx, http.MethodGet, "/api/status", nil, nil)
		if err == nil {
			return nil
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			text, _ := os.ReadFile(log.Name())
			return fmt.Errorf("no answer: %w: %s", err, text[max(0, len(text)-2000):])
		}
	}
}

// kernelspec makes the kernel of the other systems known to the server, as `ipykernel install` would.
func (p *peer) kernelspec(argv []string) error {
	dir := filepath.Join(p.root, "kernels", "bench")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	text, err := json.Marshal(map[string]any{
		"argv": argv, "display_name": "bench", "language": "python",
	})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "kernel.json"), text, 0o600)
}

func (p *peer) name() string { return "Jupyter Server" }

func (p *peer) close() error {
	if p.cmd != nil && p.cmd.Process != nil {
		// SIGTERM lets it stop its kernels, which are in groups of their own.
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
		late := time.AfterFunc(15*time.Second, func() { _ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) })
		_ = p.cmd.Wait()
		late.Stop()
	}
	return os.RemoveAll(p.root)
}

func (p *peer) memory() (map[string]int64, error) {
	server, err := instance.Memory(p.cmd.Process.Pid)
	return map[string]int64{"server": server}, err
}

func (p *peer) call(ctx context.Context, method, path string, body, answer any) error {
	var text bytes.Buffer
	if err := json.NewEncoder(&text).Encode(body); err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, method, p.url+path, &text)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "token "+p.token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s", method, path, response.Status)
	}
	if answer == nil {
		return nil
	}
	return json.NewDecoder(response.Body).Decode(answer)
}

func (p *peer) shared() bool { return true }

func (p *peer) open(ctx context.Context) error {
	var kernel struct {
		ID string `json:"id"`
	}
	if err := p.call(ctx, http.MethodPost, "/api/kernels", map[string]string{"name": "bench"}, &kernel); err != nil {
		return err
	}
	p.kernel = kernel.ID
	return nil
}

func (p *peer) line(ctx context.Context) (line, error) {
	session := uuid.NewString()
	conn, _, err := websocket.Dial(ctx, p.url+"/api/kernels/"+p.kernel+"/channels?session_id="+session, &websocket.DialOptions{
		HTTPHeader: http.Header{"Authorization": {"token " + p.token}}, Subprotocols: []string{peerSubprotocol},
	})
	if err != nil {
		return nil, err
	}
	conn.SetReadLimit(-1)
	return &peerLine{conn: conn, session: session}, nil
}

type peerLine struct {
	conn    *websocket.Conn
	session string
}

func (l *peerLine) close() { _ = l.conn.CloseNow() }

func (l *peerLine) answer(ctx context.Context, value string) error {
	return l.send(ctx, jupyter.Stdin, "input_reply", jupyter.InputReply{Value: value}, uuid.NewString())
}

// send writes offsets, then channel, header, parent, metadata and content.
func (l *peerLine) send(ctx context.Context, channel jupyter.Channel, msgType string, content any, id string) error {
	m, err := jupyter.NewMessage(l.session, id, msgType, content, time.Now())
	if err != nil {
		return err
	}
	parts := [][]byte{[]byte(channel), m.Header, []byte("{}"), []byte("{}"), m.Content}
	frame := binary.LittleEndian.AppendUint64(nil, uint64(len(parts)+1))
	offset := uint64(8 * (len(parts) + 2))
	frame = binary.LittleEndian.AppendUint64(frame, offset)
	for _, part := range parts {
		offset += uint64(len(part))
		frame = binary.LittleEndian.AppendUint64(frame, offset)
	}
	return l.conn.Write(ctx, websocket.MessageBinary, append(frame, bytes.Join(parts, nil)...))
}

func (l *peerLine) receive(ctx context.Context) (received, error) {
	_, frame, err := l.conn.Read(ctx)
	if err != nil {
		return received{}, err
	}
	at := time.Now()
	parts, err := splitOffsets(frame)
	if err != nil {
		return received{}, err
	}
	return received{channel: jupyter.Channel(parts[0]), at: at,
		message: jupyter.Message{Header: parts[1], Parent: parts[2], Metadata: parts[3], Content: parts[4]}}, nil
}

// splitOffsets takes a frame of the peer's binary protocol apart.
func splitOffsets(frame []byte) ([][]byte, error) {
	malformed := errors.New("malformed frame from Jupyter Server")
	if len(frame) < 8 {
		return nil, malformed
	}
	count := binary.LittleEndian.Uint64(frame)
	if count < 6 || count > 1<<16 || uint64(len(frame)) < 8*(count+1) {
		return nil, malformed
	}
	parts := make([][]byte, count-1)
	for i := range parts {
		from, to := binary.LittleEndian.Uint64(frame[8*(i+1):]), binary.LittleEndian.Uint64(frame[8*(i+2):])
		if from > to || to > uint64(len(frame)) {
			return nil, malformed
		}
		parts[i] = frame[from:to]
	}
	return parts, nil
}

func (l *peerLine) run(ctx context.Context, code string, on func(event) error) error {
	id := uuid.NewString()
	request := jupyter.ExecuteRequest{Code: code, StoreHistory: true, AllowStdin: true, StopOnError: true, UserExpressions: map[string]string{}}
	if err := l.send(ctx, jupyter.Shell, "execute_request", request, id); err != nil {
		return err
	}
	end := runEnd{id: id}
	for !end.replied || !end.idle {
		r, err := l.receive(ctx)
		if err != nil {
			return err
		}
		if err := end.take(r, on); err != nil {
			return err
		}
	}
	return end.failure
}

func (l *peerLine) listen(ctx context.Context, on func(event) error) error {
	for {
		r, err := l.receive(ctx)
		if err != nil {
			return err
		}
		header, err := r.message.ParseHeader()
		if err != nil {
			return err
		}
		if header.MsgType != "stream" {
			continue
		}
		stream, err := jupyter.Decode[jupyter.Stream](r.message.Content)
		if err != nil {
			return err
		}
		if err := on(event{kind: printed, text: stream.Text, at: r.at}); err != nil {
			return err
		}
	}
}
