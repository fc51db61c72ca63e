package bench

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The names of the figures; judge knows what Runnel has to reach in them.
const (
	figureFirst   = "first result of a new kernel"
	figureTrip    = "execute round trip"
	figurePrint   = "print to client"
	figureAnswer  = "answer to code"
	figurePrompt  = "answer to next prompt"
	figureLines   = "200,000 lines"
	figureDisplay = "one 50 MiB display"
	figureCrowd   = "print to 50 clients"
	figureRest    = "memory of the server at rest"
	figureClient  = "memory per connected client"
	figureAfter   = "memory of the server half a minute after all this"
	figureKeeper  = "memory of a keeper half a minute after all this"
	figureKept    = "memory of a keeper at rest"
)

// measurement is one run of all figures.
type measurement struct {
	config  Config
	systems []system
	report  *Report
}

// amount is n, or a tenth of it when quick.
func (m *measurement) amount(n int) int {
	if m.config.Quick {
		return max(n/10, 1)
	}
	return n
}

func (m *measurement) all(ctx context.Context) error {
	steps := []struct {
		name, unit string
		take       func(context.Context, system) ([]float64, error)
	}{
		{figureRest, "MiB", m.serverMemory},
		{figureFirst, "ms", m.firstResult},
		{figureKept, "MiB", m.keeperMemory},
		{figureTrip, "ms", nil},
		{figurePrint, "ms", m.prints},
		{figureAnswer, "ms", nil},
		{figurePrompt, "ms", nil},
		{figureLines, "lines/s", m.lines},
		{figureDisplay, "ms", m.display},
		{figureCrowd, "ms", nil},
		{figureClient, "MiB", nil},
		{figureAfter, "MiB", m.serverMemory},
		{figureKeeper, "MiB", m.keeperMemory},
	}
	for _, step := range steps {
		m.report.Figures = append(m.report.Figures, Figure{Name: step.name, Unit: step.unit, Values: map[string]Stat{}})
	}
	for _, step := range steps {
		switch step.name {
		case figureKept, figureCrowd: // after a start; after a display of 50 MiB, which is saved
			m.settle(ctx, 5*time.Second)
		case figureAfter:
			m.settle(ctx, time.Duration(m.amount(30))*time.Second)
		case figureTrip:
			m.roundTrips(ctx)
			continue
		}
		for _, s := range m.systems {
			fmt.Fprintf(m.config.Progress, "%s: %s\n", s.name(), step.name)
			var err error
			switch {
			case step.take != nil:
				var values []float64
				values, err = step.take(ctx, s)
				m.note(step.name, s, values)
			case step.name == figureAnswer:
				err = m.answers(ctx, s)
			case step.name == figureCrowd:
				err = m.crowd(ctx, s)
			}
			if ctx.Err() != nil {
				return fmt.Errorf("measure: %w", ctx.Err())
			}
			if err != nil {
				m.report.Notes[step.name+"/"+s.name()] = err.Error()
			}
		}
	}
	return nil
}

// settle waits for processes to give back what a start or a flood needed.
func (m *measurement) settle(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

func (m *measurement) note(figure string, s system, values []float64) {
	if len(values) == 0 {
		return
	}
	for i := range m.report.Figures {
		if m.report.Figures[i].Name == figure {
			m.report.Figures[i].Values[s.name()] = summarise(values)
		}
	}
}

// on runs code on a line of its own and calls on for its events. A system whose
// line is silent for a minute has failed.
func (m *measurement) on(ctx context.Context, s system, code string, on func(line, event) error) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	l, err := s.line(ctx)
	if err != nil {
		return err
	}
	defer l.close()
	return l.run(ctx, code, func(e event) error { return on(l, e) })
}

func (m *measurement) firstResult(ctx context.Context, s system) ([]float64, error) {
	var times []float64
	for range min(m.amount(30), 3) {
		began, first := time.Now(), time.Time{}
		if err := s.open(ctx); err != nil {
			return times, err
		}
		err := m.on(ctx, s, "print(1)", func(_ line, e event) error {
			if first.IsZero() && e.kind == printed {
				first = e.at
			}
			return nil
		})
		if err != nil {
			return times, err
		}
		times = append(times, milliseconds(first.Sub(began)))
	}
	return times, nil
}

// rounds is how many kernels a round trip is measured on: from one to the next of the same kind it differs by more than what a server adds.
const rounds = 5

// roundTrips takes the systems in turn, round by round, each with a new kernel.
func (m *measurement) roundTrips(ctx context.Context) {
	times := make(map[string][]float64)
	for range rounds {
		for _, s := range m.systems {
			fmt.Fprintf(m.config.Progress, "%s: %s\n", s.name(), figureTrip)
			round, err := m.roundTrip(ctx, s)
			if err != nil {
				m.report.Notes[figureTrip+"/"+s.name()] = err.Error()
			}
			times[s.name()] = append(times[s.name()], round...)
		}
	}
	for _, s := range m.systems {
		m.note(figureTrip, s, times[s.name()])
	}
}

