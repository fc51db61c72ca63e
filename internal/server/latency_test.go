package server_test

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/internal/pageclient"
	"github.com/runnel-dev/runnel/internal/plainclient"
	"github.com/runnel-dev/runnel/internal/protocol"
	"github.com/runnel-dev/runnel/internal/server"
	"github.com/runnel-dev/runnel/internal/server/servertest"
	"github.com/runnel-dev/runnel/internal/testpy"
)

func percentiles(all []time.Duration) (p50, p99, most time.Duration) {
	slices.Sort(all)
	return all[len(all)/2], all[len(all)*99/100], all[len(all)-1]
}

// ages are how old printed times are when they arrive. The kernel's clock is ours.
func ages(text string, now time.Time) (all []time.Duration) {
	for line := range strings.Lines(text) {
		if ns, err := strconv.ParseInt(strings.TrimSpace(line), 10, 64); err == nil {
			all = append(all, now.Sub(time.Unix(0, ns)))
		}
	}
	return all
}

const spaced = "import time\nfor i in range(200):\n    print(time.time_ns())\n    time.sleep(0.01)"

// TestLatency measures the contract's figures on the real stack and holds the hard ones: print to client and answer to code.
func TestLatency(t *testing.T) {
	s := servertest.Start(t, server.Config{Python: testpy.Python(t, "7")})
	ctx := within(t, 2*time.Minute)
	c := dial(t, s, "n.ipynb")
	if _, err := c.Run(ctx, "warm", "import time", nil); err != nil {
		t.Fatal(err)
	}
	var all []time.Duration
	if _, err := c.Run(ctx, "spaced", spaced, func(m plainclient.Message) error { all = append(all, ages(m.Content, m.At)...); return nil }); err != nil {
		t.Fatal(err)
	}
	p50, p99, most := percentiles(all)
	t.Logf("print to plain client: p50 %v, p99 %v, most %v of %d", p50, p99, most, len(all))
	if p50 > 10*time.Millisecond {
		t.Errorf("print to client takes %v", p50)
	}
	latencyOfPage(t, s)
	latencyOfRuns(t, c)
	latencyOfAnswers(t, c)
}

func latencyOfPage(t *testing.T, s *server.Server) {
	var mu sync.Mutex
	var all []time.Duration
	page := pageclient.Open(pageclient.Options{URL: s.URL(), Token: s.Token(), Notebook: "n.ipynb",
		OnEvents: func(_ protocol.Events, events []protocol.Event, _ *protocol.State) {
			now := time.Now()
			mu.Lock()
			defer mu.Unlock()
			for _, e := range events {
				if put, ok := e.(protocol.TextPut); ok {
					all = append(all, ages(put.Text, now)...)
				}
			}
		}})
	defer page.Close()
	if status, err := page.Execute(within(t, time.Minute), "page", spaced); err != nil || status != protocol.StatusOK {
		t.Fatal(status, err)
	}
	mu.Lock()
	defer mu.Unlock()
	p50, p99, most := percentiles(all)
	t.Logf("print to page: p50 %v, p99 %v, most %v of %d", p50, p99, most, len(all))
}

func latencyOfRuns(t *testing.T, c *plainclient.Client) {
	ctx := within(t, time.Minute)
	var trips []time.Duration
	for range 100 {
		began := time.Now()
		if _, err := c.Run(ctx, "trip", "pass", nil); err != nil {
			t.Fatal(err)
		}
		trips = append(trips, time.Since(began))
	}
	p50, p99, most := percentiles(trips)
	t.Logf("execute round trip: p50 %v, p99 %v, most %v", p50, p99, most)
	began, lines := time.Now(), 0
	if _, err := c.Run(ctx, "flood", "for i in range(200_000): print(i)", func(m plainclient.Message) error {
		lines += strings.Count(m.Content, "\n")
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	t.Logf("200,000 lines: %d in %v, %.0f lines/s", lines, time.Since(began), float64(lines)/time.Since(began).Seconds())
	if lines != 200_000 {
		t.Errorf("%d lines arrived", lines)
	}
}

func latencyOfAnswers(t *testing.T, c *plainclient.Client) {
	ctx := within(t, time.Minute)
	if err := c.Execute(ctx, "ask", "import time\nfor i in range(50):\n    input(); print(time.time_ns())"); err != nil {
		t.Fatal(err)
	}
	var toCode, toPrompt []time.Duration
	var answered time.Time
	_, err := c.Until(ctx, func(m plainclient.Message) error {
		switch {
		case m.Type == "input_request":
			if !answered.IsZero() {
				toPrompt = append(toPrompt, time.Since(answered))
			}
			answered = time.Now()
			return c.Answer(ctx, m.RequestID, "x")
		case m.IsText():
			for _, age := range ages(m.Content, m.At) {
				toCode = append(toCode, m.At.Add(-age).Sub(answered))
			}
		}
		return nil
	}, func(m plainclient.Message) bool { return m.IsLast && m.CellID == "ask" })
	if err != nil {
		t.Fatal(err)
	}
	p50, p99, most := percentiles(toCode)
	t.Logf("answer to code: p50 %v, p99 %v, most %v", p50, p99, most)
	p50, p99, _ = percentiles(toPrompt)
	t.Logf("answer to next prompt: p50 %v, p99 %v", p50, p99)
}

// TestLatency_crowd: fifty clients on one notebook.
func TestLatency_crowd(t *testing.T) {
	s := servertest.Start(t, server.Config{Python: testpy.Python(t, "7")})
	ctx := within(t, 2*time.Minute)
	first := dial(t, s, "n.ipynb")
	if _, err := first.Run(ctx, "warm", "import time", nil); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var all []time.Duration
	var wg sync.WaitGroup
	watch := func(c *plainclient.Client) {
		_, _ = c.Until(ctx, func(m plainclient.Message) error {
			mu.Lock()
			defer mu.Unlock()
			all = append(all, ages(m.Content, m.At)...)
			return nil
		}, func(m plainclient.Message) bool { return m.IsLast && m.CellID == "crowd" })
	}
	const clients = 50
	for range clients {
		c := dial(t, s, "n.ipynb")
		ready(ctx, t, c)
		wg.Go(func() { watch(c) })
	}
	if err := first.Execute(ctx, "crowd", strings.Replace(spaced, "0.01", "0.03", 1)); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	p50, p99, most := percentiles(all)
	t.Logf("50 clients: p50 %v, p99 %v, most %v of %d", p50, p99, most, len(all))
	if want := clients * 200; len(all) != want {
		t.Errorf("%d lines arrived, want %d", len(all), want)
	}
}

// ready returns once the client is seen as a plain one that follows its notebook.
func ready(ctx context.Context, t *testing.T, c *plainclient.Client) {
	t.Helper()
	if err := c.Send(ctx, map[string]string{"type": "input_reply", "value": "x", "request_id": "none"}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Until(ctx, nil, func(m plainclient.Message) bool { return m.Type == "error" }); err != nil {
		t.Fatal(err)
	}
}
