package termtext

import "strings"

// How much of an output's text is kept (P31), in UTF-16 code units.
const (
	HeadMax = 256 << 10
	TailMax = 768 << 10
	// tailSlack is how far a tail grows over TailMax before it is cut back to TailMax, so that not every line cuts it.
	tailSlack = 256 << 10
)

// Text is the kept text of one output: its first HeadMax units and its last TailMax at least. It does what the protocol's
// Text.Put does, at a cost in proportion to the edit, and decides when the tail is cut. The zero value is empty.
// Not safe for concurrent use.
type Text struct {
	head, tail    []byte
	headAt        int64
	tailAt, total int64
}

// Kept is the value of a Text: the whole text's Head, and its Tail from TailAt to its end, Total. TailAt equals the length of
// Head while nothing is missing between them. All in UTF-16 code units. It converts to the protocol's Text.
type Kept struct {
	Head   string `json:"head"`
	Tail   string `json:"tail"`
	TailAt int64  `json:"tail_at"`
	Total  int64  `json:"total"`
}

// Apply applies an edit. tailAt is not 0 when the tail was cut to begin there: the clients' TextPut carries it on.
func (t *Text) Apply(e Edit) (tailAt int64) { return 0 }

// Kept is the value; the strings are copies.
func (t *Text) Kept() Kept {
	return Kept{Head: strings.Clone(string(t.head)), Tail: string(t.tail), TailAt: t.tailAt, Total: t.total}
}

// NewText is a Text that goes on from k.
func NewText(k Kept) *Text {
	return &Text{head: []byte(k.Head), tail: []byte(k.Tail), headAt: units(k.Head), tailAt: k.TailAt, total: k.Total}
}
