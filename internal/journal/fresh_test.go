package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"testing"
)

// What a synced batch names is on the disk when the sync is over: a power cut would leave the name without the value.
func TestSyncCoversBlobs(t *testing.T) {
	j := open(t, t.TempDir())
	gone := put(t, j, "removed before the sync", 0)
	if err := os.Remove(j.blobPath(gone)); err != nil {
		t.Fatal(err)
	}
	put(t, j, "one", 0)
	if n := len(j.fresh.paths); n != 2 {
		t.Errorf("%d blobs wait for a sync, want 2", n)
	}
	put(t, j, "one", 0) // is there
	if err := j.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(j.fresh.paths); n != 0 {
		t.Errorf("after a sync %d blobs wait for one", n)
	}
	for i := range freshMost {
		put(t, j, fmt.Sprint(i), 0)
	}
	if n := len(j.fresh.paths); n != 0 {
		t.Errorf("%d blobs wait though nobody syncs", n)
	}
	// Where a blob cannot be synced, what names it is not (J8).
	j.fresh.add("\x00")
	if err := j.Sync(t.Context()); !errors.Is(err, ErrSync) || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("with a blob that cannot be synced: %v", err)
	}
}
