package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/runnel-dev/runnel/internal/pageclient"
	"github.com/runnel-dev/runnel/internal/plainclient"
	"github.com/runnel-dev/runnel/internal/protocol"
)

// late is what nobody should have to wait for a print, and promptly for an answer.
const (
	late     = 100 * time.Millisecond
	promptly = 50 * time.Millisecond
)

// run runs code in a cell of its own and hands on what arrives. A run that ends badly is an error.
func (v *visit) run(ctx context.Context, code string, on func(plainclient.Message) error) error {
	cell := "doctor-" + uuid.NewString()[:8]
	last, err := v.client.Run(ctx, cell, code, func(m plainclient.Message) error {
		if m.CellID != cell {
			return nil // of a cell that another client ran
		}
		return on(m)
	})
	if err != nil {
		return err
	}
	if last.Type == "error" {
		return fmt.Errorf("the cell ended with %s: %s", last.Status, last.Error)
	}
	return nil
}

// arrival is one printed line and when it came.
type arrival struct {
	text string
	at   time.Time
}

// printedLines runs code and collects what it prints, line by line.
func (v *visit) printedLines(ctx context.Context, code string) ([]arrival, error) {
	var lines []arrival
	rest := ""
	err := v.run(ctx, code, func(m plainclient.Message) error {
		if !m.IsText() {
			return nil
		}
		rest += m.Content
		for {
			text, after, whole := strings.Cut(rest, "\n")
			if !whole {
				return nil
			}
			lines, rest = append(lines, arrival{text, m.At}), after
		}
	})
	return lines, err
}

func (v *visit) first(ctx context.Context) (string, error) {
	began := time.Now()
	lines, err := v.printedLines(ctx, "print(6 * 7)")
	if python := v.config.Python; err != nil && python != "" && !strings.Contains(err.Error(), python) {
		return "", fmt.Errorf("the interpreter %s starts no kernel that answers (%w); to see why, run: %s -m ipykernel_launcher", python, err, python)
	}
	if err != nil {
		return "", err
	}
	if len(lines) != 1 || lines[0].text != "42" {
		return "", fmt.Errorf("print(6 * 7) gave %v", lines)
	}
	v.took = lines[0].at.Sub(v.began)
	return fmt.Sprintf("first result after %d ms", lines[0].at.Sub(began).Milliseconds()), nil
}

// firstRun tells how long the program and its first kernel took together.
func (v *visit) firstRun(context.Context) (string, error) {
	if v.began.IsZero() {
		return "not measured: the server ran already", nil
	}
	figure := fmt.Sprintf("%.1f s", v.took.Seconds())
	if v.took > 10*time.Second {
		return "", fmt.Errorf("%s: more than 10 s", figure)
	}
	return figure, nil
}

func (v *visit) unbuffered(ctx context.Context) (string, error) { return v.stamped(ctx, "") }

func (v *visit) flushed(ctx context.Context) (string, error) { return v.stamped(ctx, ", flush=True") }

// stamped prints the time again and again, and looks how late each print comes.
func (v *visit) stamped(ctx context.Context, flush string) (string, error) {
	lines, err := v.printedLines(ctx, fmt.Sprintf("import time\nfor _ in range(50):\n    print(repr(time.time())%s)\n    time.sleep(0.02)", flush))
	if err != nil {
		return "", err
	}
	if len(lines) != 50 {
		return "", fmt.Errorf("%d of 50 lines came", len(lines))
	}
	times := make([]float64, len(lines))
	for i, line := range lines {
		seconds, err := strconv.ParseFloat(line.text, 64)
		if err != nil {
			return "", fmt.Errorf("a printed time: %w", err)
		}
		times[i] = float64(line.at.UnixMicro())/1e3 - seconds*1e3
	}
	if flush == "" {
		v.printed = append(v.printed, times...)
	}
	return within(times, late)
}

// within gives the median and the worst of times, an error when the worst is over the limit.
func within(times []float64, limit time.Duration) (string, error) {
	slices.Sort(times)
	text := fmt.Sprintf("median %.1f ms, worst %.1f ms", times[len(times)/2], times[len(times)-1])
	if worst := times[len(times)-1]; worst > float64(limit.Milliseconds()) {
		return "", fmt.Errorf("%s: more than %v", text, limit)
	}
	return text, nil
}

func (v *visit) lineByLine(ctx context.Context) (string, error) {
	const step = 200 * time.Millisecond
	lines, err := v.printedLines(ctx, "import time\nfor i in range(5):\n    print(i)\n    time.sleep(0.2)")
	if err != nil {
		return "", err
	}
	if len(lines) != 5 {
		return "", fmt.Errorf("%d of 5 lines came", len(lines))
	}
	for i := 1; i < len(lines); i++ {
		if gap := lines[i].at.Sub(lines[i-1].at); gap < step-late || gap > step+late {
			return "", fmt.Errorf("line %d came %v after the one before, in place of %v", i+1, gap.Round(time.Millisecond), step)
		}
	}
	return fmt.Sprintf("5 lines, %v apart", step), nil
}

