package notebook

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/runnel-dev/runnel/internal/testpy"
)

// file is a notebook with these cells, in JSON.
func file(minor int, cells ...string) []byte {
	return fmt.Appendf(nil, `{"nbformat":4,"nbformat_minor":%d,"metadata":{},"cells":[%s]}`, minor, strings.Join(cells, ","))
}

func decoded(t testing.TB, data []byte) *Document {
	t.Helper()
	d, err := Decode(data, nil)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func encoded(t testing.TB, d *Document) string {
	t.Helper()
	data, err := Encode(d)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestDecode_numbers_that_are_none(t *testing.T) {
	d := decoded(t, file(5, `{"id":"a","cell_type":"code","metadata":{"x":[NaN, 1.0, -Infinity ]},"source":"","outputs":[{"output_type":"display_data","metadata":{},"data":{"application/json":{"y":Infinity}}}],"execution_count":NaN}`))
	if len(d.Repaired) != 1 || !strings.Contains(d.Repaired[0], "4 numbers") {
		t.Errorf("repaired: %q", d.Repaired)
	}
	if got := string(d.Cells[0].Metadata); got != `{"x":[null, 1.0, null ]}` {
		t.Errorf("metadata %s", got)
	}
	if out := encoded(t, d); !json.Valid([]byte(out)) {
		t.Errorf("%s", out)
	}
	if _, err := Decode([]byte(`{"a": -NaN}`), nil); err == nil {
		t.Error("-NaN is a number")
	}
}

func TestEncode_typed_wins(t *testing.T) {
	d := decoded(t, file(5, `{"id":"a","cell_type":"code","metadata":{},"source":5,"outputs":{"odd":1},"execution_count":"x"}`))
	if out := encoded(t, d); !strings.Contains(out, `"source": 5`) || !strings.Contains(out, `"odd": 1`) || !strings.Contains(out, `"execution_count": "x"`) {
		t.Errorf("not carried: %s", out)
	}
	n := 7
	c := d.Cells[0]
	c.Source, c.ExecutionCount, c.Outputs = "typed", &n, []Output{{Type: Stream, Name: "stdout", Text: "said"}}
	if out := encoded(t, d); !strings.Contains(out, `"typed"`) || !strings.Contains(out, `"said"`) || !strings.Contains(out, `"execution_count": 7`) {
		t.Errorf("typed text is lost: %s", out)
	}
}

func TestEncode_line_breaks_of_the_file(t *testing.T) {
	d := decoded(t, file(5, `{"id":"a","cell_type":"raw","metadata":{},"source":"a\r\nb\r\n"}`, `{"id":"b","cell_type":"raw","metadata":{},"source":"a\r\nb\rc\nd"}`))
	if out := encoded(t, d); !strings.Contains(out, `"a\r\n"`) || !strings.Contains(out, `"b\r"`) {
		t.Errorf("untouched: %s", out)
	}
	next := &Document{Metadata: d.Metadata}
	for _, c := range d.Cells {
		next.Cells = append(next.Cells, &Cell{ID: c.ID, Type: c.Type, Source: c.Source + "more"})
	}
	next.Carry(d)
	out := encoded(t, next)
	if !strings.Contains(out, `"a\r\n",`) || !strings.Contains(out, `"b\r\n",`) || strings.Contains(out, `"b\r",`) {
		t.Errorf("edited: %s", out)
	}
}

func TestCarry(t *testing.T) {
	from := decoded(t, []byte(`{"nbformat":4,"nbformat_minor":4,"metadata":{},"top":1.50,"cells":[
		{"cell_type":"code","metadata":{},"source":"x","odd":1e5,"execution_count":1,"outputs":[{"output_type":"stream","name":"stdout","text":"a","strange":true},
		{"output_type":"stream","name":"stderr","text":"b","strange":false}]}]}`))
	next := &Document{Minor: 5, Metadata: from.Metadata, Cells: []*Cell{
		{ID: from.Cells[0].ID, Type: Code, Source: "y", Outputs: []Output{{Type: Stream, Name: "stdout", Text: "a"}, {Type: Stream, Name: "stderr", Text: "other"}}},
		{ID: "new", Type: Code, Source: "new"},
	}}
	next.Carry(from)
	out := encoded(t, next)
	for _, want := range []string{`"top": 1.50`, `"odd": 1e5`, `"strange": true`, `"nbformat_minor": 4`} {
		if !strings.Contains(out, want) {
			t.Errorf("%s is lost: %s", want, out)
		}
	}
	for _, not := range []string{`"strange": false`, `"id"`} {
		if strings.Contains(out, not) {
			t.Errorf("%s is there: %s", not, out)
		}
	}
}

func TestEncode_refuses_what_is_not_JSON(t *testing.T) {
	for _, bad := range []string{"{", "{}x", "nul", `{"a":NaN}`, strings.Repeat("[", MaxDepth+1) + strings.Repeat("]", MaxDepth+1)} {
		d := New()
		d.Cells = []*Cell{{ID: "a", Type: Code, Metadata: json.RawMessage(bad)}}
		if data, err := Encode(d); err == nil {
			t.Errorf("%q: %s", bad, data)
		}
	}
}

func TestDecode_ids_of_the_data(t *testing.T) {
	data := file(4, `{"cell_type":"raw","metadata":{},"source":"a"}`, `{"cell_type":"raw","metadata":{},"source":"b"}`)
	one, two := decoded(t, data), decoded(t, data)
	for i := range one.Cells {
		if one.Cells[i].ID != two.Cells[i].ID {
			t.Errorf("cell %d: %q and %q", i, one.Cells[i].ID, two.Cells[i].ID)
		}
	}
	calls := 0
	d, err := Decode(data, func() CellID { calls++; return CellID(fmt.Sprint("id", calls/2)) })
	if err != nil || d.Cells[0].ID == d.Cells[1].ID {
		t.Errorf("%v, %v", d, err)
	}
}

// TestLikeNbformat: nbformat reads the same from what we write as from what we read, odd numbers and all.
func TestLikeNbformat(t *testing.T) {
	dir := t.TempDir()
	odd := []string{
		`1.0`, `1e5`, `-0`, `-0.0`, `1E+2`, `123456789012345678901234567890`, `1e-400`, `0.1000`, `"\ud83d\ude00\u2028\/\u00e9\u0000"`, `{"b":1,"a":2,"b":3}`, `[[],{},[{}]]`,
	}
	for i, v := range odd {
		data := file(i%6, fmt.Sprintf(`{%s"cell_type":"markdown","source":["a","b"],"metadata":{"v":%s}}`, map[bool]string{true: `"id":"a",`}[i%6 == 5], v))
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.in", i)), data, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.out", i)), []byte(encoded(t, decoded(t, data))), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	script := `
import json, nbformat, pathlib, sys
for p in sorted(pathlib.Path(sys.argv[1]).glob("*.in")):
    a = nbformat.v4.reads(p.read_text(encoding="utf-8"))
    b = nbformat.v4.reads(p.with_suffix(".out").read_text(encoding="utf-8"))
    assert json.dumps(a, sort_keys=True) == json.dumps(b, sort_keys=True), (a, b)
print("same")
`
	out, err := exec.Command(testpy.Python(t, "7"), "-c", script, dir).CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "same" {
		t.Errorf("%v: %s", err, out)
	}
}

func cells(sources ...string) *Document {
	d := &Document{Minor: 4}
	for i, s := range sources {
		id, source, ok := strings.Cut(s, "=")
		if !ok {
			id, source = fmt.Sprint("new", i), s
		}
		d.Cells = append(d.Cells, &Cell{ID: CellID(id), Type: Code, Source: source, NoID: true})
	}
	return d
}

func list(d *Document) string {
	var out []string
	for _, c := range d.Cells {
		out = append(out, string(c.ID)+"="+c.Source)
	}
	return strings.Join(out, " ")
}

func TestAlign(t *testing.T) {
	base := cells("a=import x", "b=y.compute(1)", "c=plot(y)", "d=done")
	for _, c := range []struct {
		name string
		read *Document
		want string
	}{
		{"the same", cells("import x", "y.compute(1)", "plot(y)", "done"), "a=import x b=y.compute(1) c=plot(y) d=done"},
		{"one edited", cells("import x", "y.compute(22)", "plot(y)", "done"), "a=import x b=y.compute(22) c=plot(y) d=done"},
		{"one replaced", cells("import x", "other", "plot(y)", "done"), "a=import x b=other c=plot(y) d=done"},
		{"one deleted", cells("import x", "plot(y)", "done"), "a=import x c=plot(y) d=done"},
		{"one added", cells("import x", "fresh", "y.compute(1)", "plot(y)", "done"), "a=import x new1=fresh b=y.compute(1) c=plot(y) d=done"},
		{"one added, its neighbour edited", cells("import x", "fresh", "y.compute(22)", "plot(y)", "done"), "a=import x new1=fresh b=y.compute(22) c=plot(y) d=done"},
		{"moved", cells("done", "import x", "y.compute(1)", "plot(y)"), "d=done a=import x b=y.compute(1) c=plot(y)"},
		{"all gone", cells(), ""},
		{"ids win over text", cells("b=import x", "y.compute(1)"), "b=import x new1=y.compute(1)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.read.Align(base)
			if got := list(c.read); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

// TestMerge_ids_written_anew: a program that gives all cells new ids doubles nothing.
func TestMerge_ids_written_anew(t *testing.T) {
	base, ours, theirs := cells("a=1", "b=2", "c=3"), cells("a=1", "b=2 edited", "c=3"), cells("x=1", "y=2", "z=3")
	for _, d := range []*Document{base, ours, theirs} {
		d.Minor = 5
		for _, c := range d.Cells {
			c.NoID = false
		}
	}
	merged, clashes := Merge(base, ours, theirs, nil)
	if got := list(merged); got != "a=1 b=2 edited c=3" || len(clashes) != 0 {
		t.Errorf("%s, %v", got, clashes)
	}
}

func TestMerge_parts(t *testing.T) {
	make := func(source, metadata, output string) *Document {
		d := New()
		d.Cells = []*Cell{{ID: "a", Type: Code, Source: source, Metadata: json.RawMessage(metadata), Outputs: []Output{{Type: Stream, Name: "stdout", Text: output}}}}
		return d
	}
	base := make("x", `{"k":1,"l":1}`, "old")
	for _, c := range []struct {
		name         string
		ours, theirs *Document
		want         *Document
	}{
		{"outputs of one side", make("x", `{"k":1,"l":1}`, "old"), make("x", `{"k":1,"l":1}`, "new"), make("x", `{"k":1,"l":1}`, "new")},
		{"outputs of both sides", make("x", `{"k":1,"l":1}`, "ours"), make("x", `{"k":1,"l":1}`, "theirs"), make("x", `{"k":1,"l":1}`, "ours")},
		{"outputs go with their source", make("x", `{"k":1,"l":1}`, "ran again"), make("y", `{"k":1,"l":1}`, "of y"), make("y", `{"k":1,"l":1}`, "of y")},
		{"keys of both sides", make("x", `{"k":2,"l":1}`, "old"), make("x", `{"k":1,"m":3}`, "old"), make("x", `{"k":2,"m":3}`, "old")},
		{"one key of both sides", make("x", `{"k":2,"l":1}`, "old"), make("x", `{"k":3,"l":1}`, "old"), make("x", `{"k":2,"l":1}`, "old")},
		{"source here, metadata there", make("y", `{"k":1,"l":1}`, "old"), make("x", `{"k":5,"l":1}`, "old"), make("y", `{"k":5,"l":1}`, "old")},
	} {
		t.Run(c.name, func(t *testing.T) {
			merged, clashes := Merge(base, c.ours, c.theirs, nil)
			if got, want := encoded(t, merged), encoded(t, c.want); got != want || len(clashes) > 0 {
				t.Errorf("%s, %v, want %s", got, clashes, want)
			}
		})
	}
}

// A cell that one side deleted and the other changed stays, and its mark says who deleted it.
func TestMerge_marks_what_was_deleted(t *testing.T) {
	for _, tt := range []struct {
		name               string
		base, ours, theirs *Document
		clash              Clash
		mark               string
	}{
		{"on disk", cells("a=1", "b=2"), cells("a=1", "b=ours"), cells("a=1"), Clash{Ours: "b"}, `{"runnel":{"clash":{"deleted":"disk"}}}`},
		{"here", cells("a=1", "b=2"), cells("a=1"), cells("a=1", "b=theirs"), Clash{Theirs: "b"}, `{"runnel":{"clash":{"deleted":"here"}}}`},
	} {
		merged, clashes := Merge(tt.base, tt.ours, tt.theirs, nil)
		if len(clashes) != 1 || clashes[0] != tt.clash || len(merged.Cells) != 2 {
			t.Fatalf("%s: %v, %s", tt.name, clashes, list(merged))
		}
		if got := string(merged.Cells[1].Metadata); got != tt.mark {
			t.Errorf("%s: %s", tt.name, got)
		}
		for _, d := range []*Document{tt.ours, tt.theirs} {
			if c := byID(d)["b"]; c != nil && len(c.Metadata) > 2 {
				t.Errorf("%s: a document given was changed: %s", tt.name, c.Metadata)
			}
		}
	}
}

func TestMerge_marks_the_copy(t *testing.T) {
	base, ours, theirs := cells("a=1"), cells("a=2"), cells("a=3")
	for _, d := range []*Document{base, ours, theirs} {
		d.Cells[0].NoID = false
	}
	theirs.Cells[0].Metadata = json.RawMessage(`{"tags":["t"],"runnel":{"other":1}}`)
	merged, clashes := Merge(base, ours, theirs, func() CellID { return "copy" })
	if len(clashes) != 1 || clashes[0] != (Clash{Ours: "a", Theirs: "copy"}) {
		t.Fatalf("%v", clashes)
	}
	if got := string(merged.Cells[1].Metadata); got != `{"runnel":{"clash":{"of":"a","side":"disk"},"other":1},"tags":["t"]}` {
		t.Errorf("%s", got)
	}
	if out := encoded(t, merged); strings.Count(out, `"id"`) != 1 {
		t.Errorf("the copy has an id in a file of 4.4: %s", out)
	}
}

// TestMerge_converges: what was merged, merged again with the same file, changes nothing and doubles nothing.
func TestMerge_converges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := cells()
		n := 0
		source := func() string { n++; return fmt.Sprint("source ", n) }
		for i := range rapid.IntRange(0, 6).Draw(t, "cells") {
			base.Cells = append(base.Cells, &Cell{ID: CellID(fmt.Sprint("c", i)), Type: Code, Source: source()})
		}
		edit := func(name string) *Document {
			d := cells()
			for _, c := range base.Cells {
				copied := *c
				switch rapid.IntRange(0, 4).Draw(t, name) {
				case 0:
					continue
				case 1:
					copied.Source = source()
				}
				d.Cells = append(d.Cells, &copied)
				if rapid.IntRange(0, 3).Draw(t, name+" adds") == 0 {
					d.Cells = append(d.Cells, &Cell{ID: CellID(fmt.Sprint(name, n)), Type: Code, Source: source()})
				}
			}
			return d
		}
		ours, theirs := edit("ours"), edit("theirs")
		ids := 0
		newID := func() CellID { ids++; return CellID(fmt.Sprint("copy", ids)) }
		once, _ := Merge(base, ours, theirs, newID)
		again, clashes := Merge(theirs, once, theirs, newID)
		if list(again) != list(once) || len(clashes) > 0 {
			t.Fatalf("%s, again %s, %v", list(once), list(again), clashes)
		}
		sources := map[string]int{}
		for _, c := range once.Cells {
			if sources[c.Source]++; sources[c.Source] > 1 {
				t.Fatalf("%q is doubled in %s", c.Source, list(once))
			}
		}
	})
}

// TestCanonical_like_Python compares any value with Python's json.
func TestCanonical_like_Python(t *testing.T) {
	values := rapid.Custom(func(t *rapid.T) any { return anyValue(t, 3) })
	var given []any
	rapid.Check(t, func(t *rapid.T) { given = append(given, values.Draw(t, "value")) })
	data, err := json.Marshal(given)
	if err != nil {
		t.Fatal(err)
	}
	script := `import json, sys; sys.stdout.buffer.write(json.dumps(json.loads(sys.stdin.buffer.read()), sort_keys=True, indent=1, separators=(",", ": "), ensure_ascii=False).encode("utf-8"))`
	cmd := exec.Command(testpy.Python(t, "7"), "-c", script)
	cmd.Stdin = bytes.NewReader(data)
	want, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	w := &writer{}
	w.value(data)
	if w.err != nil {
		t.Fatal(w.err)
	}
	sameBytes(t, "canonical", w.out, want)
}

func anyValue(t *rapid.T, depth int) any {
	switch rapid.IntRange(0, 3+min(depth, 2)).Draw(t, "kind") {
	case 0:
		return rapid.Int().Draw(t, "number")
	case 1:
		return rapid.Bool().Draw(t, "bool")
	case 2, 3:
		return rapid.String().Draw(t, "text")
	case 4:
		list := []any{}
		for range rapid.IntRange(0, 3).Draw(t, "length") {
			list = append(list, anyValue(t, depth-1))
		}
		return list
	}
	object := map[string]any{}
	for range rapid.IntRange(0, 3).Draw(t, "members") {
		object[rapid.String().Draw(t, "name")] = anyValue(t, depth-1)
	}
	return object
}
