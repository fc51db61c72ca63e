package keeper

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// The system counts a process when it decides to kill it; that it is gone we may hear much later, on a machine that is short of memory. A count
// that rose long before has another reason.
func TestOOMWatch(t *testing.T) {
	path := filepath.Join(t.TempDir(), "memory.events")
	count := func(n int) {
		if err := os.WriteFile(path, fmt.Appendf(nil, "oom_kill %d\n", n), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	count(3)
	tests := []struct {
		name  string
		then  func(o *oomWatch)
		wants bool
	}{
		{"nothing happens", func(o *oomWatch) { o.tick(); o.tick() }, false},
		{"it ends at once", func(o *oomWatch) { o.tick(); count(4) }, true},
		{"it takes many looks to end", func(o *oomWatch) { count(5); o.tick(); o.tick(); o.tick(); o.tick() }, true},
		{"another process was killed before", func(o *oomWatch) { count(6); o.tick(); o.last = time.Now().Add(-2 * oomEcho) }, false},
		{"the count is gone", func(o *oomWatch) { o.tick(); _ = os.Remove(path) }, false},
	}
	for _, tt := range tests {
		o := &oomWatch{path: path}
		o.count, _ = readOOM(path)
		tt.then(o)
		if got := o.rose(); got != tt.wants {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}
