package termtext

import (
	"regexp"
	"strconv"
	"strings"
)

// model is a terminal written for plainness: it takes everything printed at once and holds every line and cell, with no limit.
type model struct {
	lines    [][]square
	row, col int
	pen      *style
}

// square is one column of a line; the further columns of a wide character hold "".
type square struct {
	text  string
	style *style
}

var modelToken = regexp.MustCompile(`(?s)\x1b\[[0-?]*[ -/]*[@-~]|\x1b\]8;[^\x00-\x1f]*(?:\x07|\x1b\\)|.`)
var modelControl = regexp.MustCompile(`^\x1b\[([0-9;:]*)([A-Za-z])$`)

func (m *model) run(s string) {
	m.lines = [][]square{nil}
	for _, token := range modelToken.FindAllString(s, -1) {
		switch {
		case token == "\n":
			m.row, m.col = m.row+1, 0
			if m.row == len(m.lines) {
				m.lines = append(m.lines, nil)
			}
		case token == "\r":
			m.col = 0
		case token == "\b":
			m.col = max(0, m.col-1)
		case strings.HasPrefix(token, "\x1b]8;"):
			link := strings.TrimSuffix(strings.TrimSuffix(token[4:], "\x07"), "\x1b\\")
			if strings.HasSuffix(link, ";") {
				link = ""
			}
			m.pen = m.pen.with(func(s *style) { s.link = link })
		case token[0] == 0x1b:
			if c := modelControl.FindStringSubmatch(token); c != nil {
				n, _ := strconv.Atoi(c[1])
				m.control(c[2], c[1], n)
			}
		case token >= " ", token == "\t":
			m.put([]rune(token)[0])
		}
	}
}

func (m *model) control(final, params string, n int) {
	times := max(n, 1)
	line := &m.lines[m.row]
	switch final {
	case "m":
		m.pen = m.pen.sgr(params)
	case "A":
		m.row = max(0, m.row-times)
	case "B":
		m.row = min(len(m.lines)-1, m.row+times)
	case "C":
		m.col += times
	case "D":
		m.col = max(0, m.col-times)
	case "G":
		m.col = times - 1
	case "K":
		switch n {
		case 0:
			m.eraseRight(line)
		case 1:
			m.split(*line, m.col+1)
			for i := 0; i <= m.col && i < len(*line); i++ {
				(*line)[i] = square{text: " "}
			}
		case 2:
			*line = nil
		}
	case "J":
		if n == 0 {
			m.eraseRight(line)
			m.lines = m.lines[:m.row+1]
		}
	}
}

func (m *model) eraseRight(line *[]square) {
	m.split(*line, m.col)
	*line = (*line)[:min(m.col, len(*line))]
}

// split makes blanks of a character that reaches over a column.
func (m *model) split(line []square, col int) {
	if col >= len(line) || line[col].text != "" {
		return
	}
	from := col
	for line[from].text == "" {
		from--
	}
	line[from].text = " "
	for i := from + 1; i < len(line) && line[i].text == ""; i++ {
		line[i].text = " "
	}
}

func (m *model) put(r rune) {
	line := &m.lines[m.row]
	w := width(r)
	if r == '\t' {
		w = 8 - m.col%8
		if m.col < len(*line) {
			m.col += w
			return
		}
	}
	if w == 0 {
		at := min(m.col, len(*line)) - 1
		for at >= 0 && (*line)[at].text == "" {
			at--
		}
		if at >= 0 {
			(*line)[at].text += string(r)
		}
		return
	}
	for len(*line) < m.col {
		*line = append(*line, square{text: " "})
	}
	m.split(*line, m.col)
	m.split(*line, m.col+w)
	for i := range w {
		sq := square{style: m.pen}
		if i == 0 {
			sq.text = string(r)
		}
		if m.col+i < len(*line) {
			(*line)[m.col+i] = sq
		} else {
			*line = append(*line, sq)
		}
	}
	m.col += w
}

// look is what a person sees: per line the characters with their styles, without plain blanks at its end.
func (m *model) look() []string {
	var out []string
	for _, line := range m.lines {
		end := len(line)
		for end > 0 && line[end-1].text == " " && line[end-1].style == nil {
			end--
		}
		look := ""
		for _, sq := range line[:end] {
			if sq.text != "" {
				look += change(nil, sq.style) + sq.text
			}
		}
		out = append(out, look)
	}
	for len(out) > 0 && out[len(out)-1] == "" {
		out = out[:len(out)-1]
	}
	return out
}

// lookOf is the same of a finished text, whose only sequences are styles.
func lookOf(text string) []string {
	m := &model{}
	m.run(text)
	return m.look()
}
