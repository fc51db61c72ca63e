package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/runnel-dev/runnel/internal/instance"
	"github.com/runnel-dev/runnel/internal/pageclient"
	"github.com/runnel-dev/runnel/internal/protocol"
)

// What faults cost; only Runnel has these figures.
const (
	figureStorm  = "1,000 clients after a restart: all are live"
	figureRush   = "1,000 clients after a restart: most in a second"
	figureKilled = "server killed in mid-cell: page is up to date"
	figureCut    = "line cut: page is up to date"
	figureSlept  = "page slept 5 s under output: it is up to date"
)

const (
	stormSize = 1_000
	steady    = 3 * time.Second // a line that stood so long is lost anew: a page's back-off begins again
	healTime  = time.Minute     // after that a page that is not up to date has failed
	beat      = "beat.ipynb"    // the notebook of the faults
	beating   = "import time\nwhile True:\n    print(repr(time.time()))\n    time.sleep(0.01)"
)

// faults measures, on a server of its own, how long pages need after what can go wrong.
func (m *measurement) faults(ctx context.Context) error {
	server, err := instance.Start(ctx, instance.Options{Exe: m.config.Exe, Python: m.config.Python})
	if err != nil {
		return err
	}
	defer func() {
		if err := server.Stop(); err != nil {
			m.report.Notes["end of the server/Runnel"] = err.Error()
		}
	}()
	f := &troubled{m: m, server: server}
	for _, step := range []struct {
		name string
		take func(context.Context) error
	}{
		{figureKilled, f.converge},
		{figureStorm, f.storm},
		{figureEndless, f.endless},
		{figureText, f.muchText},
	} {
		fmt.Fprintf(m.config.Progress, "Runnel: %s\n", step.name)
		if err := step.take(ctx); err != nil {
			m.report.Notes[step.name+"/Runnel"] = err.Error()
		}
		if ctx.Err() != nil {
			return fmt.Errorf("measure: %w", ctx.Err())
		}
	}
	return nil
}

// troubled is the server that gets into trouble.
type troubled struct {
	m      *measurement
	server *instance.Instance
}

// add puts a figure that only Runnel has into the report.
func (f *troubled) add(name, unit string, values ...float64) {
	f.m.report.Figures = append(f.m.report.Figures, Figure{Name: name, Unit: unit, Values: map[string]Stat{"Runnel": summarise(values)}})
}

// page opens a page's line to a notebook, which waits as long as a browser's does before it comes back.
func (f *troubled) page(notebook string, on func(protocol.Events, []protocol.Event, *protocol.State)) *pageclient.Client {
	return pageclient.Open(pageclient.Options{URL: f.server.URL, Token: f.server.Token, Notebook: notebook, OnEvents: on,
		MinBackoff: time.Second, MaxBackoff: 30 * time.Second})
}

// create makes a notebook; a page opens only what is there.
func (f *troubled) create(ctx context.Context, notebook string) error {
	l, err := (&runnel{server: f.server}).lineTo(ctx, notebook)
	if err != nil {
		return err
	}
	defer l.close()
	return l.run(ctx, "1", func(event) error { return nil })
}

// execute starts a run and returns when it has printed.
func execute(ctx context.Context, page *pageclient.Client, cell protocol.CellID, code string) (protocol.RunID, error) {
	cmd := protocol.Command{Type: protocol.CmdExecute, CmdID: pageclient.NewCommandID(), CellID: cell, Code: &code}
	ack, err := page.Do(ctx, cmd)
	if err == nil && ack.Status == protocol.AckRejected {
		err = fmt.Errorf("not executed: %s: %s", ack.Code, ack.Error)
	}
	if err != nil {
		return "", err
	}
	return protocol.RunID(cmd.CmdID), page.Wait(ctx, "the first text", func(s *protocol.State) bool { return textOf(s, cell) != nil })
}

func textOf(s *protocol.State, cell protocol.CellID) *protocol.Text {
	if c := s.Cell(cell); c != nil && len(c.Outputs) > 0 {
		return c.Outputs[0].Text
	}
	return nil
}

