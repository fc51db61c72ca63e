// Package termtext turns what a program prints into what a terminal would show of it: carriage returns, backspaces, erased
// lines and cursor moves are applied once, on the server, so that a progress bar is one line in every client and in the file.
//
// Its key idea: a [Buffer] keeps only the last rows editable and answers each write with one [Edit], "cut the text to At, then
// append Text". Whoever applies the edits in order holds what the terminal shows; how the input was cut into writes
// changes nothing. Colours and links stay in the text as the escape sequences they are.
//
// It does not decide how much of a text is kept, and knows nothing of cells or outputs.
package termtext

// Edit is a change of a text: cut it to its first At UTF-16 code units, then append Text.
type Edit struct {
	At   int64  `json:"at"`
	Text string `json:"text"`
}

// Conflate is the one edit that does what a and then b do.
func Conflate(a, b Edit) Edit {
	if b.At <= a.At {
		return b
	}
	return Edit{At: a.At, Text: a.Text[:unitOffset(a.Text, b.At-a.At)] + b.Text}
}
