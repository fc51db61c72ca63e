package faults

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/runnel-dev/runnel/internal/protocol"
	"github.com/runnel-dev/runnel/internal/testpy"
)

// upgrade is what a proxy's configuration says when it knows of WebSockets; without it nginx drops the Upgrade header.
const upgrade = "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;"

// nginx starts the real one in front of the server, with these lines for its location, and gives its URL.
func nginx(t *testing.T, s *Server, location string) string {
	t.Helper()
	program := testpy.Program(t, "nginx")
	dir, port := t.TempDir(), freePort(t)
	conf := fmt.Sprintf(`pid %[1]s/pid; error_log %[1]s/error.log; worker_processes 1; daemon off; master_process off;
events { worker_connections 256; }
http {
	access_log off; client_body_temp_path %[1]s/b; proxy_temp_path %[1]s/p; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
	server { listen 127.0.0.1:%[2]d; location / { proxy_pass %[3]s; proxy_set_header Host $http_host; %[4]s } }
}`, dir, port, s.URL, location)
	path := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(path, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	var said lockedBuffer
	cmd := exec.Command(program, "-e", filepath.Join(dir, "error.log"), "-c", path)
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if log, _ := os.ReadFile(filepath.Join(dir, "error.log")); t.Failed() {
			t.Logf("nginx: %s%s", said.String(), tailOf(string(log), 2000))
		}
	})
	to := "http://127.0.0.1:" + strconv.Itoa(port)
	eventually(t, 10*time.Second, "nginx answers", func() bool {
		resp, err := http.Get(to + "/healthz")
		if err == nil {
			_ = resp.Body.Close()
		}
		return err == nil && resp.StatusCode == http.StatusOK
	})
	return to
}

// Promise 9: nginx closes what is silent for 60 s (its default; 15 s in the short form). A page that only looks is never cut.
func TestNginx_idle_line_stays(t *testing.T) {
	t.Parallel()
	s := newServer(t, "7")
	location, idle := upgrade+" proxy_read_timeout 15s; proxy_send_timeout 15s;", 25*time.Second
	if soak() {
		location, idle = upgrade, 2*time.Hour
		if d, err := time.ParseDuration(os.Getenv("RUNNEL_IDLE")); err == nil {
			idle = d
		}
	}
	c := s.Client("idle.ipynb", nginx(t, s, location))
	value(t, c, "warm", "1")
	time.Sleep(idle)
	if got := value(t, c, "after", "6 * 7"); got != "42" {
		t.Errorf("after the rest the kernel says %s", got)
	}
	if got := c.Stats().Connections; got != 1 {
		t.Errorf("the line was opened %d times in %v", got, idle)
	}
}

// Promise 14: a notebook of 50 MB is saved, and loaded, through a proxy that lets no body of over 1 MB pass. Promise 9: no frame is
// over 1 MB.
func TestNginx_big_notebook_saves(t *testing.T) {
	s := newServer(t, "7")
	via := nginx(t, s, upgrade+" client_max_body_size 1m;")
	c := s.Client("big.ipynb", via)
	value(t, c, "warm", "1")
	began := time.Now()
	run := start(t, c, "big", "from IPython.display import display\nfor i in range(210): display({'text/plain': f'{i} ' + 'z' * 240000}, raw=True)")
	finish(t, c, run, 2*time.Minute, protocol.StatusOK)
	ran := time.Since(began)
	do(t, c, protocol.Command{Type: protocol.CmdSave})
	waitSave(t, c.Wait, protocol.Saved, time.Minute)
	saved := time.Since(began)
	data := s.File("big.ipynb")
	if len(data) < 50_000_000 || !json.Valid(data) {
		t.Errorf("the file has %d bytes", len(data))
	}
	late := s.Client("big.ipynb", via)
	if err := late.Wait(within(t, time.Minute), "the notebook", func(st *protocol.State) bool {
		cell := st.Cell("big")
		return cell != nil && len(cell.Outputs) == 210
	}); err != nil {
		t.Fatal(err)
	}
	if largest := late.Stats().LargestRead; largest > protocol.MaxFrame {
		t.Errorf("a frame of %d bytes", largest)
	}
	t.Logf("%d MB: run in %v, saved after %v, loaded after %v in %d frames of at most %d KB", len(data)>>20,
		ran.Round(time.Millisecond), saved.Round(time.Millisecond), time.Since(began).Round(time.Millisecond), late.Stats().Frames, late.Stats().LargestRead>>10)
}

// Promise 9: an nginx as it comes, without a word on WebSockets and with its buffering: the upgrade fails at once, and the output comes
// over plain HTTP.
func TestNginx_without_upgrade(t *testing.T) {
	t.Parallel()
	s := newServer(t, "7")
	via := nginx(t, s, "")
	conn, resp, err := websocket.Dial(within(t, 5*time.Second), via+"/ws", &websocket.DialOptions{HTTPHeader: http.Header{"Authorization": {"Bearer " + s.Token}}})
	if err == nil {
		_ = conn.CloseNow()
		t.Fatal("the upgrade went through")
	}
	if resp == nil {
		t.Fatalf("no answer to the upgrade: %v", err)
	}
	t.Logf("the upgrade is answered with %d", resp.StatusCode)
	overPlainHTTP(t, s, via)
}

// Promise 9: with the Upgrade header removed on the way, the output comes over plain HTTP.
func TestUpgrade_header_stripped(t *testing.T) {
	t.Parallel()
	s := newServer(t, "7")
	overPlainHTTP(t, s, s.URL)
}

// overPlainHTTP opens a line without WebSocket, and reads there what a cell prints.
func overPlainHTTP(t *testing.T, s *Server, base string) {
	t.Helper()
	direct := s.Client("plain.ipynb")
	value(t, direct, "warm", "1")
	var line struct {
		ID string `json:"id"`
	}
	decodeBody(t, s.ask(t, http.MethodPost, base+"/runnel/v1/line",
		`{"type":"hello","protocol":1,"client_id":"http-line","subscriptions":[{"sub":"s","notebook":"plain.ipynb"}]}`), &line)
	if line.ID == "" {
		t.Fatal("POST /runnel/v1/line gave no id")
	}
	stream := s.ask(t, http.MethodGet, base+"/runnel/v1/line/"+line.ID, "")
	defer func() { _ = stream.Body.Close() }()
	lines := make(chan string, 64)
	go func() {
		defer close(lines)
		scan := bufio.NewScanner(stream.Body)
		scan.Buffer(nil, 4<<20)
		for scan.Scan() {
			lines <- scan.Text()
		}
	}()
	start(t, direct, "say", "import time\nfor i in range(3): print(f'over plain http {2 * i}'); time.sleep(0.3)\ntime.sleep(20)")
	heard := time.After(15 * time.Second)
	for want := 0; want <= 4; want += 2 {
		for found := false; !found; {
			select {
			case text, ok := <-lines:
				if !ok {
					t.Fatal("the line ended")
				}
				found = strings.Contains(text, fmt.Sprintf("over plain http %d", want))
			case <-heard: // the cell still runs: what is printed must not wait for its end
				t.Fatalf("output %d did not come", want)
			}
		}
	}
	do(t, direct, protocol.Command{Type: protocol.CmdInterrupt})
}

// ask sends a request with the token, and wants an answer within a minute.
func (s *Server) ask(t *testing.T, method, to, body string) *http.Response {
	t.Helper()
	resp, err := s.request(within(t, time.Minute), method, to, body)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}