func (v *visit) inputs(ctx context.Context) (string, error) {
	code := "import time\ngot = []\nfor i in range(10):\n    a = input(f'{i}? ')\n    got.append((a, time.time()))\nfor a, t in got:\n    print(a, repr(t))"
	var sent []time.Time
	var text strings.Builder
	err := v.run(ctx, code, func(m plainclient.Message) error {
		if m.IsText() {
			text.WriteString(m.Content)
		}
		if m.Type != "input_request" {
			return nil
		}
		sent = append(sent, time.Now())
		return v.client.Answer(ctx, m.RequestID, "answer-"+strconv.Itoa(len(sent)))
	})
	if err != nil {
		return "", err
	}
	got := strings.Fields(text.String())
	if len(sent) != 10 || len(got) < 20 {
		return "", fmt.Errorf("%d prompts came; the code had: %s", len(sent), text.String())
	}
	got = got[len(got)-20:]
	for i := range sent {
		seconds, err := strconv.ParseFloat(got[2*i+1], 64)
		if err != nil || got[2*i] != "answer-"+strconv.Itoa(i+1) {
			return "", fmt.Errorf("prompt %d got %q", i+1, got[2*i])
		}
		v.answered = append(v.answered, seconds*1e3-float64(sent[i].UnixMicro())/1e3)
	}
	figure, err := within(slices.Clone(v.answered), promptly)
	return "10 of 10, answer to code " + figure, err
}

func (v *visit) typedAhead(ctx context.Context) (string, error) {
	code := "import time\nprint('go')\ntime.sleep(0.3)\nprint('|'.join(input() for _ in range(3)))"
	var text strings.Builder
	told := false
	err := v.run(ctx, code, func(m plainclient.Message) error {
		if m.IsText() {
			text.WriteString(m.Content)
		}
		if told || !strings.Contains(text.String(), "go\n") {
			return nil
		}
		told = true
		for _, answer := range []string{"one", "two", "three"} {
			if err := v.client.Answer(ctx, "", answer); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	if !strings.Contains(text.String(), "one|two|three") {
		return "", fmt.Errorf("the code got %q", text.String())
	}
	return "3 answers before the first prompt, used in order", nil
}

// recovery cuts a page's line in mid-run and looks that the page's replica is whole afterwards.
func (v *visit) recovery(ctx context.Context) (string, error) {
	page := pageclient.Open(pageclient.Options{URL: v.url, Token: v.token, Notebook: notebook, MinBackoff: time.Second})
	defer page.Close()
	const lines = 40
	cell := protocol.CellID("doctor-" + uuid.NewString()[:8])
	code := fmt.Sprintf("import time\nfor i in range(%d):\n    print(i)\n    time.sleep(0.05)", lines)
	command := protocol.Command{Type: protocol.CmdExecute, CellID: cell, Code: &code}
	if _, err := page.Do(ctx, command); err != nil {
		return "", err
	}
	if err := page.Wait(ctx, "the first lines", func(s *protocol.State) bool { return len(textOf(s, cell)) > 10 }); err != nil {
		return "", err
	}
	page.Cut()
	cut := time.Now()
	if err := waitLive(ctx, page, false); err != nil {
		return "", err
	}
	if err := waitLive(ctx, page, true); err != nil {
		return "", err
	}
	back := time.Since(cut)
	if err := page.Wait(ctx, "the end of the cell", func(s *protocol.State) bool { return ended(s, cell) }); err != nil {
		return "", err
	}
	var want strings.Builder
	for i := range lines {
		fmt.Fprintln(&want, i)
	}
	if got := textOf(page.State(), cell); got != want.String() {
		return "", fmt.Errorf("after the cut the page shows %q", got)
	}
	if broken := page.Violations(); len(broken) > 0 {
		return "", errors.New(strings.Join(broken, "; "))
	}
	return fmt.Sprintf("back after %d ms, %d of %d lines", back.Milliseconds(), lines, lines), nil
}

// waitLive waits until the page's line stands, or does not.
func waitLive(ctx context.Context, page *pageclient.Client, live bool) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for page.Live() != live {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("wait for the line (up: %v): %w", live, ctx.Err())
		}
	}
	return nil
}

func cellOf(s *protocol.State, id protocol.CellID) *protocol.Cell {
	for _, cell := range s.Cells {
		if cell.ID == id {
			return cell
		}
	}
	return nil
}

func ended(s *protocol.State, id protocol.CellID) bool {
	cell := cellOf(s, id)
	return cell != nil && cell.Run != nil && cell.Run.State == protocol.StateDone
}

// stable keeps a cell printing once a second, over the one connection.
func (v *visit) stable(ctx context.Context) (string, error) {
	seconds := 60
	if v.config.Quick {
		seconds = 5
	}
	began := time.Now()
	lines, err := v.printedLines(ctx, fmt.Sprintf("import time\nfor i in range(%d):\n    print(i)\n    time.sleep(1)", seconds))
	if err != nil {
		return "", err
	}
	if len(lines) != seconds {
		return "", fmt.Errorf("%d of %d lines came", len(lines), seconds)
	}
	return fmt.Sprintf("%.0f s, %d of %d lines", time.Since(began).Seconds(), seconds, seconds), nil
}

func (v *visit) oneSocket(context.Context) (string, error) {
	if v.dials != 1 {
		return "", fmt.Errorf("%d connections were needed", v.dials)
	}
	return fmt.Sprintf("%d cells over %d connection", len(v.report.Checks)-1, v.dials), nil
}
