package termtext

import (
	"strings"
	"unicode/utf8"
)

const esc = 0x1b

// Sequences longer than these are none.
const (
	maxControl = 256
	maxString  = 4096
)

// sequence is an escape sequence at the begin of a text: its length, and what it is.
type sequence struct {
	n      int
	final  byte   // of a control sequence: 'm', 'K', ...; ']' for a link; 0 for what is dropped
	params string // of a control sequence; of a link "params;uri"
}

// readSequence reads the sequence that s begins with. Not ok when s ends inside it.
func readSequence(s string) (q sequence, ok bool) {
	if len(s) < 2 {
		return sequence{}, false
	}
	switch c := s[1]; {
	case c == '[':
		return readControl(s)
	case strings.IndexByte("]PX^_", c) >= 0:
		return readString(s)
	case c >= 0x20 && c < 0x30:
		n := 2
		for n < len(s) && n < maxControl && s[n] >= 0x20 && s[n] < 0x30 {
			n++
		}
		if n == len(s) && n < maxControl {
			return sequence{}, false
		}
		if n < len(s) && s[n] >= 0x30 && s[n] < 0x7f {
			n++
		}
		return sequence{n: n}, true
	case c >= 0x30 && c < 0x7f:
		return sequence{n: 2}, true
	}
	return sequence{n: 1}, true
}

func readControl(s string) (sequence, bool) {
	n := 2
	for n < len(s) && n < maxControl && s[n] >= 0x30 && s[n] < 0x40 {
		n++
	}
	params := s[2:n]
	for n < len(s) && n < maxControl && s[n] >= 0x20 && s[n] < 0x30 {
		n++
	}
	plain := n == len(params)+2
	switch {
	case n >= maxControl:
		return sequence{n: n}, true
	case n == len(s):
		return sequence{}, false
	case s[n] < 0x40 || s[n] >= 0x7f:
		return sequence{n: n}, true
	case !plain || strings.ContainsAny(params, "<=>?"):
		return sequence{n: n + 1}, true
	}
	return sequence{n: n + 1, final: s[n], params: params}, true
}

// readString reads an operating system command or another string. Any control character but its end breaks it off.
func readString(s string) (sequence, bool) {
	for n := 2; n < len(s); n++ {
		if n >= maxString {
			for !utf8.RuneStart(s[n]) {
				n--
			}
			return sequence{n: n}, true
		}
		if s[n] >= 0x20 {
			continue
		}
		body := s[2:n]
		switch {
		case s[n] == '\a':
			n++
		case s[n] == esc && n+1 == len(s):
			return sequence{}, false
		case s[n] == esc && s[n+1] == '\\':
			n += 2
		default:
			return sequence{n: n}, true
		}
		if link, ok := strings.CutPrefix(body, "8;"); ok && s[1] == ']' && strings.Contains(link, ";") && utf8.ValidString(link) {
			return sequence{n: n, final: ']', params: link}, true
		}
		return sequence{n: n}, true
	}
	return sequence{}, false
}

// text is how a sequence that stays in the text is written there: SGR as it came, a link with the standard's end.
func (q sequence) text(s string) string {
	if q.final == ']' {
		return "\x1b]8;" + q.params + "\x1b\\"
	}
	return s[:q.n]
}

// styled says whether the sequence sets a style, and stays in the text.
func (q sequence) styled() bool { return q.final == 'm' || q.final == ']' }

// restyle is the style after the sequence.
func (q sequence) restyle(s *style) *style {
	if q.final == 'm' {
		return s.sgr(q.params)
	}
	link := q.params
	if strings.HasSuffix(link, ";") {
		link = ""
	}
	return s.with(func(next *style) { next.link = link })
}

// count is the first parameter, 1 when there is none or it is 0.
func (q sequence) count() int { return max(q.number(), 1) }

func (q sequence) number() int {
	n := 0
	for i := 0; i < len(q.params) && q.params[i] >= '0' && q.params[i] <= '9'; i++ {
		n = min(n*10+int(q.params[i]-'0'), 1<<20)
	}
	return n
}
