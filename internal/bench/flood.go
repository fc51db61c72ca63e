package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/runnel-dev/runnel/internal/protocol"
)

// What a flood costs, and whom; only Runnel has these figures.
const (
	figureEndless       = "endless print for 10 s: interrupt to the end of the run"
	figureElsewhere     = "endless print for 10 s: print to client in another notebook"
	figureEndlessServer = "endless print for 10 s: memory of the server at most"
	figureEndlessKeeper = "endless print for 10 s: memory of the keeper at most"
	figureText          = "100 MB of text: until the page has its end"
	figureTextServer    = "100 MB of text: memory of the server at most"
	figureTextKeeper    = "100 MB of text: memory of the keeper at most"
)

// endless prints without an end in one notebook, in lines of 100 bytes, while another is used.
func (f *troubled) endless(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	if err := errors.Join(f.create(ctx, "endless.ipynb"), f.create(ctx, "elsewhere.ipynb")); err != nil {
		return err
	}
	page := f.page("endless.ipynb", nil)
	defer page.Close()
	elsewhere, err := (&runnel{server: f.server}).lineTo(ctx, "elsewhere.ipynb")
	if err != nil {
		return err
	}
	defer elsewhere.close()
	peaks := f.watchMemory()
	run, err := execute(ctx, page, "flood", "while True: print('x' * 99)")
	var taken stamps
	if err == nil {
		err = elsewhere.run(ctx, stampedPrints(f.m.amount(450)), func(e event) error { return taken.take(e) })
	}
	took, endErr := interrupt(ctx, page, run)
	peak := peaks()
	if err := errors.Join(err, endErr); err != nil {
		return err
	}
	f.add(figureEndless, "ms", milliseconds(took))
	f.add(figureElsewhere, "ms", taken.late...)
	f.add(figureEndlessServer, "MiB", mebibytes(peak, "server")...)
	f.add(figureEndlessKeeper, "MiB", mebibytes(peak, "keeper")...)
	return nil
}

// muchText prints in pieces of 1 MB, as fast as it goes.
func (f *troubled) muchText(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	if err := f.create(ctx, "text.ipynb"); err != nil {
		return err
	}
	page := f.page("text.ipynb", nil)
	defer page.Close()
	peaks := f.watchMemory()
	began := time.Now()
	status, err := page.Execute(ctx, "text", fmt.Sprintf("line = 'y' * 99 + '\\n'\nfor i in range(%d): print(line * 10_000, end='')", f.m.amount(100)))
	took := time.Since(began)
	peak := peaks()
	if err == nil && status != protocol.StatusOK {
		err = fmt.Errorf("the run ended as %s", status)
	}
	if err != nil {
		return err
	}
	f.add(figureText, "s", took.Seconds())
	f.add(figureTextServer, "MiB", mebibytes(peak, "server")...)
	f.add(figureTextKeeper, "MiB", mebibytes(peak, "keeper")...)
	return nil
}

// watchMemory looks every 50 ms at what the processes have; the function it returns ends that and gives the most of each.
func (f *troubled) watchMemory() func() map[string]int64 {
	most := map[string]int64{}
	done := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(50 * time.Millisecond):
			}
			memory, err := (&runnel{server: f.server}).memory()
			if err != nil {
				continue // a keeper that has just ended
			}
			for process, bytes := range memory {
				most[process] = max(most[process], bytes)
			}
		}
	})
	return func() map[string]int64 {
		close(done)
		watching.Wait()
		return most
	}
}
