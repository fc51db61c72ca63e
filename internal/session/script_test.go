package session

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/runnel-dev/runnel/internal/files"
	"github.com/runnel-dev/runnel/internal/journal/journaltest"
	"github.com/runnel-dev/runnel/internal/jupyter"
	"github.com/runnel-dev/runnel/internal/kernel"
	"github.com/runnel-dev/runnel/internal/notebook"
	"github.com/runnel-dev/runnel/internal/protocol"
)

var update = flag.Bool("update", false, "write what the scripts in testdata/script lead to into them")

// TestScripts is the session's manual: testdata/script/*.txtar. What a script does is in its section "do", one input a line; what came
// of it is in "then", and the notebook at the end in "state". With -update both are written.
//
//	TYPE CMD_ID key=value ...       a command with the fields of protocol.Command: execute r1 cell_id=a code="print(1)"
//	kernel RUN TYPE key=value ...   a message of the kernel about a run; as=ID is its own message id
//	process KIND key=value ...      what the keeper says of the kernel's process: started, exited, unresponsive, responsive, sent, lost
//	launch up|ready|failed|progress what the launcher says; of a kernel that is to be taken up: launch attached|gone
//	given kernel                    a kernel is ready; how it came to be is not shown
//	pages N                         so many clients can see the notebook now
//	wait MS                         time passes
//	open NAME, file NAME            the notebook is opened from the section NAME; another program writes that section over its file
//	saved, unsaved "why"            the end of a save
//	snapshot                        the journal begins anew with the state
//	server restart                  a new server goes on from the journal; the kernel has lived on
//	server begins                   a new server goes on from the journal; it has not heard of the kernel yet
//
// Of what came of it, "=" is the answer to a command, "+" an event that clients see, "." a fact that only the journal has, "!" an effect.
// Empty values are left out. At each line bench checks that a client's state is the server's; at the end, that the journal gives it again.
func TestScripts(t *testing.T) {
	paths, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("scripts: %v, %v", paths, err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			s := newScript(t, archive)
			then := s.run(section(archive, "do"))
			got := withSections(archive, then, showState(s.b.c.state()))
			s.b.crash()
			if *update {
				if err := os.WriteFile(path, txtar.Format(got), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			for _, name := range []string{"then", "state"} {
				if diff := cmp.Diff(strings.Split(section(archive, name), "\n"), strings.Split(section(got, name), "\n")); diff != "" {
					t.Errorf("%s (-script +now):\n%s", name, diff)
				}
			}
		})
	}
}

func section(a *txtar.Archive, name string) string {
	for _, f := range a.Files {
		if f.Name == name {
			return string(f.Data)
		}
	}
	return ""
}

func withSections(a *txtar.Archive, then, state string) *txtar.Archive {
	out := &txtar.Archive{Comment: a.Comment}
	for _, f := range a.Files {
		if f.Name != "then" && f.Name != "state" {
			out.Files = append(out.Files, f)
		}
	}
	out.Files = append(out.Files, txtar.File{Name: "then", Data: []byte(then)}, txtar.File{Name: "state", Data: []byte(state)})
	return out
}

// script is one archive being performed. Its session has a core and no loop: bench is its journal and its only client.
type script struct {
	t       *testing.T
	archive *txtar.Archive
	b       *bench
	s       *Session
	stamps  uint64
	out     strings.Builder
}

func newScript(t *testing.T, archive *txtar.Archive) *script {
	b := newBench(t, time.Minute)
	b.c.now = 100_000
	return &script{t: t, archive: archive, b: b, s: &Session{hub: &Hub{cfg: Config{Journal: journaltest.NewMemory()}}, log: slog.New(slog.DiscardHandler)}}
}

func (s *script) run(do string) string {
	for _, line := range strings.Split(do, "\n") {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fmt.Fprintf(&s.out, "> %s\n", line)
		if line == "given kernel" {
			s.b.accept(protocol.Command{Type: protocol.CmdKernelStart})
			s.b.start()
			continue
		}
		events, batches := len(s.b.events), len(s.b.load().Batches)
		s.b.effects = nil
		s.do(words(line))
		s.show(events, batches)
	}
	return s.out.String()
}

func (s *script) do(w []string) {
	b := s.b
	switch w[0] {
	case "kernel":
		b.says(s.message(w[1], w[2], fields(s.t, w[3:])))
	case "process":
		b.says(s.process(w[1], fields(s.t, w[2:])))
	case "launch":
		s.launch(w[1], strings.Join(w[2:], " "))
	case "machine":
		b.cfg.boot, b.c.cfg.boot = w[1], w[1]
	case "pages":
		b.do(func(c *core) { c.clientsChanged(s.number(w[1])) })
	case "wait":
		b.c.now += int64(s.number(w[1]))
		b.do((*core).tick)
	case "open":
		b.c.load(s.notebook(w[1]))
		b.c.priv.Base = base{Stamp: s.stamp()}
		b.c.take()
		b.snapshot()
		b.replica = b.c.state()
		s.s.carried = s.notebook(w[1])
	case "file":
		b.do(func(c *core) {
			s.s.core = c
			s.s.takeOver(s.notebook(w[1]), s.stamp())
		})
	case "saved":
		doc, err := document(b.c.state(), s.s.carried, nil, 0)
		if err != nil {
			s.t.Fatal(err)
		}
		s.s.carried = doc
		b.do(func(c *core) { c.saveDone(s.stamp()) })
	case "unsaved":
		b.do(func(c *core) { c.saveFailed(unquote(w[1])) })
	case "snapshot":
		b.snapshot()
	case "server":
		if w[1] == "begins" {
			b.restore()
		} else {
			b.crash()
		}
	default:
		cmd := decoded[protocol.Command](s.t, fields(s.t, w[2:]))
		cmd.Type, cmd.CmdID = w[0], protocol.CommandID(w[1])
		ack := b.command(cmd)
		fmt.Fprintln(&s.out, strings.TrimSpace("= "+ack.Status+" "+ack.Code+" "+ack.Error))
	}
}

