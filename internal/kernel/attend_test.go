package kernel_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/runnel-dev/runnel/internal/kernel"
)

// attend is a server that gets killed: it attaches to a kernel, appends what it
// reads to a file, a line per record, and acknowledges it, until it is ended.
// Arguments: runtime folder, kernel id, file.
func attend(args []string) int {
	if err := attendTo(args[0], kernel.ID(args[1]), args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func attendTo(runtime string, id kernel.ID, path string) error {
	last, _, err := readJournal(path)
	if err != nil {
		return err
	}
	if err := cutHalfLine(path); err != nil {
		return err
	}
	m, err := kernel.NewManager(kernel.Config{RuntimeDir: runtime, Exe: "/nonexistent"})
	if err != nil {
		return err
	}
	ctx := context.Background()
	k, err := m.Attach(ctx, id, last+1)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	for {
		batch, err := k.NextBatch(ctx, 256<<10)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		var b strings.Builder
		for _, e := range batch {
			fmt.Fprintf(&b, "%d %d %s\n", e.Record, e.Kind, strconv.Quote(streamText(e)))
		}
		if _, err := f.WriteString(b.String()); err != nil {
			return err
		}
		k.Ack(batch[len(batch)-1].Record)
	}
}

// readJournal reads what attend wrote: the last number, and the texts joined. It
// fails on a gap. Half a line at the end does not count.
func readJournal(path string) (last uint64, text string, err error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return 0, "", nil
	}
	if err != nil {
		return 0, "", err
	}
	b = b[:strings.LastIndexByte(string(b), '\n')+1]
	var all strings.Builder
	lines := bufio.NewScanner(strings.NewReader(string(b)))
	lines.Buffer(nil, 1<<26)
	for lines.Scan() {
		f := strings.SplitN(lines.Text(), " ", 3)
		n, err := strconv.ParseUint(f[0], 10, 64)
		if err != nil || n != last+1 {
			return 0, "", fmt.Errorf("record %s after %d", f[0], last)
		}
		s, err := strconv.Unquote(f[2])
		if err != nil {
			return 0, "", err
		}
		all.WriteString(s)
		last = n
	}
	return last, all.String(), lines.Err()
}

// cutHalfLine takes off what a killed server left unfinished.
func cutHalfLine(path string) error {
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return os.Truncate(path, int64(strings.LastIndexByte(string(b), '\n')+1))
}
