package httpapi

import (
	"bytes"
	"context"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/runnel-dev/runnel/internal/protocol"
)

// Messages are compressed for clients of other machines only: here it would only cost time.
func TestSocket_compressesForOthersOnly(t *testing.T) {
	s := start(t)
	for _, tt := range []struct {
		name   string
		header []string
		want   bool
	}{
		{"a client of this machine", nil, false},
		{"through a proxy", []string{"X-Forwarded-For", "203.0.113.7"}, true},
		{"through a proxy of the newer kind", []string{"Forwarded", "for=203.0.113.7"}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			conn, response := s.dialPacked(t, tt.header...)
			defer func() { _ = conn.CloseNow() }()
			if got := strings.Contains(response.Header.Get("Sec-WebSocket-Extensions"), "permessage-deflate"); got != tt.want {
				t.Errorf("extensions %q", response.Header.Get("Sec-WebSocket-Extensions"))
			}
		})
	}
}

// TestSocket_bomb: a small frame that unpacks to 200 MB is refused like any message too large, without being kept (P9).
func TestSocket_bomb(t *testing.T) {
	s := start(t)
	conn, _ := s.dialPacked(t, "X-Forwarded-For", "203.0.113.7")
	defer func() { _ = conn.CloseNow() }()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	bomb := append(bytes.Repeat([]byte(" "), 200<<20), "{}"...)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := conn.Write(ctx, websocket.MessageText, bomb); err != nil {
		t.Fatal(err)
	}
	_, data, err := conn.Read(ctx)
	if err != nil || !strings.Contains(string(data), `"too_large"`) {
		t.Fatalf("%v %s", err, data)
	}
	runtime.ReadMemStats(&after)
	if grew := after.TotalAlloc - before.TotalAlloc; grew > 8*protocol.MaxClientMessage {
		t.Errorf("%d MiB were allocated", grew>>20)
	}
	if err := conn.Write(ctx, websocket.MessageText, []byte(`{"type":"ping"}`)); err != nil {
		t.Fatal(err)
	}
	if _, data, err = conn.Read(ctx); err != nil || !strings.Contains(string(data), `"ping"`) {
		t.Fatalf("%v %s", err, data)
	}
}

// dialPacked opens a WebSocket that offers compression.
func (s *testServer) dialPacked(t *testing.T, header ...string) (*websocket.Conn, *http.Response) {
	t.Helper()
	h := http.Header{"Authorization": {bearer}}
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	options := &websocket.DialOptions{HTTPHeader: h, CompressionMode: websocket.CompressionNoContextTakeover}
	conn, response, err := websocket.Dial(t.Context(), strings.Replace(s.URL, "http", "ws", 1)+"/ws", options)
	if err != nil {
		t.Fatal(err)
	}
	return conn, response
}
