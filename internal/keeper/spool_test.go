package keeper

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// startSpool runs a spool until the test ends.
func startSpool(t testing.TB, dir string, quota int64, change ...func(*spool)) *spool {
	t.Helper()
	s := newSpool(dir, 7, quota)
	for _, c := range change {
		c(s)
	}
	var wg sync.WaitGroup
	wg.Go(s.run)
	t.Cleanup(func() { s.close(); wg.Wait() })
	return s
}

func stdio(s *spool, text string) uint64 {
	return s.append(KindStdio, payload{head: append([]byte{1}, text...)}, true)
}

// readAll reads a spool that nobody writes.
func readAll(t testing.TB, dir string) ([]Record, error) {
	t.Helper()
	r, err := OpenReader(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var all []Record
	for {
		rec, err := r.Next()
		if err != nil {
			return all, err
		}
		all = append(all, rec)
	}
}

func text(i int) string { return fmt.Sprintf("record %d %s", i, bytes.Repeat([]byte{'x'}, i%97)) }

// check wants the records to be the first len(all) that text made.
func check(t testing.TB, all []Record, first int) {
	t.Helper()
	for i, r := range all {
		_, data := r.Stdio()
		if r.N != uint64(first+i) || string(data) != text(first+i) {
			t.Fatalf("record %d in the place of %d: %q", r.N, first+i, data)
		}
	}
}

func TestSpool(t *testing.T) {
	t.Run("what is written is read", func(t *testing.T) {
		dir := t.TempDir()
		s := startSpool(t, dir, 0)
		for i := 1; i <= 1000; i++ {
			if n := stdio(s, text(i)); n != uint64(i) {
				t.Fatalf("number %d for record %d", n, i)
			}
		}
		s.flush()
		all, err := readAll(t, dir)
		if err != io.EOF || len(all) != 1000 {
			t.Fatalf("%d records, %v", len(all), err)
		}
		check(t, all, 1)
	})
	t.Run("large parts, several segments, acknowledged ones go", func(t *testing.T) {
		dir := t.TempDir()
		s := startSpool(t, dir, 0)
		big := bytes.Repeat([]byte("0123456789"), 30_000)
		for range 50 {
			s.append(KindMessage, messagePayload(IOPub, [][]byte{[]byte("topic"), big, nil, big[:17]}), true)
		}
		s.flush()
		all, err := readAll(t, dir)
		if err != io.EOF || len(all) != 50 {
			t.Fatalf("%d records, %v", len(all), err)
		}
		for _, r := range all {
			ch, frames, err := r.Message()
			if err != nil || ch != IOPub || len(frames) != 4 || !bytes.Equal(frames[1], big) || len(frames[2]) != 0 {
				t.Fatalf("record %d: %v", r.N, err)
			}
		}
		before := len(s.segs)
		s.ack(25)
		first, last, acked := s.bounds()
		if before < 3 || len(s.segs) >= before || first > 26 || last != 50 || acked != 25 {
			t.Fatalf("%d segments of %d, records %d to %d", len(s.segs), before, first, last)
		}
		all, err = readAll(t, dir)
		if err != io.EOF || all[0].N != first || all[len(all)-1].N != 50 {
			t.Fatalf("from %d: %v", all[0].N, err)
		}
	})
	t.Run("all acknowledged leaves little", func(t *testing.T) {
		dir := t.TempDir()
		s := startSpool(t, dir, 0)
		for range 10 {
			n := s.append(KindStdio, payload{head: make([]byte, 2<<20)}, true)
			s.flush()
			s.ack(n)
		}
		if paths, _ := segmentPaths(dir); len(paths) > 1 || s.disk > 3<<20 {
			t.Fatalf("%d segments, %d bytes", len(paths), s.disk)
		}
	})
}

// collect reads with a cursor until the bytes hold `count` records.
func collect(t testing.TB, s *spool, from uint64, count int) []Record {
	t.Helper()
	c, chain, err := s.cursorAt(from)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	client := Client{next: from, sum: chain}
	var all []Record
	buf := make([]byte, 1000)
	for end := time.Now().Add(10 * time.Second); len(all) < count; {
		n, err := c.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			if time.Now().After(end) {
				t.Fatalf("%d records of %d", len(all), count)
			}
			time.Sleep(time.Millisecond)
			continue
		}
		u, err := client.records(bytes.Clone(buf[:n]))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, u.Records...)
	}
	return all
}