func (s *script) number(word string) int {
	n, err := strconv.Atoi(word)
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

// stamp is of a file that nobody has seen before.
func (s *script) stamp() files.Stamp {
	s.stamps++
	return files.Stamp{Size: int64(s.stamps)}
}

func (s *script) message(run, kind string, content map[string]json.RawMessage) kernel.Event {
	channel := jupyter.IOPub
	switch kind {
	case "execute_reply":
		channel = jupyter.Shell
	case "input_request", jupyter.InputGone:
		channel = jupyter.Stdin
	}
	as := content["as"]
	delete(content, "as")
	e := message(channel, kind, run, content)
	if as != nil {
		e.Msg.Header = mustMarshal(map[string]any{"msg_id": as, "msg_type": kind})
	}
	return e
}

func (s *script) process(kind string, f map[string]json.RawMessage) kernel.Event {
	var v struct {
		Code    int
		Signal  string
		OOM     bool
		Text    string
		Stderr  string
		ID      string
		Records uint64
	}
	v = decodedAs(s.t, f, v)
	switch kind {
	case "exited":
		return kernel.Event{Kind: kernel.Exited, Exit: &kernel.Exit{Code: v.Code, Signal: v.Signal, OOM: v.OOM, Text: v.Text, Stderr: v.Stderr}}
	case "started":
		return kernel.Event{Kind: kernel.Started, PID: 42, Time: time.UnixMilli(s.b.c.now)}
	case "unresponsive":
		return kernel.Event{Kind: kernel.Unresponsive}
	case "responsive":
		return kernel.Event{Kind: kernel.Responsive}
	case "sent":
		return kernel.Event{Kind: kernel.Sent, SentID: v.ID}
	case "lost":
		return kernel.Event{Kind: kernel.Lost, LostRecords: v.Records, Text: v.Text}
	}
	s.t.Fatalf("process %q", kind)
	panic("unreachable")
}

func (s *script) launch(what, text string) {
	id := s.b.c.priv.KernelID
	s.b.do(func(c *core) {
		switch what {
		case "up":
			c.kernelUp(id, LaunchInfo{Name: "python3", DisplayName: "Python 3", Language: "python"})
		case "ready":
			c.kernelReady(id, &jupyter.KernelInfoReply{Implementation: "ipython"})
		case "attached":
			c.reattached(id, s.b.began)
		case "gone":
			c.kernelGone(unquote(text), true)
		case "progress":
			c.kernelProgress(id, unquote(text))
		case "failed":
			c.kernelFailed(id, unquote(text))
		default:
			s.t.Fatalf("launch %q", what)
		}
	})
}

// notebook reads a section: a line "[TYPE ID]" begins a cell, the lines after it are its source; those that begin with "| " are what it printed.
func (s *script) notebook(name string) *notebook.Document {
	doc := notebook.New()
	var cell *notebook.Cell
	for _, line := range strings.Split(strings.TrimSuffix(section(s.archive, name), "\n"), "\n") {
		var kind, id string
		if n, _ := fmt.Sscanf(strings.Trim(line, "[]"), "%s %s", &kind, &id); n == 2 && strings.HasPrefix(line, "[") {
			cell = &notebook.Cell{ID: notebook.CellID(id), Type: kind, Metadata: json.RawMessage("{}")}
			doc.Cells = append(doc.Cells, cell)
			continue
		}
		if cell == nil {
			s.t.Fatalf("section %q begins with no cell", name)
		}
		if printed, ok := strings.CutPrefix(line, "| "); ok {
			cell.Outputs = append(cell.Outputs, notebook.Output{Type: notebook.Stream, Name: "stdout", Text: printed + "\n"})
			continue
		}
		if cell.Source != "" {
			cell.Source += "\n"
		}
		cell.Source += line
	}
	return doc
}

// words splits a line at the spaces that are in no string and no bracket.
func words(line string) (out []string) {
	depth, quoted, word := 0, false, ""
	for i, r := range line {
		switch {
		case r == '"' && line[i-1] != '\\':
			quoted = !quoted
		case quoted:
		case r == '[' || r == '{':
			depth++
		case r == ']' || r == '}':
			depth--
		case r == ' ' && depth == 0:
			out, word = append(out, word), ""
			continue
		}
		word += string(r)
	}
	return append(out, word)
}

// fields reads key=value; a value that is not JSON is a string.
func fields(t *testing.T, words []string) map[string]json.RawMessage {
	out := map[string]json.RawMessage{}
	for _, w := range words {
		key, value, ok := strings.Cut(w, "=")
		if !ok {
			t.Fatalf("%q is not key=value", w)
		}
		if out[key] = json.RawMessage(value); !json.Valid(out[key]) {
			out[key] = mustMarshal(value)
		}
	}
	return out
}

func decoded[T any](t *testing.T, f map[string]json.RawMessage) T {
	var v T
	return decodedAs(t, f, v)
}

func decodedAs[T any](t *testing.T, f map[string]json.RawMessage, v T) T {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(mustMarshal(f)))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", mustMarshal(f), err)
	}
	return v
}

func unquote(word string) string {
	if s, err := strconv.Unquote(word); err == nil {
		return s
	}
	return word
}
