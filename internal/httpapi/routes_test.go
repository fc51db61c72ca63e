package httpapi

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/runnel-dev/runnel/internal/protocol"
)

func TestFiles_hostilePaths(t *testing.T) {
	s := start(t)
	outside := filepath.Join(filepath.Dir(s.dir), "outside.txt")
	if err := os.WriteFile(outside, []byte("outside"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(s.dir, "link.txt")); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"../outside.txt", "%2e%2e/outside.txt", "..%2foutside.txt", `..\outside.txt`, "/etc/passwd", "//etc/passwd", "a.txt%00", "a.txt/../../outside.txt",
		".secret", "./a.txt", "link.txt", "", "a.txt/", "C:\\x", "\\\\host\\share", strings.Repeat("a", 300), strings.Repeat("a/", 3000)} {
		for _, method := range []string{http.MethodGet, http.MethodPut} {
			response, body := s.do(method, "/runnel/v1/file?path="+path, "x", "Authorization", bearer)
			if response.StatusCode < 400 || response.StatusCode >= 500 || strings.Contains(body, "outside") && strings.Contains(body, s.dir) {
				t.Errorf("%s %.60q: %d %s", method, path, response.StatusCode, body)
			}
		}
	}
	if data, err := os.ReadFile(outside); err != nil || string(data) != "outside" {
		t.Errorf("the file outside: %q %v", data, err)
	}
}

func TestFiles_operations(t *testing.T) {
	s := start(t)
	change := func(body string) (int, map[string]string) {
		response, text := s.do(http.MethodPost, "/runnel/v1/files", body, "Authorization", bearer, "Content-Type", "application/json")
		var answer map[string]string
		_ = json.Unmarshal([]byte(text), &answer)
		return response.StatusCode, answer
	}
	steps := []struct {
		body   string
		status int
	}{
		{`{"op":"mkdir","path":"d"}`, 200}, {`{"op":"create","path":"d/b.txt"}`, 200}, {`{"op":"create","path":"d/b.txt"}`, 409},
		{`{"op":"rename","path":"d/b.txt","to":"d/c.txt"}`, 200}, {`{"op":"rename","path":"none","to":"x"}`, 404}, {`{"op":"create","path":"n.ipynb"}`, 409},
		{`{"op":"format","path":"d"}`, 400}, {`{"op":"delete"}`, 400}, {`{"op":"delete","path":"../x"}`, 403}, {`[]`, 400}, {`{`, 400},
	}
	for _, step := range steps {
		if status, answer := change(step.body); status != step.status || status >= 400 && answer["error"] == "" {
			t.Errorf("%s: %d %v, want %d", step.body, status, answer, step.status)
		}
	}
	status, deleted := change(`{"op":"delete","path":"d/c.txt"}`)
	if status != 200 || deleted["trash"] == "" {
		t.Fatalf("delete: %d %v", status, deleted)
	}
	if status, restored := change(`{"op":"restore","path":"` + deleted["trash"] + `"}`); status != 200 || restored["path"] != "d/c.txt" {
		t.Errorf("restore: %d %v", status, restored)
	}
	response, body := s.do(http.MethodGet, "/runnel/v1/files?path=", "", "Authorization", bearer)
	if response.StatusCode != 200 || !strings.Contains(body, `"name":"a.txt"`) || strings.Contains(body, ".secret") || !strings.Contains(body, `"kernel":{"id":"k1"`) {
		t.Errorf("list: %d %s", response.StatusCode, body)
	}
}

// A notebook that is made has a cell to write in: a page adds none when it opens one.
func TestFiles_newNotebook(t *testing.T) {
	s := start(t)
	response, body := s.do(http.MethodPost, "/runnel/v1/files", `{"op":"create","path":"scratch.ipynb"}`, "Authorization", bearer, "Content-Type", "application/json")
	if response.StatusCode != http.StatusOK {
		t.Fatal(response.StatusCode, body)
	}
	done := s.notebooks.done
	if len(done) != 1 || done[0].Type != protocol.CmdCellInsert || done[0].CellType != "code" || done[0].CellID == "" || done[0].CmdID == "" {
		t.Errorf("%+v", done)
	}
}

