package session

import (
	"testing"

	"github.com/runnel-dev/runnel/internal/protocol"
)

// What happened while nobody was there is told to the first page that comes, once.
func TestMissedNotices(t *testing.T) {
	quiet(t, func(t *testing.T, w *world) {
		sv := w.serve()
		s := sv.open("a.ipynb")
		if err := s.call(testContext(t), func() { s.core.notice("error", "journal_damaged", "gone", "") }); err != nil {
			t.Fatal(err)
		}
		heard := func(p *page) (n int) {
			sv.do(s, insert(sv.hub.newID(), ""))
			_, top := s.Top()
			p.until("the top", func(st *protocol.State) bool { return st.N >= top })
			for _, e := range p.events {
				if e, ok := e.(protocol.Notice); ok && e.Code == "journal_damaged" {
					n++
				}
			}
			return n
		}
		first := sv.page(s)
		if got := heard(first); got != 1 {
			t.Errorf("the first page was told %d times", got)
		}
		if got := heard(sv.page(s)); got != 0 {
			t.Errorf("a later page was told %d times", got)
		}
	})
}
