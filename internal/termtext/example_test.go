package termtext_test

import (
	"fmt"

	"github.com/runnel-dev/runnel/internal/termtext"
)

func ExampleBuffer() {
	var b termtext.Buffer
	for _, chunk := range []string{"working\n", "\r 50%|#### ", "\r100%|####", "####|\n", "done"} {
		if e, changed := b.Write(chunk); changed {
			fmt.Printf("cut to %d, append %q\n", e.At, e.Text)
		}
	}
	// Output:
	// cut to 0, append "working\n"
	// cut to 8, append " 50%|#### "
	// cut to 8, append "100%|#### "
	// cut to 17, append "####|\n"
	// cut to 23, append "done"
}

func ExampleConflate() {
	fmt.Println(termtext.Conflate(termtext.Edit{At: 10, Text: "50%"}, termtext.Edit{At: 11, Text: "1%"}))
	// Output: {10 51%}
}
