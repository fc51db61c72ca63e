package termtext

import (
	"strconv"
	"strings"
)

// style is what a character looks like: what the SGR sequences and OSC 8 links before it have set. nil is the plain style.
type style struct {
	fg, bg, line colour
	flags        uint16
	link         string // "params;uri"
}

// colour is 0 for the default, else a kind and a value.
type colour uint32

const (
	indexed colour = 1 << 24 // 0..255; the first 16 are 30-37 and 90-97
	direct  colour = 2 << 24 // 0xRRGGBB
)

// The flags, with the SGR codes that set and unset them. Those of one unsetting code go together.
const (
	bold = 1 << iota
	dim
	italic
	underline
	blink
	inverse
	hidden
	struck
	doubleLine
	overline
)

var flagCodes = []struct {
	flag    uint16
	on, off int
}{
	{bold, 1, 22}, {dim, 2, 22}, {italic, 3, 23}, {underline, 4, 24}, {blink, 5, 25}, {blink, 6, 25}, {inverse, 7, 27},
	{hidden, 8, 28}, {struck, 9, 29}, {doubleLine, 21, 24}, {overline, 53, 55},
}

func same(a, b *style) bool {
	return a == b || a != nil && b != nil && *a == *b
}

// with is s changed by change.
func (s *style) with(change func(*style)) *style {
	var next style
	if s != nil {
		next = *s
	}
	change(&next)
	if next == (style{}) {
		return nil
	}
	if s != nil && next == *s {
		return s
	}
	return &next
}

// sgr is s changed by the parameters of an SGR sequence: "1;31", "38:2::1:2:3", "".
func (s *style) sgr(params string) *style {
	return s.with(func(next *style) {
		list := strings.Split(params, ";")
		for len(list) > 0 {
			list = list[next.apply(list):]
		}
	})
}

// apply applies the first parameter and says how many it was with those that belong to it.
func (s *style) apply(list []string) int {
	head, _, _ := strings.Cut(list[0], ":")
	code, err := strconv.Atoi(head)
	if head != "" && err != nil {
		return 1
	}
	switch {
	case code == 0:
		*s = style{link: s.link}
	case code >= 30 && code <= 37:
		s.fg = indexed | colour(code-30)
	case code >= 90 && code <= 97:
		s.fg = indexed | colour(code-90+8)
	case code >= 40 && code <= 47:
		s.bg = indexed | colour(code-40)
	case code >= 100 && code <= 107:
		s.bg = indexed | colour(code-100+8)
	case code == 39:
		s.fg = 0
	case code == 49:
		s.bg = 0
	case code == 59:
		s.line = 0
	case code == 38:
		return readColour(list, &s.fg)
	case code == 48:
		return readColour(list, &s.bg)
	case code == 58:
		return readColour(list, &s.line)
	case code == 4 && list[0] == "4:0":
		s.flags &^= underline | doubleLine
	default:
		s.flag(code)
	}
	return 1
}

func (s *style) flag(code int) {
	for _, f := range flagCodes {
		if f.off == code {
			s.flags &^= f.flag
		}
		if f.on == code {
			s.flags |= f.flag
		}
	}
}

// readColour reads 38;5;n, 38;2;r;g;b and the forms with colons, and says how many parameters that was.
func readColour(list []string, to *colour) int {
	used, parts := 1, strings.Split(list[0], ":")
	if len(parts) == 1 {
		parts = list
		if len(parts) >= 2 {
			switch parts[1] {
			case "5":
				used = min(3, len(list))
			case "2":
				used = min(5, len(list))
			}
		}
	} else if len(parts) == 6 {
		parts = append(parts[:2:2], parts[3:]...) // 38:2:colourspace:r:g:b
	}
	value := func(i int) colour {
		if i >= len(parts) {
			return 0
		}
		n, _ := strconv.Atoi(parts[i])
		return colour(min(max(n, 0), 255))
	}
	if len(parts) >= 3 && parts[1] == "5" {
		*to = indexed | value(2)
	}
	if len(parts) >= 5 && parts[1] == "2" {
		*to = direct | value(2)<<16 | value(3)<<8 | value(4)
	}
	return used
}

// change is the shortest sequences, near enough, that lead from one style to another.
func change(from, to *style) string {
	if same(from, to) {
		return ""
	}
	var a, b style
	if from != nil {
		a = *from
	}
	if to != nil {
		b = *to
	}
	out := ""
	if a.link != b.link {
		link := b.link
		if link == "" {
			link = ";"
		}
		out = "\x1b]8;" + link + "\x1b\\"
	}
	a.link, b.link = "", ""
	switch {
	case a == b:
		return out
	case b == style{}:
		return out + "\x1b[0m"
	case a == style{}:
		return out + "\x1b[" + b.params()[1:] + "m"
	}
	return out + "\x1b[0" + b.params() + "m"
}

// params is ";1;31" and the like: all that is set.
func (s style) params() string {
	out := ""
	for _, f := range flagCodes {
		if s.flags&f.flag != 0 && f.on != 6 {
			out += ";" + strconv.Itoa(f.on)
		}
	}
	return out + s.fg.params(30) + s.bg.params(40) + s.line.params(50)
}

func (c colour) params(base int) string {
	n := int(c & 0xFFFFFF)
	switch {
	case c == 0:
		return ""
	case c&direct != 0:
		return ";" + strconv.Itoa(base+8) + ";2;" + strconv.Itoa(n>>16) + ";" + strconv.Itoa(n>>8&255) + ";" + strconv.Itoa(n&255)
	case n < 8 && base < 50:
		return ";" + strconv.Itoa(base+n)
	case n < 16 && base < 50:
		return ";" + strconv.Itoa(base+60+n-8)
	}
	return ";" + strconv.Itoa(base+8) + ";5;" + strconv.Itoa(n)
}