func TestCursor(t *testing.T) {
	dir := t.TempDir()
	s := startSpool(t, dir, 0)
	for i := 1; i <= 3000; i++ {
		stdio(s, text(i))
	}
	for _, from := range []uint64{1, 2, 999, 1500, 2999, 3000} {
		check(t, collect(t, s, from, 3001-int(from)), int(from))
	}
	c, _, err := s.cursorAt(1)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := c.Read(nil); n != 0 || err != nil {
		t.Fatalf("without room: %d %v", n, err)
	}
	c.close()
	c, _, err = s.cursorAt(3001)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := c.Read(make([]byte, 10)); n != 0 || err != nil {
		t.Fatalf("at the end: %d %v", n, err)
	}
	if _, _, err := s.cursorAt(3002); err == nil {
		t.Fatal("a record that is not there yet was found")
	}
	t.Run("while it is written", func(t *testing.T) {
		var wg sync.WaitGroup
		wg.Go(func() {
			for i := 3001; i <= 60_000; i++ {
				stdio(s, text(i))
			}
		})
		check(t, collect(t, s, 3001, 57_000), 3001)
		wg.Wait()
	})
}

// fullDisk fails writes while full, sometimes in the middle.
type fullDisk struct {
	diskFile
	full *faults
}

type faults struct {
	mu   sync.Mutex
	on   bool
	hits int
}

func (f *faults) set(on bool) { f.mu.Lock(); f.on = on; f.mu.Unlock() }

func (d fullDisk) Writev(parts [][]byte) (int, error) {
	d.full.mu.Lock()
	on := d.full.on
	if on {
		d.full.hits++
	}
	d.full.mu.Unlock()
	if !on {
		return d.diskFile.Writev(parts)
	}
	n, _ := d.diskFile.Writev([][]byte{parts[0][:len(parts[0])/2]})
	return n, syscall.ENOSPC
}

func TestDiskFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		faults := &faults{}
		s := startSpool(t, dir, 0, func(s *spool) {
			s.open = func(path string) (spoolFile, error) {
				f, err := createFile(path)
				if err != nil {
					return nil, err
				}
				return fullDisk{f.(diskFile), faults}, nil
			}
		})
		for i := 1; i <= 100; i++ {
			stdio(s, text(i))
		}
		s.flush()
		faults.set(true)
		for i := 101; i <= 5000; i++ {
			stdio(s, text(i))
		}
		s.flush() // does not wait for a disk that fails
		synctest.Wait()
		if _, err := s.held(); err == nil {
			t.Fatal("the disk's error is not told")
		}
		// What is not on disk is handed on from memory, from any place.
		check(t, collect(t, s, 1, 5000), 1)
		check(t, collect(t, s, 4000, 1001), 4000)
		c, _, err := s.cursorAt(90)
		if err != nil {
			t.Fatal(err)
		}
		c.Read(make([]byte, 500))
		faults.set(false)
		time.Sleep(diskRetry)
		synctest.Wait()
		s.mu.Lock()
		done := s.written == s.end && s.failing == nil
		s.mu.Unlock()
		if !done {
			t.Fatal("the disk is well again and nothing was written")
		}
		all, err := readAll(t, dir)
		if err != io.EOF || len(all) != 5000 {
			t.Fatalf("%d records after %d failures, %v", len(all), faults.hits, err)
		}
		check(t, all, 1)
	})
}

