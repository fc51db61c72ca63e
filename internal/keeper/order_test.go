package keeper

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestOrder: how long a question waits for what was printed before it.
func TestOrder(t *testing.T) {
	const number = 7
	word := func(o *order) { o.takes(true); o.takes(false) }
	for _, test := range []struct {
		name string
		do   func(o *order) // beside the question that waits; it began at once
		want time.Duration
	}{
		{"what is there already", func(o *order) { o.said(number) }, 0},
		{"until all is said", func(o *order) {
			word(o)
			time.Sleep(time.Second)
			o.said(number - 1)
			time.Sleep(time.Millisecond)
			o.said(number)
		}, 1001 * time.Millisecond},
		{"what was said for a later question will do", func(o *order) { o.said(number + 1) }, 0},
		{"a kernel that is silent", func(*order) {}, 2000 * time.Millisecond},
		{"one that says other things", func(o *order) {
			for range 5 {
				time.Sleep(1900 * time.Millisecond)
				word(o)
			}
			o.said(number)
		}, 5 * 1900 * time.Millisecond},
		{"one that never comes to it", func(o *order) {
			for range 400 {
				time.Sleep(100 * time.Millisecond)
				word(o)
			}
		}, 30 * time.Second},
		{"while the spool has no room", func(o *order) {
			o.takes(true)
			time.Sleep(time.Hour)
			o.takes(false)
			o.said(number)
		}, time.Hour},
		{"a kernel that ends", func(o *order) { time.Sleep(time.Millisecond); o.listens(false) }, time.Millisecond},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOrder()
				o.listens(true)
				began := time.Now()
				var other sync.WaitGroup
				defer other.Wait()
				other.Go(func() { test.do(o) })
				synctest.Wait()
				o.await(number)
				if got := time.Since(began); got != test.want {
					t.Errorf("it waited for %v, want %v", got, test.want)
				}
			})
		})
	}
	t.Run("one without a number, and where nothing is read", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			began, o := time.Now(), newOrder()
			o.await(number)
			o.listens(true)
			o.await(0)
			if got := time.Since(began); got != 0 {
				t.Errorf("it waited for %v", got)
			}
		})
	})
}
