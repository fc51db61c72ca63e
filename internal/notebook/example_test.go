package notebook_test

import (
	"fmt"

	"github.com/runnel-dev/runnel/internal/notebook"
)

func ExampleDecode() {
	_, err := notebook.Decode([]byte("{\n \"cells\": [\n  {,}\n ]\n}"), nil)
	fmt.Println(err)
	// Output: line 3, column 4: ',' where a name in quotes should be
}

func ExampleMerge() {
	document := func(a, b string) *notebook.Document {
		d := notebook.New()
		d.Cells = []*notebook.Cell{{ID: "a", Type: notebook.Code, Source: a}, {ID: "b", Type: notebook.Code, Source: b}}
		return d
	}
	merged, clashes := notebook.Merge(document("1", "2"), document("1 here", "2 here"), document("1", "2 there"), func() notebook.CellID { return "copy" })
	for _, c := range merged.Cells {
		fmt.Printf("%s: %s\n", c.ID, c.Source)
	}
	fmt.Println(clashes)
	// Output:
	// a: 1 here
	// b: 2 here
	// copy: 2 there
	// [{b copy}]
}
