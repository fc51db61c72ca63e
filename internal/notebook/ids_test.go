package notebook

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/internal/testpy"
)

// forbidden are ids that clients choose and the format does not allow.
var forbidden = []CellID{"a/b", "a b", "é", "😀", "a.1", ":", `"\`, CellID(strings.Repeat("x", 65)), CellID(strings.Repeat("y", 128)), CellID(strings.Repeat("😀", 32))}

// The ids in a file are those that the format allows; what a cell is called by comes back all the same, and so does its metadata.
func TestEncode_ids_that_the_format_forbids(t *testing.T) {
	d := New()
	for _, id := range append([]CellID{"plain-1_A", CellID(strings.Repeat("z", 64))}, forbidden...) {
		d.Cells = append(d.Cells, &Cell{ID: id, Type: Code, Source: "1", Metadata: json.RawMessage("{}")})
	}
	d.Cells[2].Metadata = json.RawMessage(`{"tags":["t"],"runnel":{"clash":{"of":"x"}}}`)
	data, err := Encode(d)
	if err != nil {
		t.Fatal(err)
	}
	judge(t, data)
	checkIDs(t, data)
	again := decoded(t, data)
	if len(again.Repaired) > 0 {
		t.Errorf("repaired: %v", again.Repaired)
	}
	for i, c := range again.Cells {
		if c.ID != d.Cells[i].ID || !sameJSON(c.Metadata, d.Cells[i].Metadata) {
			t.Errorf("cell %d is %q with %s, was %q with %s", i, c.ID, c.Metadata, d.Cells[i].ID, d.Cells[i].Metadata)
		}
	}
	sameBytes(t, "second time", roundTrip(t, data), data)
}

// judge has Python's nbformat say whether a file is valid.
func judge(t *testing.T, data []byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "n.ipynb")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	code := "import sys, nbformat, warnings; warnings.simplefilter('error'); nbformat.validate(nbformat.read(sys.argv[1], as_version=nbformat.NO_CONVERT))"
	if out, err := exec.Command(testpy.Python(t, "7"), "-c", code, path).CombinedOutput(); err != nil {
		t.Errorf("nbformat: %v %s", err, out)
	}
}

// checkIDs says which ids of a file are not allowed, or there twice.
func checkIDs(t *testing.T, data []byte) {
	t.Helper()
	seen := map[string]bool{}
	for _, id := range fileIDs(t, data) {
		if seen[id] || !regexp.MustCompile("^[a-zA-Z0-9-_]{1,64}$").MatchString(id) {
			t.Errorf("the id %q is not allowed, or there twice", id)
		}
		seen[id] = true
	}
}

func fileIDs(t *testing.T, data []byte) (ids []string) {
	t.Helper()
	var file struct {
		Cells []struct {
			ID string `json:"id"`
		} `json:"cells"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	for _, c := range file.Cells {
		ids = append(ids, c.ID)
	}
	return ids
}

// The id that a file has for a cell may be another cell's own: of one that a client made who had read the file.
func TestEncode_id_of_the_file_is_taken(t *testing.T) {
	d := New()
	d.Cells = []*Cell{{ID: "a/b", Type: Code, Source: "1"}}
	data, err := Encode(d)
	if err != nil {
		t.Fatal(err)
	}
	d = decoded(t, data)
	d.Cells = append(d.Cells, &Cell{ID: CellID(fileIDs(t, data)[0]), Type: Code, Source: "2"})
	if data, err = Encode(d); err != nil {
		t.Fatal(err)
	}
	checkIDs(t, data)
	again := decoded(t, data)
	if again.Cells[0].ID != "a/b" || again.Cells[1].ID != d.Cells[1].ID {
		t.Errorf("ids %q and %q", again.Cells[0].ID, again.Cells[1].ID)
	}
}

