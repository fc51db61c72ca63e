package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

const crowdSize = 50

// errEnd ends a listener that has heard all.
var errEnd = errors.New("heard all")

// crowd lets many clients watch one kernel: how late is what is printed at each
// of them, and what does each cost the server.
func (m *measurement) crowd(ctx context.Context, s system) error {
	if !s.shared() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	before, err := s.memory()
	if err != nil {
		return err
	}
	listeners := make([]line, crowdSize)
	for i := range listeners {
		if listeners[i], err = s.line(ctx); err != nil {
			return fmt.Errorf("client %d: %w", i+1, err)
		}
		defer listeners[i].close()
	}
	taken := make([]stamps, crowdSize)
	problems := make([]error, crowdSize)
	var all sync.WaitGroup
	for i, l := range listeners {
		all.Go(func() {
			problems[i] = l.listen(ctx, func(e event) error {
				if err := taken[i].take(e); err != nil {
					return err
				}
				if taken[i].end {
					return errEnd
				}
				return nil
			})
		})
	}
	err = m.on(ctx, s, stampedPrints(m.amount(150)), func(line, event) error { return nil })
	after, memoryErr := s.memory()
	if err = errors.Join(err, memoryErr); err != nil {
		cancel()
	}
	all.Wait()
	var late []float64
	for i := range listeners {
		if !errors.Is(problems[i], errEnd) {
			err = errors.Join(err, fmt.Errorf("client %d: %w", i+1, problems[i]))
		}
		late = append(late, taken[i].late...)
	}
	if err != nil {
		return err
	}
	m.note(figureCrowd, s, late)
	m.note(figureClient, s, []float64{float64(after["server"]-before["server"]) / crowdSize / (1 << 20)})
	return nil
}