// interrupt ends a run and returns how long that took as the page saw it.
func interrupt(ctx context.Context, page *pageclient.Client, run protocol.RunID) (time.Duration, error) {
	began := time.Now()
	if _, err := page.Do(ctx, protocol.Command{Type: protocol.CmdInterrupt}); err != nil {
		return 0, err
	}
	status, err := page.WaitRun(ctx, run)
	if err == nil && status != protocol.StatusInterrupted {
		err = fmt.Errorf("the run ended as %s", status)
	}
	return time.Since(began), err
}

// converge lets a cell print the time, and measures after each fault how long it takes until the page has what was
// printed after that was over.
func (f *troubled) converge(ctx context.Context) error {
	if err := f.create(ctx, beat); err != nil {
		return err
	}
	var asleep atomic.Pointer[chan struct{}]
	page := f.page(beat, func(protocol.Events, []protocol.Event, *protocol.State) {
		if wake := asleep.Load(); wake != nil {
			<-*wake
		}
	})
	defer page.Close()
	run, err := execute(ctx, page, "beat", beating)
	if err != nil {
		return err
	}
	for _, fault := range []struct {
		figure string
		happen func() error // returns when it is over
	}{
		{figureKilled, func() error { return f.server.Restart(ctx) }},
		{figureCut, func() error { page.Cut(); return nil }},
		{figureSlept, func() error {
			wake := make(chan struct{})
			asleep.Store(&wake)
			f.m.settle(ctx, time.Duration(f.m.amount(5000))*time.Millisecond)
			asleep.Store(nil)
			close(wake)
			return nil
		}},
	} {
		var times []float64
		for range min(f.m.amount(30), 3) {
			if err := fault.happen(); err != nil {
				return err
			}
			took, err := upToDate(ctx, page)
			if err != nil {
				return fmt.Errorf("%s: %w", fault.figure, err)
			}
			times = append(times, took.Seconds())
			f.m.settle(ctx, steady)
		}
		f.add(fault.figure, "s", times...)
	}
	_, err = interrupt(ctx, page, run)
	return err
}

// upToDate waits until the page has a line that was printed from now on.
func upToDate(ctx context.Context, page *pageclient.Client) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, healTime)
	defer cancel()
	began := time.Now()
	from := float64(began.UnixMicro()) / 1e6
	err := page.Wait(ctx, "new text", func(s *protocol.State) bool {
		text := textOf(s, "beat")
		if text == nil {
			return false
		}
		lines := strings.Fields(text.Head[max(0, len(text.Head)-200):] + text.Tail)
		if len(lines) < 2 {
			return false
		}
		stamp, err := strconv.ParseFloat(lines[len(lines)-2], 64) // the last may be half a line
		return err == nil && stamp >= from
	})
	return time.Since(began), err
}

// storm restarts the server under many clients of the notebook that converge has made.
func (f *troubled) storm(ctx context.Context) error {
	clients := make([]*pageclient.Client, f.m.amount(stormSize))
	live := func(not string, limit time.Duration) ([]time.Time, error) {
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		times, problems := make([]time.Time, len(clients)), make([]error, len(clients))
		var all sync.WaitGroup
		for i, c := range clients {
			all.Go(func() {
				problems[i] = c.Wait(ctx, "the state", func(s *protocol.State) bool { return s.Epoch != not })
				times[i] = time.Now()
			})
		}
		all.Wait()
		return times, errors.Join(problems...)
	}
	for i := range clients {
		clients[i] = f.page(beat, nil)
		if i%50 == 49 { // they come one after the other, and are lost together
			f.m.settle(ctx, 50*time.Millisecond)
		}
	}
	defer func() {
		var all sync.WaitGroup
		for _, c := range clients {
			all.Go(c.Close)
		}
		all.Wait()
	}()
	if _, err := live("", 2*healTime); err != nil {
		return err
	}
	epoch := clients[0].State().Epoch
	if err := f.server.Restart(ctx); err != nil {
		return err
	}
	began := time.Now()
	times, err := live(epoch, healTime)
	if err != nil {
		return err
	}
	f.add(figureStorm, "s", slices.MaxFunc(times, time.Time.Compare).Sub(began).Seconds())
	f.add(figureRush, "1/s", float64(mostWithin(times, time.Second)))
	return nil
}

// mostWithin is the largest number of times that lie within d of each other.
func mostWithin(times []time.Time, d time.Duration) int {
	slices.SortFunc(times, time.Time.Compare)
	most, first := 0, 0
	for i, at := range times {
		for at.Sub(times[first]) > d {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}