// What another program made of our mark is left alone: a copy of the cell is a cell of its own.
func TestDecode_id_of_a_copy(t *testing.T) {
	d := New()
	d.Cells = []*Cell{{ID: "a/b", Type: Raw, Source: "1"}}
	data, err := Encode(d)
	if err != nil {
		t.Fatal(err)
	}
	own := fileIDs(t, data)[0]
	mark := `"metadata":{"runnel":{"cell_id":"a/b"}}`
	for name, id := range map[string]string{"another id": "copy", "an id that only looks like ours": own + "0", "none": ""} {
		t.Run(name, func(t *testing.T) {
			given := file(5, `{"id":"`+id+`","cell_type":"raw","source":[],`+mark+`}`, `{"id":"`+own+`","cell_type":"raw","source":[],`+mark+`}`,
				`{"id":"`+own+`","cell_type":"raw","source":[],`+mark+`}`, `{"id":"`+own+`1","cell_type":"raw","source":[],"metadata":{"runnel":{"cell_id":7}}}`)
			got := decoded(t, given)
			if id != "" && got.Cells[0].ID != CellID(id) || got.Cells[1].ID != "a/b" || got.Cells[2].ID == "a/b" || got.Cells[3].ID != CellID(own+"1") {
				t.Errorf("ids %q %q %q %q", got.Cells[0].ID, got.Cells[1].ID, got.Cells[2].ID, got.Cells[3].ID)
			}
			if !strings.Contains(string(got.Cells[0].Metadata), "a/b") || strings.Contains(string(got.Cells[1].Metadata), "a/b") {
				t.Errorf("metadata %s and %s", got.Cells[0].Metadata, got.Cells[1].Metadata)
			}
		})
	}
}

// A file from elsewhere keeps the ids that it has, allowed or not; a cell that is new there gets one that is.
func TestCarry_ids_from_elsewhere(t *testing.T) {
	given := roundTrip(t, file(5, `{"id":"a/b","cell_type":"raw","metadata":{},"source":["1"]}`, `{"id":"b","cell_type":"raw","metadata":{},"source":["2"]}`))
	if got := fileIDs(t, given); got[0] != "a/b" {
		t.Fatalf("ids %q", got)
	}
	from := decoded(t, given)
	next := New()
	for _, c := range from.Cells {
		next.Cells = append(next.Cells, &Cell{ID: c.ID, Type: c.Type, Source: c.Source + " more"})
	}
	next.Cells = append(next.Cells, &Cell{ID: "c/d", Type: Raw})
	next.Carry(from)
	data, err := Encode(next)
	if err != nil {
		t.Fatal(err)
	}
	if got := fileIDs(t, data); got[0] != "a/b" || got[1] != "b" || got[2] == "c/d" {
		t.Errorf("ids %q", got)
	}
	if got := decoded(t, data); got.Cells[0].ID != "a/b" || got.Cells[2].ID != "c/d" {
		t.Errorf("ids %q and %q", got.Cells[0].ID, got.Cells[2].ID)
	}
}

// A copy that a merge makes is no longer the cell of the file, and one that both have keeps its id.
func TestMerge_ids_that_the_format_forbids(t *testing.T) {
	doc := func(source string) *Document {
		d := New()
		d.Cells = []*Cell{{ID: "a/b", Type: Raw, Source: source}}
		data, err := Encode(d)
		if err != nil {
			t.Fatal(err)
		}
		return decoded(t, data)
	}
	for source, want := range map[string]int{"base": 1, "theirs": 2} {
		merged, _ := Merge(doc("base"), doc("ours"), doc(source), func() CellID { return "copy" })
		data, err := Encode(merged)
		if err != nil {
			t.Fatal(err)
		}
		checkIDs(t, data)
		if got := decoded(t, data); len(got.Cells) != want || got.Cells[0].ID != "a/b" || got.Cells[0].Source != "ours" {
			t.Errorf("%s: %s", source, data)
		}
	}
}

// A file of a format that has no ids gets none.
func TestEncode_no_ids_before_4_5(t *testing.T) {
	d := New()
	d.Minor = 4
	d.Cells = []*Cell{{ID: "a/b", Type: Raw, NoID: true}}
	data, err := Encode(d)
	if err != nil || strings.Contains(string(data), "a/b") || strings.Contains(string(data), `"id"`) {
		t.Errorf("%v %s", err, data)
	}
}