func TestFiles_upload(t *testing.T) {
	s := start(t)
	put := func(path, body string) int {
		response, _ := s.do(http.MethodPut, path, body, "Authorization", bearer)
		return response.StatusCode
	}
	if got := put("/runnel/v1/file?path=new.bin", "data"); got != 200 {
		t.Errorf("a new file: %d", got)
	}
	if got := put("/runnel/v1/file?path=new.bin", "other"); got != 409 {
		t.Errorf("over it: %d", got)
	}
	if got := put("/runnel/v1/file?path=new.bin&overwrite=1", "other"); got != 200 {
		t.Errorf("over it, on purpose: %d", got)
	}
	if data, _ := os.ReadFile(filepath.Join(s.dir, "new.bin")); string(data) != "other" {
		t.Errorf("it holds %q", data)
	}
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodPut, s.URL+"/runnel/v1/file?path=big.bin", io.LimitReader(zeros{}, maxUpload+1))
	r.Header.Set("Authorization", bearer)
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if _, err := os.Stat(filepath.Join(s.dir, "big.bin")); response.StatusCode != http.StatusRequestEntityTooLarge || err == nil {
		t.Errorf("too large: %d %v", response.StatusCode, err)
	}
	if got, _ := s.do(http.MethodPost, "/runnel/v1/files", `{"op":"`+strings.Repeat("x", maxJSON)+`"}`, "Authorization", bearer, "Content-Type", "application/json"); got.StatusCode != 413 {
		t.Errorf("too much JSON: %d", got.StatusCode)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// TestContent_isInert is S18: what came from a person or a kernel cannot act on our origin.
func TestContent_isInert(t *testing.T) {
	s := start(t)
	for path, kind := range map[string]string{
		"/runnel/v1/file?path=evil.svg": "image/svg+xml", "/runnel/v1/file?path=evil.html": "application/octet-stream",
		"/runnel/v1/file?path=evil.svg&download=1": "application/octet-stream", "/runnel/v1/file?path=a.txt": textType,
		"/runnel/v1/blobs/" + strings.Repeat("a", 64): "image/png", "/runnel/v1/blobs/" + strings.Repeat("b", 64): textType,
		"/runnel/v1/outputs?notebook=n.ipynb&output=o": textType,
	} {
		response, _ := s.do(http.MethodGet, path, "", "Authorization", bearer)
		h := response.Header
		if response.StatusCode != 200 || h.Get("Content-Type") != kind || !strings.HasPrefix(h.Get("Content-Security-Policy"), "sandbox;") ||
			!strings.HasPrefix(h.Get("Content-Disposition"), "attachment") || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %v", path, response.StatusCode, h)
		}
	}
	for _, hash := range []string{"x", strings.Repeat("A", 64), strings.Repeat("c", 64), "..%2f..%2fserver.json"} {
		if response, _ := s.do(http.MethodGet, "/runnel/v1/blobs/"+hash, "", "Authorization", bearer); response.StatusCode != 400 && response.StatusCode != 404 {
			t.Errorf("blob %s: %d", hash, response.StatusCode)
		}
	}
}

func TestSnapshot(t *testing.T) {
	s := start(t)
	response, body := s.do(http.MethodGet, "/runnel/v1/snapshot?notebook=n.ipynb", "", "Authorization", bearer)
	if response.StatusCode != 200 || !strings.HasPrefix(body, `{"type":"snapshot","sub":"","state":{"notebook":"n.ipynb"`) || response.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d %s", response.StatusCode, body)
	}
}

func TestKernels(t *testing.T) {
	s := start(t)
	for path, want := range map[string]int{"/runnel/v1/kernels/k1/interrupt": 202, "/runnel/v1/kernels/k1/stop?force=1": 202, "/runnel/v1/kernels/k2/stop": 404} {
		if response, body := s.do(http.MethodPost, path, "", "Authorization", bearer); response.StatusCode != want {
			t.Errorf("%s: %d %s", path, response.StatusCode, body)
		}
	}
	done := s.notebooks.done
	slices.SortFunc(done, func(a, b protocol.Command) int { return strings.Compare(a.Type, b.Type) })
	if len(done) != 2 || done[0].CmdID == "" || done[0].Client != protocol.OverHTTP || done[0].Force || !done[1].Force {
		t.Errorf("commands %+v", s.notebooks.done)
	}
	response, body := s.do(http.MethodGet, "/runnel/v1/status", "", "Authorization", bearer)
	var status statusAnswer
	if err := json.Unmarshal([]byte(body), &status); err != nil || response.StatusCode != 200 || status.ServerID != "srv" || len(status.Sessions) != 1 {
		t.Errorf("status: %v %s", err, body)
	}
}

