package termtext

import (
	"encoding/json"
	"fmt"
	"strings"
)

// savedBuffer is a Buffer in JSON. Styles are the sequences that set them.
type savedBuffer struct {
	Total    int64      `json:"total"`
	Above    string     `json:"above,omitempty"`
	Rows     []savedRow `json:"rows,omitempty"`
	Tail     string     `json:"tail,omitempty"`
	InRows   bool       `json:"in_rows,omitempty"`
	At       int        `json:"at,omitempty"`
	Col      int        `json:"col,omitempty"`
	Pen      string     `json:"pen,omitempty"`
	Returned bool       `json:"returned,omitempty"`
	Pending  []byte     `json:"pending,omitempty"` // may be part of a character
}

type savedRow struct {
	Text  string `json:"text"`
	In    string `json:"in,omitempty"`
	Cells bool   `json:"cells,omitempty"`
	Soft  bool   `json:"soft,omitempty"`
}

// MarshalJSON writes everything that later writes depend on: at most some 300 KiB.
func (b *Buffer) MarshalJSON() ([]byte, error) {
	s := savedBuffer{
		Total: b.total, Above: change(nil, b.before(b.top)), Tail: string(b.tail), InRows: b.inRows, At: max(b.at-b.top, 0), Col: b.col,
		Pen: change(nil, b.pen), Returned: b.returned, Pending: []byte(b.pending),
	}
	for i := b.top; i < len(b.rows); i++ {
		r := &b.rows[i]
		saved := savedRow{Text: string(r.raw), In: change(nil, r.in), Cells: r.isCells, Soft: r.soft}
		if r.isCells {
			saved.Text = r.text(nil, true)
		}
		s.Rows = append(s.Rows, saved)
	}
	return json.Marshal(s)
}

// UnmarshalJSON brings back what MarshalJSON wrote.
func (b *Buffer) UnmarshalJSON(data []byte) error {
	var s savedBuffer
	if err := json.Unmarshal(data, &s); err != nil {
		return fmt.Errorf("read text buffer: %w", err)
	}
	if s.Total < 0 || s.InRows && (s.At < 0 || s.At >= len(s.Rows) || s.Col < 0 || s.Col > rowWidth) {
		return fmt.Errorf("read text buffer: a cursor outside of %d rows", len(s.Rows))
	}
	*b = Buffer{
		total: s.Total, above: restyleAll(nil, s.Above), inRows: s.InRows, at: s.At, col: s.Col, pen: restyleAll(nil, s.Pen),
		returned: s.Returned, pending: string(s.Pending),
	}
	for i, saved := range s.Rows {
		if len(saved.Text) > 1<<20 || strings.Contains(saved.Text, "\n") {
			return fmt.Errorf("read text buffer: row %d is none", i)
		}
		b.rows = append(b.rows, saved.row())
		r := &b.rows[i]
		r.shown = r.text(b.before(i), s.InRows && i == len(s.Rows)-1)
		b.resize(r)
	}
	if !s.InRows {
		b.tail = []byte(s.Tail)
	}
	return nil
}

func (s savedRow) row() row {
	r := row{raw: []byte(s.Text), in: restyleAll(nil, s.In), soft: s.Soft}
	r.out = restyleAll(r.in, s.Text)
	for text := s.Text; text != ""; {
		if text[0] == esc {
			q, _ := readSequence(text)
			text = text[max(q.n, 1):]
			continue
		}
		char, n := decodeRune(text)
		r.cols += columns(char, r.cols)
		text = text[n:]
	}
	if s.Cells {
		r.toCells()
	}
	return r
}
