package notebook

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// big is a notebook of some 50 MB: pictures, long texts, many small cells.
func big() *Document {
	d := New()
	for i := range 1000 {
		c := &Cell{ID: CellID(fmt.Sprint("c", i)), Type: Code, Source: strings.Repeat("x = compute(y)  # é\n", 20), Metadata: json.RawMessage(`{"tags": ["a"]}`)}
		c.Outputs = []Output{
			{Type: Stream, Name: "stdout", Text: strings.Repeat("a line of output\n", 200)},
			{Type: DisplayData, Data: map[string]json.RawMessage{"image/png": json.RawMessage(`"` + strings.Repeat("iVBORw0KGgo", 4000) + `"`), "text/plain": json.RawMessage(`"<Figure>"`)}},
		}
		d.Cells = append(d.Cells, c)
	}
	return d
}

func BenchmarkEncode(b *testing.B) {
	d := big()
	for b.Loop() {
		data, err := Encode(d)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(len(data)))
	}
}

func BenchmarkDecode(b *testing.B) {
	data, err := Encode(big())
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := Decode(data, nil); err != nil {
			b.Fatal(err)
		}
	}
}
