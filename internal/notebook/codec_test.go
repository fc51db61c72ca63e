package notebook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/runnel-dev/runnel/internal/testpy"
)

// The oracle is Python's nbformat: what it writes is what we write, and what it wrote comes back byte for byte.
func TestEncode_as_nbformat_does(t *testing.T) {
	dir := t.TempDir()
	if out, err := exec.Command(testpy.Python(t, "7"), "testdata/corpus.py", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	files, err := filepath.Glob(filepath.Join(dir, "in", "*.ipynb"))
	if err != nil || len(files) < 100 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, path := range files {
		name := filepath.Base(path)
		want := read(t, filepath.Join(dir, "want", name))
		t.Run(name, func(t *testing.T) {
			sameBytes(t, "from another program", roundTrip(t, read(t, path)), want)
			sameBytes(t, "canonical", roundTrip(t, want), want)
		})
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func roundTrip(t *testing.T, data []byte) []byte {
	t.Helper()
	doc, err := Decode(data, nil)
	if err != nil {
		t.Fatal(err)
	}
	out, err := Encode(doc)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func sameBytes(t *testing.T, what string, got, want []byte) {
	t.Helper()
	if bytes.Equal(got, want) {
		return
	}
	g, w := bytes.Split(got, []byte("\n")), bytes.Split(want, []byte("\n"))
	for i := range min(len(g), len(w)) {
		if !bytes.Equal(g[i], w[i]) {
			t.Fatalf("%s: line %d is %q, want %q", what, i+1, g[i], w[i])
		}
	}
	t.Fatalf("%s: %d lines, want %d", what, len(g), len(w))
}

func TestDecode_keeps(t *testing.T) {
	tests := []struct{ name, cell string }{
		{"unknown keys", `"weird": {"b": 1.0, "a": [1e5, -0, 123456789012345678901234567890]}`},
		{"half a surrogate pair in a value", `"weird": "\ud800 \udc00x"`},
		{"a source that is no text", `"source": 5`},
		{"an execution count that is no number", `"execution_count": "x"`},
		{"an unknown output type", `"outputs": [{"output_type": "new", "payload": [1, 2]}]`},
		{"a stream whose text is no text", `"outputs": [{"output_type": "stream", "name": "stdout", "text": {"a": 1}}]`},
		{"a bundle that is no object", `"outputs": [{"output_type": "display_data", "data": [1], "metadata": 3}]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			given := `{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "top": 1.50, "cells": [{"id": "a", "cell_type": "code", "metadata": {}, "source": [], "outputs": [], "execution_count": null, ` + tt.cell + `}]}`
			once := roundTrip(t, []byte(given))
			var a, b any
			if err := errors.Join(json.Unmarshal([]byte(given), &a), json.Unmarshal(once, &b)); err != nil {
				t.Fatal(err)
			}
			if x, y := fmt.Sprint(a), fmt.Sprint(b); x != y {
				t.Errorf("given %s\ngot   %s", x, y)
			}
			sameBytes(t, "second time", roundTrip(t, once), once)
			if !bytes.Contains(once, []byte(`"top": 1.50`)) {
				t.Error("a number is spelled anew")
			}
		})
	}
}

func TestDecode_line_breaks(t *testing.T) {
	given := []byte(`{"nbformat":4,"nbformat_minor":5,"metadata":{},"cells":[{"id":"a","cell_type":"raw","metadata":{},"source":["a\r\n","b"]}]}`)
	doc, err := Decode(given, nil)
	if err != nil {
		t.Fatal(err)
	}
	if doc.Cells[0].Source != "a\nb" {
		t.Errorf("source %q", doc.Cells[0].Source)
	}
	out, _ := Encode(doc)
	if !bytes.Contains(out, []byte(`"a\r\n"`)) {
		t.Error("the file's line breaks are gone although nothing was changed")
	}
}

func TestDecode_ids(t *testing.T) {
	cells := func(minor int, cells ...string) []byte {
		return fmt.Appendf(nil, `{"nbformat":4,"nbformat_minor":%d,"metadata":{},"cells":[%s]}`, minor, strings.Join(cells, ","))
	}
	plain, named := `{"cell_type":"raw","metadata":{},"source":[]}`, `{"id":"x","cell_type":"raw","metadata":{},"source":[]}`
	old, err := Decode(cells(4, plain, plain), nil)
	if err != nil {
		t.Fatal(err)
	}
	if old.Cells[0].ID == "" || old.Cells[0].ID == old.Cells[1].ID {
		t.Errorf("ids %q and %q", old.Cells[0].ID, old.Cells[1].ID)
	}
	if out, _ := Encode(old); bytes.Contains(out, []byte(`"id"`)) {
		t.Error("ids were written to a file of format 4.4")
	}
	twice, err := Decode(cells(5, named, named, plain), nil)
	if err != nil {
		t.Fatal(err)
	}
	if twice.Cells[0].ID != "x" || twice.Cells[1].ID == "x" || twice.Cells[2].ID == "" || len(twice.Repaired) != 1 {
		t.Errorf("ids %q %q %q, repaired %v", twice.Cells[0].ID, twice.Cells[1].ID, twice.Cells[2].ID, twice.Repaired)
	}
}

func TestDecode_refuses(t *testing.T) {
	tests := []struct {
		name, data   string
		line, column int // 0: a version error
		words        string
	}{
		{"empty", "", 1, 1, "the file ends"},
		{"broken", "{\n \"cells\": [\n  {,}\n ]\n}", 3, 4, "',' where a name"},
		{"cut", "{\"cells\": [", 1, 12, "the file ends"},
		{"no object", "[1]", 1, 1, "'[' where the '{'"},
		{"no notebook", "{\"a\": 1}", 1, 1, "not a notebook"},
		{"too deep", `{"x":` + strings.Repeat("[", 300) + strings.Repeat("]", 300), 1, 206, "nested"},
		{"a quote is missing", "{\"cells\": [{\"source\": \"abc\n}]}", 1, 27, "end quote"},
		{"not UTF-8", "{\n\"a\": \"\xff\"}", 2, 7, "UTF-8"},
		{"more behind", "{\"nbformat\":4} {", 1, 16, "end of the file"},
		{"a bad escape", `{"a": "\x"}`, 1, 8, "escape"},
		{"a bad number", `{"a": 1.e5}`, 1, 9, "digit"},
		{"a word", `{"a": nul}`, 1, 7, "value"},
		{"cells are no list", `{"nbformat":4,"nbformat_minor":5,"cells":{}}`, 1, 42, "list"},
		{"old", `{"nbformat":3,"nbformat_minor":0,"worksheets":[]}`, 0, 0, "nbconvert"},
		{"new", `{"nbformat":5,"nbformat_minor":0,"cells":[]}`, 0, 0, "does not know"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Decode([]byte(tt.data), nil)
			if err == nil || !strings.Contains(err.Error(), tt.words) {
				t.Fatalf("error %v, want %q in it", err, tt.words)
			}
			syntax, ok := errors.AsType[*SyntaxError](err)
			if ok != (tt.line > 0) {
				t.Fatalf("error is %T", err)
			}
			if ok && (syntax.Line != tt.line || syntax.Column != tt.column) {
				t.Errorf("place %d:%d, want %d:%d", syntax.Line, syntax.Column, tt.line, tt.column)
			}
		})
	}
}

// What is decoded and encoded once is stable from then on, whatever it was.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"nbformat":4,"nbformat_minor":5,"metadata":{},"cells":[{"id":"a","cell_type":"code","metadata":{},"source":"x","outputs":[],"execution_count":1}]}`))
	f.Add([]byte(`{"cells":[{"cell_type":"code","outputs":[{"output_type":"stream","text":["a","b"]}]},{}]}`))
	f.Add([]byte(`{"nbformat":4,"cells":[{"source":["\ud83d","\ude00"],"metadata":{"a":"\ud83d\ude00\u00e9\/"}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, err := Decode(data, nil)
		if err != nil {
			return
		}
		once, err := Encode(doc)
		if err != nil {
			t.Fatal(err)
		}
		if !json.Valid(once) {
			t.Fatalf("not JSON: %q", once)
		}
		again, err := Decode(once, nil)
		if err != nil {
			t.Fatal(err)
		}
		if twice, _ := Encode(again); !bytes.Equal(once, twice) {
			t.Fatalf("once %q\ntwice %q", once, twice)
		}
	})
}

// Promise 13: whatever both sides did, no text that either has is lost unless the other side deleted what nobody changed.
func TestMerge_loses_nothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := New()
		for i := range rapid.IntRange(0, 5).Draw(t, "cells") {
			base.Cells = append(base.Cells, &Cell{ID: CellID(fmt.Sprint("c", i)), Type: Code, Source: fmt.Sprint("base ", i)})
		}
		n := 0
		change := func(side string) *Document {
			d := New()
			for _, c := range base.Cells {
				copied := *c
				switch rapid.IntRange(0, 4).Draw(t, side) {
				case 0:
					continue
				case 1:
					n++
					copied.Source = fmt.Sprint(side, " edit ", n)
				case 2:
					copied.Metadata = json.RawMessage(fmt.Sprintf(`{"by": %q}`, side))
				}
				d.Cells = append(d.Cells, &copied)
			}
			for range rapid.IntRange(0, 2).Draw(t, side+" new") {
				n++
				at := rapid.IntRange(0, len(d.Cells)).Draw(t, "at")
				added := &Cell{ID: CellID(fmt.Sprint(side, n)), Type: Code, Source: fmt.Sprint(side, " new ", n)}
				d.Cells = append(d.Cells[:at:at], append([]*Cell{added}, d.Cells[at:]...)...)
			}
			return d
		}
		ours, theirs := change("ours"), change("theirs")
		ids := 0
		merged, _ := Merge(base, ours, theirs, func() CellID { ids++; return CellID(fmt.Sprint("copy", ids)) })
		have, seen := map[string]bool{}, map[CellID]bool{}
		for _, c := range merged.Cells {
			if seen[c.ID] {
				t.Fatalf("id %s twice", c.ID)
			}
			seen[c.ID], have[c.Source] = true, true
		}
		for _, side := range []*Document{ours, theirs} {
			for _, c := range side.Cells {
				if !strings.HasPrefix(c.Source, "base") && !have[c.Source] {
					t.Fatalf("%q is lost", c.Source)
				}
			}
		}
	})
}

func TestMerge(t *testing.T) {
	doc := func(cells ...*Cell) *Document { d := New(); d.Cells = cells; return d }
	cell := func(id, source string) *Cell { return &Cell{ID: CellID(id), Type: Code, Source: source} }
	base := doc(cell("a", "1"), cell("b", "2"), cell("c", "3"))
	tests := []struct {
		name         string
		ours, theirs *Document
		want         string
		clashes      int
	}{
		{"nothing", base, base, "a=1 b=2 c=3", 0},
		{"one side each", doc(cell("a", "1x"), cell("b", "2"), cell("c", "3")), doc(cell("a", "1"), cell("b", "2"), cell("c", "3y")), "a=1x b=2 c=3y", 0},
		{"both the same", doc(cell("a", "q"), cell("b", "2"), cell("c", "3")), doc(cell("a", "q"), cell("b", "2"), cell("c", "3")), "a=q b=2 c=3", 0},
		{"clash", doc(cell("a", "ours"), cell("b", "2"), cell("c", "3")), doc(cell("a", "theirs"), cell("b", "2"), cell("c", "3")), "a=ours new=theirs b=2 c=3", 1},
		{"they add, we add", doc(cell("a", "1"), cell("o", "o"), cell("b", "2"), cell("c", "3")), doc(cell("t", "t"), cell("a", "1"), cell("b", "2"), cell("c", "3")), "t=t a=1 o=o b=2 c=3", 0},
		{"they delete what we left", base, doc(cell("a", "1"), cell("c", "3")), "a=1 c=3", 0},
		{"they delete what we edited", doc(cell("a", "1"), cell("b", "2x"), cell("c", "3")), doc(cell("a", "1"), cell("c", "3")), "a=1 b=2x c=3", 1},
		{"they move", base, doc(cell("c", "3"), cell("a", "1"), cell("b", "2")), "c=3 a=1 b=2", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			merged, clashes := Merge(base, tt.ours, tt.theirs, func() CellID { return "new" })
			var got []string
			for _, c := range merged.Cells {
				got = append(got, fmt.Sprintf("%s=%s", c.ID, c.Source))
			}
			if s := strings.Join(got, " "); s != tt.want || len(clashes) != tt.clashes {
				t.Errorf("got %s with %d clashes, want %s with %d", s, len(clashes), tt.want, tt.clashes)
			}
		})
	}
}
