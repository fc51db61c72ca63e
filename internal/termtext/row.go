package termtext

import (
	"slices"
	"strings"
)

// Size of what stays editable. A row is a line, or a part of one as wide as this terminal is; rowBytes bounds what takes no columns.
const (
	maxRows  = 1000
	maxSize  = 256 << 10
	rowWidth = 4096
	rowBytes = 16 << 10
	cellSize = 4
	maxMarks = 64 // bytes of combining characters on one cell
)

// row is one row of the terminal. As long as it was only written from left to right it is raw: the text as it came, sequences
// included. After anything else it is made of cells.
type row struct {
	raw     []byte
	in, out *style // before and after raw; both are plain when there are cells
	cols    int    // of raw
	cells   []cell
	isCells bool
	soft    bool // the next row goes on with the same line

	shown string // as told by the last edit, with the line break
	size  int    // as counted in Buffer.size
}

// cell is one column. A character of several columns has its cell in the first, and empty ones (char 0) in the others.
type cell struct {
	char  rune
	marks string // combining characters after it
	style *style
}

func (r *row) width() int {
	if r.isCells {
		return len(r.cells)
	}
	return r.cols
}

func (r *row) measure() int {
	if r.isCells {
		return cellSize*len(r.cells) + 1
	}
	return len(r.raw) + 1
}

// clear makes the row an empty raw one.
func (r *row) clear(pen *style) {
	*r = row{in: pen, out: pen, shown: r.shown, size: r.size, soft: false}
}

// toCells turns a raw row into cells.
func (r *row) toCells() {
	if r.isCells {
		return
	}
	raw, pen := string(r.raw), r.in
	r.raw, r.in, r.out, r.isCells = nil, nil, nil, true
	r.cells = make([]cell, 0, r.cols)
	for raw != "" {
		if raw[0] == esc {
			q, ok := readSequence(raw)
			if !ok {
				break
			}
			pen, raw = q.restyle(pen), raw[q.n:]
			continue
		}
		char, n := decodeRune(raw)
		raw = raw[n:]
		r.put(len(r.cells), char, pen)
	}
}

// put writes a character at a column of a row of cells and gives the column after it.
func (r *row) put(col int, char rune, pen *style) int {
	w := columns(char, col)
	if w == 0 {
		r.mark(col, char)
		return col
	}
	for len(r.cells) < col {
		r.cells = append(r.cells, cell{char: ' '})
	}
	if char == '\t' && col < len(r.cells) {
		return col + w // a tab moves over what is there
	}
	r.blankHalves(col)
	r.blankHalves(col + w)
	for i := range w {
		c := cell{style: pen}
		if i == 0 {
			c.char = char
		}
		if col+i < len(r.cells) {
			r.cells[col+i] = c
		} else {
			r.cells = append(r.cells, c)
		}
	}
	return col + w
}

// mark puts a combining character on the character before a column.
func (r *row) mark(col int, char rune) {
	i := min(col, len(r.cells)) - 1
	for i >= 0 && r.cells[i].char == 0 {
		i--
	}
	if i >= 0 && len(r.cells[i].marks) < maxMarks {
		r.cells[i].marks += string(char)
	}
}

// blankHalves makes blanks of the character that begins before a column and reaches over it.
func (r *row) blankHalves(col int) {
	if col >= len(r.cells) || r.cells[col].char != 0 {
		return
	}
	i := col
	for i > 0 && r.cells[i].char == 0 {
		i--
	}
	r.cells[i].marks = ""
	for ; i < len(r.cells) && (i < col || r.cells[i].char == 0); i++ {
		r.cells[i].char = ' '
	}
}

// cut drops what is right of a column.
func (r *row) cut(col int) {
	if col < len(r.cells) {
		r.blankHalves(col)
		r.cells = slices.Clip(r.cells[:col])
	}
}

// blank makes blanks of the first columns.
func (r *row) blank(cols int) {
	cols = min(cols, len(r.cells))
	r.blankHalves(cols)
	for i := range cols {
		r.cells[i] = cell{char: ' '}
	}
}

// text is the row as text. before is the style that the text before it leaves.
func (r *row) text(before *style, last bool) string {
	var out strings.Builder
	out.WriteString(change(before, r.in))
	if r.isCells {
		pen := r.in
		for _, c := range r.cells {
			if c.char == 0 {
				continue
			}
			if c.style != pen {
				out.WriteString(change(pen, c.style))
				pen = c.style
			}
			out.WriteRune(c.char)
			out.WriteString(c.marks)
		}
		out.WriteString(change(pen, r.out))
	} else {
		out.Write(r.raw)
	}
	if !last && !r.soft {
		out.WriteByte('\n')
	}
	return out.String()
}
