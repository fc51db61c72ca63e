package auth

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// How often a secret may be guessed: from one source, and by all together.
const (
	perSource   = 5 // at once, and so many a minute
	altogether  = 100
	maxSources  = 10_000
	limitPeriod = time.Minute
)

// Limit counts wrong guesses. The zero value is ready.
type Limit struct {
	mu      sync.Mutex
	sources map[string]*rate.Limiter
	all     *rate.Limiter
}

// Wait says how long the source must wait before it may guess again; zero: now.
func (l *Limit) Wait(source string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all == nil {
		return 0
	}
	wait := delay(l.all, now)
	if one := l.sources[source]; one != nil {
		wait = max(wait, delay(one, now))
	}
	return wait
}

func delay(l *rate.Limiter, now time.Time) time.Duration {
	missing := 1 - l.TokensAt(now)
	if missing <= 0 {
		return 0
	}
	return time.Duration(missing / float64(l.Limit()) * float64(time.Second))
}

// Wrong counts a wrong guess.
func (l *Limit) Wrong(source string, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all == nil {
		l.all = rate.NewLimiter(rate.Every(limitPeriod/altogether), altogether)
	}
	if l.sources == nil || len(l.sources) >= maxSources {
		l.sources = map[string]*rate.Limiter{}
	}
	if l.sources[source] == nil {
		l.sources[source] = rate.NewLimiter(rate.Every(limitPeriod/perSource), perSource)
	}
	l.all.AllowN(now, 1)
	l.sources[source].AllowN(now, 1)
}