func (m *measurement) roundTrip(ctx context.Context, s system) ([]float64, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	if err := s.open(ctx); err != nil {
		return nil, err
	}
	l, err := s.line(ctx)
	if err != nil {
		return nil, err
	}
	defer l.close()
	var times []float64
	for range m.amount(60) {
		began := time.Now()
		if err := l.run(ctx, "pass", func(event) error { return nil }); err != nil {
			return times, err
		}
		times = append(times, milliseconds(time.Since(began)))
	}
	return times[len(times)/4:], nil // the first ones warm everything up
}

// stampedPrints prints the time, unflushed, at a distance.
func stampedPrints(n int) string {
	return fmt.Sprintf("import time\nfor _ in range(%d):\n    print(repr(time.time()))\n    time.sleep(0.02)\nprint('end')", n)
}

// stamps collects how late each stamped line came; it is called with pieces of text.
type stamps struct {
	rest string
	late []float64
	end  bool
}

func (s *stamps) take(e event) error {
	if e.kind != printed {
		return nil
	}
	s.rest += e.text
	for {
		text, rest, whole := strings.Cut(s.rest, "\n")
		if !whole {
			return nil
		}
		s.rest = rest
		if text == "end" {
			s.end = true
			continue
		}
		late, err := lateness(text, e.at)
		if err != nil {
			return err
		}
		s.late = append(s.late, late)
	}
}

func lateness(stamp string, at time.Time) (float64, error) {
	seconds, err := strconv.ParseFloat(stamp, 64)
	if err != nil {
		return 0, fmt.Errorf("a printed time: %w", err)
	}
	return float64(at.UnixMicro())/1e3 - seconds*1e3, nil
}

func (m *measurement) prints(ctx context.Context, s system) ([]float64, error) {
	var taken stamps
	err := m.on(ctx, s, stampedPrints(m.amount(300)), func(_ line, e event) error { return taken.take(e) })
	return taken.late, err
}

// answers asks again and again. The code notes when it has each answer, and the
// client when it has the next prompt.
func (m *measurement) answers(ctx context.Context, s system) error {
	n := m.amount(200)
	code := fmt.Sprintf("import time\ngot = []\nfor _ in range(%d):\n    input('? ')\n    got.append(time.time())\nfor t in got:\n    print(repr(t))", n)
	var sent []time.Time
	var toPrompt, toCode []float64
	var text strings.Builder
	err := m.on(ctx, s, code, func(l line, e event) error {
		switch e.kind {
		case prompted:
			if len(sent) > 0 {
				toPrompt = append(toPrompt, milliseconds(e.at.Sub(sent[len(sent)-1])))
			}
			time.Sleep(5 * time.Millisecond) // a person answers when all is quiet
			sent = append(sent, time.Now())
			return l.answer(ctx, "x")
		case printed:
			text.WriteString(e.text)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i, stamp := range strings.Fields(text.String()) {
		if i >= len(sent) {
			return fmt.Errorf("%d answers came for %d sent", i+1, len(sent))
		}
		late, err := lateness(stamp, sent[i])
		if err != nil {
			return err
		}
		toCode = append(toCode, -late)
	}
	m.note(figureAnswer, s, toCode)
	m.note(figurePrompt, s, toPrompt)
	return nil
}

// lines counts the lines of a flood and looks whether each is there, in order.
func (m *measurement) lines(ctx context.Context, s system) ([]float64, error) {
	n := m.amount(200_000)
	var rates []float64
	for range 3 {
		next, rest := 0, ""
		began, last := time.Now(), time.Time{}
		err := m.on(ctx, s, fmt.Sprintf("for i in range(%d):\n    print(i)", n), func(_ line, e event) error {
			text := rest + e.text
			for {
				number, after, whole := strings.Cut(text, "\n")
				if !whole {
					rest, last = text, e.at
					return nil
				}
				if number != strconv.Itoa(next) {
					return fmt.Errorf("line %d is missing: %q came", next, number)
				}
				next++
				text = after
			}
		})
		if err == nil && next != n {
			err = fmt.Errorf("%d of %d lines came", next, n)
		}
		if err != nil {
			return rates, err
		}
		rates = append(rates, float64(n)/last.Sub(began).Seconds())
	}
	return rates, nil
}

func (m *measurement) display(ctx context.Context, s system) ([]float64, error) {
	size := m.amount(50) << 20
	var times []float64
	for range 3 {
		got, at := 0, time.Time{}
		began := time.Now()
		code := fmt.Sprintf("from IPython.display import display\ndisplay({'text/html': 'x' * %d}, raw=True)", size)
		err := m.on(ctx, s, code, func(_ line, e event) error {
			if e.kind == displayed {
				got, at = got+e.size, e.at
			}
			return nil
		})
		if err == nil && got < size {
			err = fmt.Errorf("%d of %d bytes came", got, size)
		}
		if err != nil {
			return times, err
		}
		times = append(times, milliseconds(at.Sub(began)))
	}
	return times, nil
}

func (m *measurement) serverMemory(_ context.Context, s system) ([]float64, error) {
	memory, err := s.memory()
	return mebibytes(memory, "server"), err
}

func (m *measurement) keeperMemory(_ context.Context, s system) ([]float64, error) {
	memory, err := s.memory()
	return mebibytes(memory, "keeper"), err
}

func mebibytes(memory map[string]int64, process string) []float64 {
	if bytes, ok := memory[process]; ok {
		return []float64{float64(bytes) / (1 << 20)}
	}
	return nil
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }
