package journaltest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/runnel-dev/runnel/internal/journal"
	"github.com/runnel-dev/runnel/internal/journal/journaltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// heard collects what a check says.
type heard struct {
	testing.TB
	said []string
}

func (h *heard) Helper()           {}
func (h *heard) Error(args ...any) { h.said = append(h.said, fmt.Sprint(args...)) }
func (h *heard) Errorf(format string, args ...any) {
	h.said = append(h.said, fmt.Sprintf(format, args...))
}

// A check that finds nothing wrong with anything would be worth nothing.
func TestCheck(t *testing.T) {
	tests := []struct {
		name   string
		damage func(dir, blob string) error
		want   string
	}{
		{"sound", func(string, string) error { return nil }, ""},
		{"a batch is cut off", func(dir, _ string) error {
			data, err := os.ReadFile(filepath.Join(dir, "journal.db"))
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(dir, "journal.db"), []byte(strings.Replace(string(data), `{"x":2}`, `{"x":7}`, 1)), 0o600)
		}, "damaged true"},
		{"a blob is gone", func(dir, blob string) error { return os.Remove(filepath.Join(dir, "blobs", blob[:2], blob)) }, "a blob that is not there"},
		{"a blob is another", func(dir, blob string) error {
			return os.WriteFile(filepath.Join(dir, "blobs", blob[:2], blob), []byte("other"), 0o600)
		}, "whose content is another"},
		{"no database", func(dir, _ string) error {
			return os.WriteFile(filepath.Join(dir, "journal.db"), make([]byte, 9000), 0o600)
		}, "put aside"},
		{"no journal", func(dir, _ string) error { return os.RemoveAll(dir) }, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "state")
			blob := written(t, dir)
			if err := tt.damage(dir, blob); err != nil {
				t.Fatal(err)
			}
			h := &heard{TB: t}
			journaltest.Check(h, dir)
			said := strings.Join(h.said, "\n")
			if tt.want == "" && said != "" || !strings.Contains(said, tt.want) {
				t.Errorf("it says %q, want %q", said, tt.want)
			}
		})
	}
}

// written is a journal of three batches and a blob, closed.
func written(t *testing.T, dir string) (blob string) {
	t.Helper()
	j, err := journal.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	id, err := j.Notebook(t.Context(), "a.ipynb")
	if err != nil {
		t.Fatal(err)
	}
	blob = journal.Hash([]byte("big"))
	if err := j.Put(blob, []byte("big")); err != nil {
		t.Fatal(err)
	}
	for i, data := range []string{`{"x":1}`, `{"x":2}`, `{"d":{"runnel_blob":{"hash":"` + blob + `","size":3}}}`} {
		if err := j.Append(t.Context(), id, journal.Batch{Seq: uint64(i + 1), N: uint64(i + 1), Data: []byte(data)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return blob
}