func TestHeldBack(t *testing.T) {
	t.Run("at the quota, until an ack", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := startSpool(t, t.TempDir(), 10<<20)
			for range 9 {
				s.append(KindStdio, payload{head: make([]byte, 1<<20)}, true)
			}
			s.flush()
			blocked := make(chan struct{})
			go func() {
				for range 4 {
					s.append(KindStdio, payload{head: make([]byte, 1<<20)}, true)
				}
				close(blocked)
			}()
			synctest.Wait()
			select {
			case <-blocked:
				t.Fatal("the quota holds nobody back")
			default:
			}
			if held, _ := s.held(); !held {
				t.Fatal("not told")
			}
			if n := s.append(KindLost, payload{}, false); n == 0 {
				t.Fatal("the keeper's own records must not wait")
			}
			s.ack(9)
			<-blocked
		})
	})
	t.Run("a record above the quota passes when all is acknowledged", func(t *testing.T) {
		s := startSpool(t, t.TempDir(), 1<<20)
		for range 3 {
			n := s.append(KindStdio, payload{head: make([]byte, 5<<20)}, true)
			s.flush()
			s.ack(n)
		}
	})
}

// makeSpool writes a small spool of several segments and returns the last one.
func makeSpool(t testing.TB, dir string, count int) string {
	s := newSpool(dir, 7, 0)
	var wg sync.WaitGroup
	wg.Go(s.run)
	for i := 1; i <= count; i++ {
		stdio(s, text(i))
	}
	s.close()
	wg.Wait()
	paths, err := segmentPaths(dir)
	if err != nil {
		t.Fatal(err)
	}
	return paths[len(paths)-1]
}

func TestTornSpool(t *testing.T) {
	dir := t.TempDir()
	path := makeSpool(t, dir, 60)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	write := func(b []byte) {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ends := recordEnds(t, whole)
	prefix := func(at int) (n int) { // records that end at or before at
		for n < len(ends) && ends[n] <= at {
			n++
		}
		return n
	}
	t.Run("truncated at every byte", func(t *testing.T) {
		for cut := range whole {
			write(whole[:cut])
			all, err := readAll(t, dir)
			if len(all) != prefix(cut) || (err != io.EOF && !errors.Is(err, ErrDamaged)) {
				t.Fatalf("cut at %d: %d records, want %d, %v", cut, len(all), prefix(cut), err)
			}
			check(t, all, 1)
		}
	})
	t.Run("a bit flipped in every byte", func(t *testing.T) {
		for i := range whole {
			b := bytes.Clone(whole)
			b[i] ^= 1 << (i % 8)
			write(b)
			all, err := readAll(t, dir)
			want := prefix(i)
			if i < segmentHeader {
				want = 0
			}
			if len(all) != want || !errors.Is(err, ErrDamaged) {
				t.Fatalf("flipped at %d: %d records, want %d, %v", i, len(all), want, err)
			}
			check(t, all, 1)
		}
	})
	t.Run("zeros, garbage or its own records after the end", func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 2))
		garbage := make([]byte, 5000)
		for i := range garbage {
			garbage[i] = byte(rng.Uint32())
		}
		for _, extra := range [][]byte{make([]byte, 5000), garbage, whole[segmentHeader:], whole} {
			write(append(bytes.Clone(whole), extra...))
			all, err := readAll(t, dir)
			if len(all) != 60 || !errors.Is(err, ErrDamaged) {
				t.Fatalf("%d records, %v", len(all), err)
			}
		}
	})
	t.Run("a record taken out of the middle", func(t *testing.T) {
		write(append(bytes.Clone(whole[:ends[40]]), whole[ends[41]:]...))
		if all, err := readAll(t, dir); len(all) != 41 || !errors.Is(err, ErrDamaged) {
			t.Fatalf("%d records, %v", len(all), err)
		}
	})
}