// TestSocket_hugeMessages: a message of 200 MB is refused without being kept, and the connection stays (P9).
func TestSocket_hugeMessages(t *testing.T) {
	s := start(t)
	conn := s.dial(t, []string{"Authorization", bearer})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	answer := func(want string) {
		t.Helper()
		_, data, err := conn.Read(ctx)
		if err != nil || !strings.Contains(string(data), want) {
			t.Fatalf("%v %s, want %s", err, data, want)
		}
	}
	w, err := conn.Writer(ctx, websocket.MessageText)
	if err != nil {
		t.Fatal(err)
	}
	chunk := bytes.Repeat([]byte("x"), 1<<20)
	for range 200 {
		if _, err := w.Write(chunk); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	answer(`"too_large"`)
	if err := conn.Write(ctx, websocket.MessageBinary, []byte("{}")); err != nil {
		t.Fatal(err)
	}
	answer(`"invalid"`)
	atLimit := append([]byte(`{"type":"`), bytes.Repeat([]byte("y"), protocol.MaxClientMessage-11)...)
	if err := conn.Write(ctx, websocket.MessageText, append(atLimit, `"}`...)); err != nil {
		t.Fatal(err)
	}
	answer(`"unknown_type"`)
	if err := conn.Write(ctx, websocket.MessageText, append(atLimit, `x"}`...)); err != nil {
		t.Fatal(err)
	}
	answer(`"too_large"`)
	if err := conn.Write(ctx, websocket.MessageText, []byte(`{"type":"ping"}`)); err != nil {
		t.Fatal(err)
	}
	answer(`"ping"`)
}

// TestLine carries a page over plain HTTP (P34).
func TestLine(t *testing.T) {
	s := start(t)
	json := []string{"Authorization", bearer, "Content-Type", "application/json"}
	hello := `{"type":"hello","protocol":1,"client_id":"p","subscriptions":[{"sub":"1","notebook":"n.ipynb"}]}`
	_, body := s.do(http.MethodPost, "/runnel/v1/line", hello, json...)
	id := strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(body), `{"id":"`), `"}`)
	if len(id) != 64 {
		t.Fatalf("opened %s", body)
	}
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/runnel/v1/line/"+id, nil)
	r.Header.Set("Authorization", bearer)
	stream, err := http.DefaultTransport.RoundTrip(r)
	if err != nil || stream.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatal(err, stream)
	}
	defer func() { _ = stream.Body.Close() }()
	lines := bufio.NewScanner(stream.Body)
	want := func(text string) {
		t.Helper()
		for lines.Scan() {
			if strings.Contains(lines.Text(), text) {
				return
			}
		}
		t.Fatalf("%q never came: %v", text, lines.Err())
	}
	want(`"welcome"`)
	want(`"snapshot"`)
	if response, body := s.do(http.MethodPost, "/runnel/v1/line/"+id, `{"type":"run","cmd_id":"c1","notebook":"n.ipynb"}`, json...); response.StatusCode != 204 {
		t.Fatalf("up: %d %s", response.StatusCode, body)
	}
	want(`"c1"`)
	if response, _ := s.do(http.MethodGet, "/runnel/v1/line/"+id, "", json...); response.StatusCode != 409 {
		t.Errorf("a second listener: %d", response.StatusCode)
	}
	if response, _ := s.do(http.MethodGet, "/runnel/v1/line/"+id, "", "Cookie", s.login()); response.StatusCode != 404 {
		t.Errorf("somebody else's line: %d", response.StatusCode)
	}
	if response, _ := s.do(http.MethodDelete, "/runnel/v1/line/"+id, "", json...); response.StatusCode != 204 {
		t.Errorf("close: %d", response.StatusCode)
	}
	for lines.Scan() { // the stream ends
	}
	if response, _ := s.do(http.MethodPost, "/runnel/v1/line/"+id, "{}", json...); response.StatusCode != 404 {
		t.Errorf("after the end: %d", response.StatusCode)
	}
}

// TestLine_closeCode: a client over plain HTTP learns why it was dropped too.
func TestLine_closeCode(t *testing.T) {
	s := start(t)
	_, body := s.do(http.MethodPost, "/runnel/v1/line", "", "Authorization", bearer)
	id := strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(body), `{"id":"`), `"}`)
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/runnel/v1/line/"+id, nil)
	r.Header.Set("Authorization", bearer)
	stream, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stream.Body.Close() }()
	go s.api.Close(protocol.CloseRestarting, "over")
	all, err := io.ReadAll(stream.Body)
	if err != nil || !strings.Contains(string(all), "event: close\ndata: {\"code\":4000,") {
		t.Errorf("%v %s", err, all)
	}
}

// TestHugeHeader: a header without end is refused (S25).
func TestHugeHeader(t *testing.T) {
	s := start(t)
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: localhost\r\nX: "+strings.Repeat("x", 40<<10)+"\r\n\r\n")
	answer, _ := io.ReadAll(conn)
	if !strings.HasPrefix(string(answer), "HTTP/1.1 431") {
		t.Errorf("a huge header: %.60s", answer)
	}
}

// The page has one address; what else a client asks for is told not to be there, once it has shown who it is (S1).
func TestPage_otherAddresses(t *testing.T) {
	s := start(t)
	for _, path := range []string{"/", "/?notebook=n.ipynb", "/?file=a.txt", "/?anything"} {
		response, body := s.do(http.MethodGet, path, "", "Authorization", bearer)
		if response.StatusCode != http.StatusOK || !strings.HasPrefix(body, "the page ") {
			t.Errorf("%s: %d %s", path, response.StatusCode, body)
		}
	}
	for _, path := range []string{"/n.ipynb", "/notebooks/n.ipynb", "/api/kernels", "/tree", "/favicon.png", "/assets/none.js", "/ws/", "/%2e%2e/x", "/login/x"} {
		response, body := s.do(http.MethodGet, path, "", "Authorization", bearer)
		if response.StatusCode != http.StatusNotFound || !strings.Contains(body, `"code":"not_found"`) {
			t.Errorf("%s: %d %s", path, response.StatusCode, body)
		}
		if response, _ = s.do(http.MethodHead, path, "", "Authorization", bearer); response.StatusCode != http.StatusNotFound {
			t.Errorf("HEAD %s: %d", path, response.StatusCode)
		}
		response, _ = s.do(http.MethodGet, path, "")
		if response.StatusCode != http.StatusFound && response.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s of a stranger: %d", path, response.StatusCode)
		}
	}
}
