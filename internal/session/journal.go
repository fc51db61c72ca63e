package session

import (
	"context"
	"io"
	"iter"
	"time"

	"github.com/runnel-dev/runnel/internal/journal"
)

// Journal is what sessions need of the journal; see journal.Journal for what each method promises. A test that is not about a disk uses
// journaltest.Memory, which is held to the same contract.
type Journal interface {
	batchWriter
	shelf

	Load(ctx context.Context, id journal.NotebookID) (journal.Loaded, error)
	Sync(ctx context.Context) error
	Moved() string

	Notebook(ctx context.Context, path string) (journal.NotebookID, error)
	Notebooks(ctx context.Context) (map[string]journal.NotebookID, error)
	Rename(ctx context.Context, id journal.NotebookID, path string) error
	SetLive(ctx context.Context, id journal.NotebookID, live bool) error
	Live(ctx context.Context) ([]string, error)
	Missing(ctx context.Context, id journal.NotebookID, since time.Time) error
	Collect(ctx context.Context, held iter.Seq[[]byte], missing, put time.Time) (journal.Collected, error)

	Put(hash string, data []byte) error
	Spill(id journal.NotebookID, output string, offset int64, data []byte) error
	DropSpill(id journal.NotebookID, output string) error

	PutBase(id journal.NotebookID, tag string, data []byte) error
	Base(id journal.NotebookID, tag string) ([]byte, error)
	PutNext(id journal.NotebookID, tag string) error
	IsNext(id journal.NotebookID, tag string) bool
	PutMove(id journal.NotebookID, to string) error
	Move(id journal.NotebookID) string
}

var _ Journal = (*journal.Journal)(nil)

// batchWriter is what a session's writer needs.
type batchWriter interface {
	Append(ctx context.Context, id journal.NotebookID, b journal.Batch) error
	Snapshot(ctx context.Context, id journal.NotebookID, s journal.Batch) error
}

// shelf is where what a state only names is looked up.
type shelf interface {
	Blob(hash string) (io.ReadSeekCloser, error)
	OpenSpill(id journal.NotebookID, output string) (io.ReadSeekCloser, error)
}