// recordEnds lists where in a segment file each record ends.
func recordEnds(t testing.TB, b []byte) (ends []int) {
	for at := segmentHeader; at < len(b); {
		n, err := recordSize(b[at:])
		if err != nil || n == 0 {
			t.Fatalf("at %d: %v", at, err)
		}
		at += n
		ends = append(ends, at)
	}
	return ends
}

func TestSegmentsThatDoNotFit(t *testing.T) {
	build := func(t *testing.T) (string, []string) {
		dir := t.TempDir()
		s := startSpool(t, dir, 0)
		for range 40 {
			s.append(KindStdio, payload{head: make([]byte, 1<<20)}, true)
		}
		s.flush()
		paths, err := segmentPaths(dir)
		if err != nil || len(paths) < 4 {
			t.Fatal(paths, err)
		}
		return dir, paths
	}
	t.Run("one is missing in the middle", func(t *testing.T) {
		dir, paths := build(t)
		os.Remove(paths[2])
		all, err := readAll(t, dir)
		if !errors.Is(err, ErrDamaged) || len(all) == 0 || all[0].N != 1 {
			t.Fatalf("%d records, %v", len(all), err)
		}
	})
	t.Run("one belongs to another spool", func(t *testing.T) {
		dir, paths := build(t)
		b, _ := os.ReadFile(paths[2])
		h, _ := parseHeader(b)
		h.spool++
		os.WriteFile(paths[2], append(h.bytes(), b[segmentHeader:]...), 0o600)
		if all, err := readAll(t, dir); !errors.Is(err, ErrDamaged) || len(all) == 0 {
			t.Fatalf("%d records, %v", len(all), err)
		}
	})
	t.Run("no segment at all", func(t *testing.T) {
		if all, err := readAll(t, t.TempDir()); err != io.EOF || len(all) != 0 {
			t.Fatal(all, err)
		}
	})
}

// The sample was written by the first version and must be read for ever.
func TestOldSpool(t *testing.T) {
	dir := filepath.Join("testdata", "spool-v1")
	if os.Getenv("WRITE_SPOOL_SAMPLE") != "" {
		os.MkdirAll(dir, 0o755)
		makeSpool(t, dir, 20)
	}
	all, err := readAll(t, dir)
	if err != io.EOF || len(all) != 20 {
		t.Fatalf("%d records, %v", len(all), err)
	}
	check(t, all, 1)
}

func FuzzReader(f *testing.F) {
	dir := f.TempDir()
	whole, err := os.ReadFile(makeSpool(f, dir, 10))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:segmentHeader])
	f.Add(append(bytes.Clone(whole[:100]), make([]byte, 100)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, segmentName(1)), b, 0o600); err != nil {
			t.Fatal(err)
		}
		all, err := readAll(t, dir)
		if err == nil || err != io.EOF && !errors.Is(err, ErrDamaged) {
			t.Fatal(err)
		}
		for i, r := range all {
			if i > 0 && r.N != all[i-1].N+1 {
				t.Fatalf("%d after %d", r.N, all[i-1].N)
			}
			r.Message()
			r.Stdio()
			r.Sent()
			r.Lost()
			r.Exit()
		}
	})
}

func FuzzPayloads(f *testing.F) {
	p := messagePayload(IOPub, [][]byte{[]byte("a"), nil})
	f.Add(append(p.head, 'a'))
	f.Add(command{id: "i", channel: Shell, msgType: "t", msgID: "m", frames: [][]byte{{1}, {}}}.bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		for kind := KindStarted; kind <= KindExited; kind++ {
			r := Record{N: 1, Kind: kind, Payload: b}
			r.Message()
			r.Stdio()
			r.Sent()
			r.Started()
			r.Lost()
			r.Exit()
		}
		if c, err := parseCommand(b); err == nil {
			again, err := parseCommand(c.bytes())
			if err != nil || again.id != c.id || len(again.frames) != len(c.frames) {
				t.Fatalf("%+v %v", again, err)
			}
		}
		parseResult(b)
		client := Client{next: 1}
		client.records(bytes.Clone(b))
	})
}
