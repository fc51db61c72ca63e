package server_test

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/internal/plainclient"
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

// TestLatency: from the print to the client. What it allows is for a busy machine (bench has the figure); a server that gathers output for
// 200 ms is found.
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
	if p50 > 100*time.Millisecond {
		t.Errorf("print to client takes %v", p50)
	}
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
