package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/runnel-dev/runnel/internal/protocol"
	"github.com/runnel-dev/runnel/internal/server"
	"github.com/runnel-dev/runnel/internal/server/servertest"
)

// printedNotebook is a file of 40 cells with 1 MB of output in three of them. It gives what is printed.
func printedNotebook(t *testing.T, path string) (texts []string) {
	t.Helper()
	var cells []map[string]any
	for i := range 40 {
		var text strings.Builder
		for line, size := 0, map[int]int{1: 700_000, 2: 200_000, 30: 100_000}[i]; text.Len() < max(size, 60); line++ {
			fmt.Fprintf(&text, "step %06d: loss %.9f\n", line, 1/float64(line+i+7))
		}
		texts = append(texts, text.String())
		cells = append(cells, map[string]any{"cell_type": "code", "id": fmt.Sprintf("cell-%02d", i), "metadata": map[string]any{}, "execution_count": i,
			"source":  strings.Repeat(fmt.Sprintf("total_%d = total + step\n", i), 12),
			"outputs": []any{map[string]any{"output_type": "stream", "name": "stdout", "text": text.String()}}})
	}
	data, err := json.Marshal(map[string]any{"nbformat": 4, "nbformat_minor": 5, "metadata": map[string]any{}, "cells": cells})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return texts
}

// counted is a connection that counts what comes.
type counted struct {
	net.Conn
	bytes *atomic.Int64
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.bytes.Add(int64(n))
	return n, err
}

// openSlowly opens a notebook and says how many bytes had come over the line when there was something to read, when all sources
// were there, and when the notebook was whole.
func openSlowly(t *testing.T, at, token string, header http.Header) (state *protocol.State, readable, sources, whole int64) {
	t.Helper()
	var bytes atomic.Int64
	ctx := within(t, 2*time.Minute)
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		if err == nil {
			_ = conn.(*net.TCPConn).SetReadBuffer(16 << 10)
		}
		return counted{conn, &bytes}, err
	}}}
	header.Set("Authorization", "Bearer "+token)
	conn, _, err := websocket.Dial(ctx, at+"/ws", &websocket.DialOptions{HTTPClient: client, HTTPHeader: header, CompressionMode: websocket.CompressionNoContextTakeover})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	conn.SetReadLimit(-1)
	hello := `{"type":"hello","protocol":1,"client_id":"slow","subscriptions":[{"sub":"1","notebook":"printed.ipynb"}]}`
	if err := conn.Write(ctx, websocket.MessageText, []byte(hello)); err != nil {
		t.Fatal(err)
	}
	for {
		_, data, err := conn.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		more := true
		switch kindOf(t, data) {
		case "snapshot":
			f := decoded[protocol.Snapshot](t, data)
			state, more, readable = f.State, f.More, bytes.Load()
		case "snapshot_part":
			more = grown(state, decoded[protocol.SnapshotPart](t, data))
		}
		if sources == 0 && state != nil && len(state.Cells) == 40 {
			sources = bytes.Load()
		}
		if !more {
			return state, readable, sources, bytes.Load()
		}
	}
}

func kindOf(t *testing.T, data []byte) string {
	return decoded[struct{ Type string }](t, data).Type
}

func decoded[T any](t *testing.T, data []byte) (out T) {
	t.Helper()
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// grown adds a part; it says whether more comes.
func grown(s *protocol.State, f protocol.SnapshotPart) bool {
	s.Cells = append(s.Cells, f.Cells...)
	if c := s.Cell(f.CellID); c != nil && f.OutputID != "" {
		c.Output(f.OutputID).Text.Fill(f.At, f.Text)
	} else if c != nil {
		c.Source += f.Text
		c.Outputs = append(c.Outputs, f.Outputs...)
	}
	return f.More
}

// TestSlowOpening: a notebook of 1 MB on 64 kbit/s. The figures are bytes, of which 8 KiB come in a second: something to read within
// 5 s, then all sources, and of long texts what there was time for and their ends (P20). The whole can be fetched (P31).
func TestSlowOpening(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	texts := printedNotebook(t, filepath.Join(dir, "printed.ipynb"))
	s := servertest.Start(t, server.Config{Dir: dir})
	for _, tt := range []struct {
		name                     string
		header                   http.Header
		readable, sources, whole int64
	}{
		{"as it is", http.Header{}, 40 << 10, 80 << 10, 250 << 10},
		{"packed, through a proxy", http.Header{"X-Forwarded-For": {"203.0.113.7"}}, 10 << 10, 20 << 10, 200 << 10},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			state, readable, sources, whole := openSlowly(t, throttle(t, s.URL(), 8<<10), s.Token(), tt.header)
			t.Logf("to read after %d bytes, all sources after %d, whole after %d and %v", readable, sources, whole, time.Since(began).Round(10*time.Millisecond))
			if readable > tt.readable || sources > tt.sources || whole > tt.whole {
				t.Errorf("want at most %d, %d, %d", tt.readable, tt.sources, tt.whole)
			}
			for i, want := range texts {
				text := state.Cells[i].Outputs[0].Text
				if text.Total != int64(len(want)) || !strings.HasPrefix(want, text.Head) || !strings.HasSuffix(want, text.Tail) || len(text.Head)+len(text.Tail) < min(len(want), 5<<10) {
					t.Errorf("cell %d: %d of %d bytes, %d at its begin, %d at its end", i, text.Total, len(want), len(text.Head), len(text.Tail))
				}
			}
			if got := wholeOutput(t, s, state.Cells[1].Outputs[0].ID); got != texts[1] {
				t.Errorf("%d bytes were fetched", len(got))
			}
		})
	}
}

func wholeOutput(t *testing.T, s *server.Server, id protocol.OutputID) string {
	t.Helper()
	at := s.URL() + "/runnel/v1/outputs?notebook=printed.ipynb&output=" + url.QueryEscape(string(id)) + "&token=" + s.Token()
	response, err := http.Get(at)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatal(response.Status, err)
	}
	return string(data)
}
