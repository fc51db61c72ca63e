package plainclient

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// serve answers each connection with script and reports what was asked for.
func serve(t *testing.T, script func(ctx context.Context, conn *websocket.Conn, r *http.Request)) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer secret" {
			http.Error(w, "who?", http.StatusForbidden)
			return
		}
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.CloseNow()
		script(r.Context(), conn, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestRun(t *testing.T) {
	url := serve(t, func(ctx context.Context, conn *websocket.Conn, r *http.Request) {
		if r.URL.Path != "/ws" || r.URL.Query().Get("notebook") != "a b.ipynb" {
			t.Errorf("asked for %s", r.URL)
		}
		_, got, err := conn.Read(ctx)
		if err != nil || string(got) != `{"type":"execute","code":"print(1)","cell_id":"c","streaming":true}` {
			t.Errorf("got %s, %v", got, err)
		}
		for _, text := range []string{
			`{"type":"kernel_changed","kernel":{}}`,
			`{"type":"output","cell_id":"other","content":"","is_last":true,"result":{"status":"ok"}}`,
			`{"type":"stream_output","cell_id":"c","content":"1\n","name":"stdout"}`,
			`{"type":"output","cell_id":"c","content":"","is_last":true,"result":{"status":"ok","execution_count":7,"variables":{}}}`,
		} {
			if err := conn.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
				t.Error(err)
			}
		}
		_, _, _ = conn.Read(ctx)
	})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	c, err := Dial(ctx, Options{URL: url + "/?token=secret", Notebook: "a b.ipynb"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var text strings.Builder
	last, err := c.Run(ctx, "c", "print(1)", func(m Message) error {
		if m.IsText() {
			text.WriteString(m.Content)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if text.String() != "1\n" || last.Result == nil || last.Result.ExecutionCount != 7 {
		t.Errorf("text %q, last %s", text.String(), last.Raw)
	}
}

func TestDial_refused(t *testing.T) {
	url := serve(t, nil)
	_, err := Dial(t.Context(), Options{URL: url, Token: "wrong"})
	if err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("error %v", err)
	}
}
