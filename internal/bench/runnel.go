package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/runnel-dev/runnel/internal/instance"
	"github.com/runnel-dev/runnel/internal/plainclient"
)

// runnel is a whole server, and a plain client for each line.
type runnel struct {
	server *instance.Instance
	opened int
}

func newRunnel(ctx context.Context, config Config) (*runnel, error) {
	server, err := instance.Start(ctx, instance.Options{Exe: config.Exe, Python: config.Python})
	if err != nil {
		return nil, err
	}
	return &runnel{server: server}, nil
}

func (r *runnel) name() string { return "Runnel" }

func (r *runnel) close() error { return r.server.Stop() }

func (r *runnel) shared() bool { return true }

func (r *runnel) open(context.Context) error {
	r.opened++
	return nil
}

func (r *runnel) line(ctx context.Context) (line, error) {
	return r.lineTo(ctx, fmt.Sprintf("bench-%d.ipynb", r.opened))
}

func (r *runnel) lineTo(ctx context.Context, notebook string) (line, error) {
	client, err := plainclient.Dial(ctx, plainclient.Options{URL: r.server.URL, Token: r.server.Token, Notebook: notebook})
	if err != nil {
		return nil, err
	}
	// One that has said nothing yet may be a page (P1): in its first moments it is told nothing.
	err = client.Send(ctx, map[string]string{"type": "ping"})
	if err == nil {
		_, err = client.Until(ctx, nil, func(m plainclient.Message) bool { return m.Type == "ping" })
	}
	if err != nil {
		client.Close()
		return nil, err
	}
	return &plainLine{client: client, server: r.server}, nil
}

func (r *runnel) memory() (map[string]int64, error) {
	server, err := instance.Memory(r.server.PID())
	if err != nil {
		return nil, err
	}
	memory := map[string]int64{"server": server}
	keepers, err := r.server.KeeperPIDs()
	if err != nil {
		return nil, err
	}
	for _, pid := range keepers {
		bytes, err := instance.Memory(pid)
		if err != nil {
			return nil, err
		}
		memory["keeper"] = max(memory["keeper"], bytes)
	}
	return memory, nil
}

type plainLine struct {
	client *plainclient.Client
	server *instance.Instance
}

func (l *plainLine) close() { l.client.Close() }

func (l *plainLine) answer(ctx context.Context, value string) error {
	return l.client.Answer(ctx, "", value)
}

func (l *plainLine) run(ctx context.Context, code string, on func(event) error) error {
	last, err := l.client.Run(ctx, "bench", code, func(m plainclient.Message) error { return l.pass(ctx, m, on) })
	if err != nil {
		return err
	}
	if last.Type == "error" {
		return fmt.Errorf("the code failed: %s: %s", last.Ename, last.Error)
	}
	return nil
}

func (l *plainLine) listen(ctx context.Context, on func(event) error) error {
	for {
		m, err := l.client.Receive(ctx)
		if err != nil {
			return err
		}
		if err := l.pass(ctx, m, on); err != nil {
			return err
		}
	}
}

func (l *plainLine) pass(ctx context.Context, m plainclient.Message, on func(event) error) error {
	switch {
	case m.IsText():
		return on(event{kind: printed, text: m.Content, at: m.At})
	case m.Type == "input_request":
		return on(event{kind: prompted, text: m.Prompt, at: m.At})
	case m.Type == "display_data":
		size, err := l.whole(ctx, m.Raw)
		if err != nil {
			return err
		}
		return on(event{kind: displayed, size: size, at: time.Now()})
	case m.Type == "error" && !m.IsLast:
		return fmt.Errorf("the server answered: %s: %s", m.Code, m.Error)
	}
	return nil
}

// whole gives the size of a display, having fetched what is only referred to.
func (l *plainLine) whole(ctx context.Context, raw json.RawMessage) (int, error) {
	var display struct {
		Data map[string]json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(raw, &display); err != nil {
		return 0, fmt.Errorf("read a display: %w", err)
	}
	total := 0
	for _, value := range display.Data {
		var ref struct {
			Blob *struct {
				Hash string `json:"hash"`
			} `json:"runnel_blob"`
		}
		if json.Unmarshal(value, &ref) != nil || ref.Blob == nil {
			total += len(value)
			continue
		}
		size, err := l.fetch(ctx, ref.Blob.Hash)
		if err != nil {
			return 0, err
		}
		total += int(size)
	}
	return total, nil
}

func (l *plainLine) fetch(ctx context.Context, hash string) (int64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(l.server.URL, "/")+"/runnel/v1/blobs/"+hash, nil)
	if err != nil {
		return 0, fmt.Errorf("fetch blob %s: %w", hash, err)
	}
	request.Header.Set("Authorization", "Bearer "+l.server.Token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, fmt.Errorf("fetch blob %s: %w", hash, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("fetch blob %s: %s", hash, response.Status)
	}
	return io.Copy(io.Discard, response.Body)
}
