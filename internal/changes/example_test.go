package changes_test

import (
	"fmt"

	"github.com/runnel-dev/runnel/internal/changes"
)

// Two people edit one source at the same time; the second edit is moved over the first.
func ExampleSet_Map() {
	first := changes.FromDiff("print(x)", "print(x + 1)")
	second := changes.FromDiff("print(x)", "sprint(x)")
	moved, err := second.Map(first, false)
	if err != nil {
		fmt.Println(err)
		return
	}
	text, _ := first.Apply("print(x)")
	text, _ = moved.Apply(text)
	form, _ := moved.MarshalJSON()
	fmt.Println(text, string(form))
	// Output: sprint(x + 1) [[0,"s"],12]
}
