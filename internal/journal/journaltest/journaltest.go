// Package journaltest is what tests need of a journal: one in memory (Memory), what every kind of journal is held to (Contract), and a look into the
// one on disk that a test has left behind (Check).
//
// The key idea: a test may run on the journal in memory because both are held to one contract, and whatever a test was about, the journal it used
// on disk must be sound at its end.
//
// It does not know what the facts of a batch mean.
package journaltest

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/runnel-dev/runnel/internal/journal"
)

// Check fails the test unless the journal in dir, which nobody has open, is sound: the database was not put aside, every notebook's chain of
// checksums is whole, its numbers go up and reach what was acknowledged, and every blob that is referred to is there and is what its name
// says (docs/journal.md: J1, J6, J7, J10). A folder without a journal is sound. It looks at a copy.
func Check(t testing.TB, dir string) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(dir, "journal.db")); errors.Is(err, fs.ErrNotExist) {
		return
	}
	looked, err := os.MkdirTemp("", "journal-check")
	if err != nil {
		t.Error(err)
		return
	}
	defer func() { _ = os.RemoveAll(looked) }()
	if err := copyDatabase(looked, dir); err != nil {
		t.Errorf("copy the journal: %v", err)
		return
	}
	j, err := journal.Open(looked, nil)
	if err != nil {
		t.Errorf("the journal cannot be opened: %v", err)
		return
	}
	defer func() { _ = j.Close() }()
	if j.Moved() != "" {
		t.Error("the journal is damaged: it was put aside")
	}
	ctx := context.Background()
	all, err := j.Notebooks(ctx)
	if err != nil {
		t.Error(err)
	}
	for path, id := range all {
		loaded, err := j.Load(ctx, id)
		if err != nil || loaded.Damaged || loaded.Lost != 0 {
			t.Errorf("the journal of %s: damaged %v, %d events lost, %v", path, loaded.Damaged, loaded.Lost, err)
			continue
		}
		checkBatches(t, dir, path, loaded)
	}
}

// copyDatabase copies what Open and Load read.
func copyDatabase(to, from string) error {
	for _, name := range []string{"journal.db", "journal.db-wal", "marks"} {
		data, err := os.ReadFile(filepath.Join(from, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(to, name), data, 0o600)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func checkBatches(t testing.TB, dir, path string, loaded journal.Loaded) {
	t.Helper()
	batches := loaded.Batches
	if loaded.Snapshot != nil {
		batches = append([]journal.Batch{*loaded.Snapshot}, batches...)
	}
	var seq, n uint64
	for i, b := range batches {
		if i > 0 && b.Seq != seq+1 || b.N < n {
			t.Errorf("the journal of %s: batch %d (event %d) follows batch %d (event %d)", path, b.Seq, b.N, seq, n)
		}
		seq, n = b.Seq, b.N
		for _, ref := range blobRef.FindAllSubmatch(b.Data, -1) {
			checkBlob(t, dir, path, string(ref[1]))
		}
	}
}

var blobRef = regexp.MustCompile(`\{"runnel_blob":\{"hash":"([0-9a-f]{64})"`)

func checkBlob(t testing.TB, dir, path, hash string) {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, "blobs", hash[:2], hash))
	if err != nil {
		t.Errorf("the journal of %s refers to a blob that is not there: %v", path, err)
		return
	}
	defer func() { _ = f.Close() }()
	if data, err := io.ReadAll(f); err != nil || journal.Hash(data) != hash {
		t.Errorf("the journal of %s refers to blob %s, whose content is another: %v", path, hash, err)
	}
}
