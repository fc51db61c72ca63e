package conformance

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/uuid"

	"github.com/runnel-dev/runnel/internal/protocol"
)

// ask is a request beside the WebSocket. The caller closes the answer's body.
func (p *page) ask(ctx context.Context, method, path, query string, body any) (*http.Response, error) {
	u := p.base
	u.Path, u.RawQuery = u.Path+path, query
	data, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), strings.NewReader(string(data)))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+p.token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err == nil && resp.StatusCode/100 != 2 {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 300))
		err = errors.Join(fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, text), resp.Body.Close())
	}
	return resp, err
}

func wholeText(ctx context.Context, p *page) error {
	_, n, err := p.begin(ctx)
	if err != nil {
		return err
	}
	id := protocol.CellID(newCell())
	if err := p.executeIn(ctx, n, id, "for i in range(12_000): print(f'{i:099d}')"); err != nil {
		return err
	}
	cell, err := p.cell(ctx, id)
	if err != nil {
		return err
	}
	if len(cell.Outputs) != 1 {
		return fmt.Errorf("%d outputs", len(cell.Outputs))
	}
	resp, err := p.ask(ctx, http.MethodGet, "/runnel/v1/outputs", "notebook="+url.QueryEscape(p.notebook)+"&output="+url.QueryEscape(string(cell.Outputs[0].ID)), nil)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	lines := bufio.NewScanner(resp.Body)
	count := 0
	for ; lines.Scan(); count++ {
		if want := fmt.Sprintf("%099d", count); lines.Text() != want {
			return fmt.Errorf("line %d is %q", count, lines.Text())
		}
	}
	if count != 12_000 {
		return fmt.Errorf("%d lines: %w", count, lines.Err())
	}
	return nil
}

func plainHTTP(ctx context.Context, p *page) error {
	resp, err := p.ask(ctx, http.MethodPost, "/runnel/v1/line", "", protocol.Hello{Type: "hello", Protocol: protocol.Version, ClientID: protocol.ClientID(uuid.NewString()),
		Subscriptions: []protocol.Subscription{{Sub: "s", Notebook: p.notebook}}})
	if err != nil {
		return err
	}
	var line struct {
		ID string `json:"id"`
	}
	err = errors.Join(json.NewDecoder(resp.Body).Decode(&line), resp.Body.Close())
	if err != nil {
		return err
	}
	stream, err := p.ask(ctx, http.MethodGet, "/runnel/v1/line/"+line.ID, "", nil)
	if err != nil {
		return err
	}
	defer func() { _ = stream.Body.Close() }()
	lines := bufio.NewScanner(stream.Body)
	lines.Buffer(nil, 2*protocol.MaxFrame)
	hears := func(kind string) error {
		for lines.Scan() {
			data, ok := strings.CutPrefix(lines.Text(), "data:")
			var f frame
			if ok && json.Unmarshal([]byte(data), &f) == nil && f.Type == kind {
				return nil
			}
		}
		return fmt.Errorf("no %s came: %w", kind, lines.Err())
	}
	for _, kind := range []string{"welcome", "snapshot"} {
		if err := hears(kind); err != nil {
			return err
		}
	}
	sent, err := p.ask(ctx, http.MethodPost, "/runnel/v1/line/"+line.ID, "", protocol.Ping{Type: "ping"})
	if err != nil {
		return err
	}
	return errors.Join(sent.Body.Close(), hears("ping"))
}
