package journaltest

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"slices"
	"time"

	"github.com/runnel-dev/runnel/internal/journal"
)

// beside is what a journal on disk keeps in files beside the database.
type beside struct {
	marks  map[journal.NotebookID]mark
	blobs  map[string]blob
	spills map[journal.NotebookID]map[string][]byte
	bases  map[journal.NotebookID][]version // the last, and the one before
	nexts  map[journal.NotebookID]string
	moves  map[journal.NotebookID]string
}

type mark struct{ seq, n uint64 }

type blob struct {
	data []byte
	put  time.Time
}

type version struct {
	tag  string
	data []byte
}

func newBeside() beside {
	return beside{marks: map[journal.NotebookID]mark{}, blobs: map[string]blob{}, spills: map[journal.NotebookID]map[string][]byte{},
		bases: map[journal.NotebookID][]version{}, nexts: map[journal.NotebookID]string{}, moves: map[journal.NotebookID]string{}}
}

// reading is a file that is read.
type reading struct{ *bytes.Reader }

func (reading) Close() error { return nil }

func (m *Memory) Put(hash string, data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.beside.blobs[hash] = blob{data: bytes.Clone(data), put: time.Now()}
	return nil
}

func (m *Memory) Blob(hash string) (io.ReadSeekCloser, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, there := m.beside.blobs[hash]
	if !there {
		return nil, fmt.Errorf("blob %.80q: %w", hash, fs.ErrNotExist)
	}
	return reading{bytes.NewReader(b.data)}, nil
}

var outputName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

func (m *Memory) Spill(id journal.NotebookID, output string, offset int64, data []byte) error {
	if !outputName.MatchString(output) {
		return fmt.Errorf("output %.80q: %w", output, fs.ErrNotExist)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.beside.spills[id] == nil {
		m.beside.spills[id] = map[string][]byte{}
	}
	have := m.beside.spills[id][output]
	if gap := int(offset) - len(have); gap > 0 {
		have = append(have, make([]byte, gap)...)
	}
	if rest := have[offset:]; len(rest) > 0 {
		have = slices.Clone(have) // somebody may be reading it
		data = data[copy(have[offset:], data):]
	}
	m.beside.spills[id][output] = append(have, data...)
	return nil
}

func (m *Memory) OpenSpill(id journal.NotebookID, output string) (io.ReadSeekCloser, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	data, there := m.beside.spills[id][output]
	if !there {
		return nil, fmt.Errorf("output %.80q: %w", output, fs.ErrNotExist)
	}
	return reading{bytes.NewReader(data)}, nil
}

func (m *Memory) DropSpill(id journal.NotebookID, output string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if output == "" {
		delete(m.beside.spills, id)
	}
	delete(m.beside.spills[id], output)
	return nil
}

func (m *Memory) PutBase(id journal.NotebookID, tag string, data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	kept := m.beside.bases[id]
	if len(kept) == 0 || kept[0].tag != tag {
		kept = append([]version{{}}, kept...)
	}
	kept[0] = version{tag, bytes.Clone(data)}
	m.beside.bases[id] = kept[:min(len(kept), 2)]
	return nil
}

func (m *Memory) Base(id journal.NotebookID, tag string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, v := range m.beside.bases[id] {
		if v.tag == tag {
			return bytes.Clone(v.data), nil
		}
	}
	return nil, fmt.Errorf("base %q: %w", tag, fs.ErrNotExist)
}

func (m *Memory) PutNext(id journal.NotebookID, tag string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.beside.nexts[id] = tag
	return nil
}

func (m *Memory) IsNext(id journal.NotebookID, tag string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	noted, there := m.beside.nexts[id]
	return there && noted == tag
}

func (m *Memory) PutMove(id journal.NotebookID, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.beside.moves[id] = to; to == "" {
		delete(m.beside.moves, id)
	}
	return nil
}

func (m *Memory) Move(id journal.NotebookID) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.beside.moves[id]
}

// collect removes what is of notebooks that there are not any more, and blobs that no text names and that were put before put.
func (s *beside) collect(books map[journal.NotebookID]book, texts [][]byte, put time.Time, done *journal.Collected) {
	done.Spills += dropUnknown(s.spills, books) + dropUnknown(s.bases, books) + dropUnknown(s.nexts, books) + dropUnknown(s.moves, books)
	for hash, b := range s.blobs {
		named := slices.ContainsFunc(texts, func(text []byte) bool { return bytes.Contains(text, []byte(hash)) })
		if !named && b.put.Before(put) {
			done.Blobs++
			done.Bytes += int64(len(b.data))
			delete(s.blobs, hash)
		}
	}
}

func dropUnknown[V any](kept map[journal.NotebookID]V, books map[journal.NotebookID]book) (dropped int) {
	for id := range kept {
		if _, there := books[id]; !there {
			delete(kept, id)
			dropped++
		}
	}
	return dropped
}
