package notebook

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/runnel-dev/runnel/internal/jsontext"
)

// scanner reads JSON once, from front to back, and knows where it is. After the first error it stands at the end and every
// further read gives nothing. Beside JSON it reads NaN, Infinity and -Infinity, which Python writes: see take.
type scanner struct {
	data  []byte
	pos   int
	depth int
	err   *SyntaxError
	odd   [][2]int // where those numbers are, in data
}

// fail keeps the first error.
func (s *scanner) fail(at int, problem string) {
	if s.err == nil {
		s.err = syntaxError(s.data, at, problem)
	}
	s.pos = len(s.data)
}

// peek is the next byte that is no white space, 0 at the end. It is not read.
func (s *scanner) peek() byte {
	for s.pos < len(s.data) {
		switch c := s.data[s.pos]; c {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return c
		}
	}
	return 0
}

// expect reads one byte.
func (s *scanner) expect(c byte, where string) bool {
	if s.err == nil && s.peek() == c {
		s.pos++
		return true
	}
	s.unexpected(fmt.Sprintf("%q %s", c, where))
	return false
}

func (s *scanner) unexpected(wanted string) {
	if s.pos >= len(s.data) {
		s.fail(s.pos, "the file ends where "+wanted+" should be")
		return
	}
	r, _ := utf8.DecodeRune(s.data[s.pos:])
	s.fail(s.pos, fmt.Sprintf("%q where %s should be", r, wanted))
}

func (s *scanner) enter() bool {
	if s.depth++; s.depth > MaxDepth {
		s.fail(s.pos, fmt.Sprintf("nested deeper than %d", MaxDepth))
		return false
	}
	return true
}

// object reads an object; each must read the value.
func (s *scanner) object(each func(key string)) {
	if !s.expect('{', "at the beginning of an object") || !s.enter() {
		return
	}
	defer func() { s.depth-- }()
	if s.peek() == '}' {
		s.pos++
		return
	}
	for s.err == nil {
		if s.peek() != '"' {
			s.unexpected("a name in quotes")
			return
		}
		key := s.str()
		if !s.expect(':', "after a name") {
			return
		}
		each(key)
		switch s.peek() {
		case ',':
			s.pos++
		case '}':
			s.pos++
			return
		default:
			s.unexpected("',' or '}'")
		}
	}
}

// array reads an array; each must read the value.
func (s *scanner) array(each func()) {
	if !s.expect('[', "at the beginning of a list") || !s.enter() {
		return
	}
	defer func() { s.depth-- }()
	if s.peek() == ']' {
		s.pos++
		return
	}
	for s.err == nil {
		each()
		switch s.peek() {
		case ',':
			s.pos++
		case ']':
			s.pos++
			return
		default:
			s.unexpected("',' or ']'")
		}
	}
}

// skip reads any value.
func (s *scanner) skip() {
	switch c := s.peek(); {
	case c == '{':
		s.object(func(string) { s.skip() })
	case c == '[':
		s.array(s.skip)
	case c == '"':
		s.skipString()
	case c == '-' || c >= '0' && c <= '9':
		s.number()
	default:
		for _, word := range []string{"true", "false", "null"} {
			if bytes.HasPrefix(s.data[s.pos:], []byte(word)) {
				s.pos += len(word)
				return
			}
		}
		s.oddNumber("")
	}
}

// take reads any value and gives a copy of it. Numbers that are not JSON are null in it.
func (s *scanner) take() json.RawMessage {
	s.peek()
	start, odd := s.pos, len(s.odd)
	s.skip()
	if s.err != nil {
		return nil
	}
	raw := s.data[start:s.pos]
	if len(s.odd) == odd {
		return bytes.Clone(raw)
	}
	var out []byte
	for _, place := range s.odd[odd:] {
		out = append(append(out, s.data[start:place[0]]...), "null"...)
		start = place[1]
	}
	return append(out, s.data[start:s.pos]...)
}

func (s *scanner) oddNumber(sign string) {
	for _, word := range []string{"NaN", "Infinity"} {
		if bytes.HasPrefix(s.data[s.pos:], []byte(word)) && (sign == "" || word == "Infinity") {
			s.odd = append(s.odd, [2]int{s.pos - len(sign), s.pos + len(word)})
			s.pos += len(word)
			return
		}
	}
	s.unexpected("a value")
}

func (s *scanner) digits() bool {
	start := s.pos
	for s.pos < len(s.data) && s.data[s.pos] >= '0' && s.data[s.pos] <= '9' {
		s.pos++
	}
	return s.pos > start
}

func (s *scanner) at(c string) bool {
	return s.pos < len(s.data) && strings.IndexByte(c, s.data[s.pos]) >= 0
}

func (s *scanner) number() {
	if s.at("-") {
		s.pos++
		if s.at("I") {
			s.oddNumber("-")
			return
		}
	}
	if s.at("0") {
		s.pos++
	} else if !s.digits() {
		s.unexpected("a digit")
		return
	}
	if s.at(".") {
		if s.pos++; !s.digits() {
			s.unexpected("a digit")
			return
		}
	}
	if s.at("eE") {
		s.pos++
		if s.at("+-") {
			s.pos++
		}
		if !s.digits() {
			s.unexpected("a digit")
		}
	}
}

// skipString reads a string and says whether it has escapes.
func (s *scanner) skipString() (escapes bool) {
	start := s.pos
	s.pos++
	for s.pos < len(s.data) {
		switch c := s.data[s.pos]; {
		case c == '"':
			s.pos++
			return escapes
		case c == '\\':
			escapes = true
			if !s.skipEscape() {
				return escapes
			}
		case c < 0x20:
			s.fail(s.pos, "a line break or control character inside a text: its end quote may be missing")
			return escapes
		default:
			s.pos += max(jsontext.Plain(s.data[s.pos:]), 1)
		}
	}
	s.fail(start, "a text without an end quote")
	return escapes
}

func (s *scanner) skipEscape() bool {
	rest := s.data[s.pos:]
	if len(rest) >= 2 && bytes.IndexByte([]byte(`"\/bfnrt`), rest[1]) >= 0 {
		s.pos += 2
		return true
	}
	if _, ok := escapedUnit(rest); ok {
		s.pos += 6
		return true
	}
	s.fail(s.pos, "a backslash that is no escape")
	return false
}

// escapedUnit is the UTF-16 unit of an escape \uXXXX at the begin of b.
func escapedUnit[T string | []byte](b T) (rune, bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(b[2:6]), 16, 16)
	return rune(n), err == nil
}

// str reads a string. Half a surrogate pair becomes U+FFFD.
func (s *scanner) str() string {
	start := s.pos
	escapes := s.skipString()
	if s.err != nil {
		return ""
	}
	body := s.data[start+1 : s.pos-1]
	if !escapes {
		return string(body)
	}
	var out strings.Builder
	unescape(body, func(text []byte) { out.Write(text) }, func(rune) { out.WriteRune(utf8.RuneError) })
	return out.String()
}

var shortEscapes = map[byte]string{'"': `"`, '\\': `\`, '/': "/", 'b': "\b", 'f': "\f", 'n': "\n", 'r': "\r", 't': "\t"}

// unescape gives the body of a valid JSON string in pieces: text, or half a surrogate pair.
func unescape(body []byte, text func([]byte), half func(rune)) {
	for len(body) > 0 {
		n := bytes.IndexByte(body, '\\')
		if n < 0 {
			n = len(body)
		}
		if n > 0 {
			text(body[:n])
			body = body[n:]
			continue
		}
		u, ok := escapedUnit(body)
		if !ok {
			text([]byte(shortEscapes[body[1]]))
			body = body[2:]
			continue
		}
		body = body[6:]
		if utf16.IsSurrogate(u) {
			second, _ := escapedUnit(body)
			r := utf16.DecodeRune(u, second)
			if r == utf8.RuneError {
				half(u)
				continue
			}
			body, u = body[6:], r
		}
		text(utf8.AppendRune(nil, u))
	}
}

// text reads a string, or a list of strings, joined. Another value is not read, and ok is false.
func (s *scanner) text() (text string, ok bool) {
	if s.peek() == '"' {
		return s.str(), s.err == nil
	}
	lines, ok := s.strings()
	return strings.Join(lines, ""), ok
}

// strings reads a list of strings. Another value is not read, and ok is false.
func (s *scanner) strings() (list []string, ok bool) {
	if s.peek() != '[' {
		return nil, false
	}
	start, depth, odd := s.pos, s.depth, len(s.odd)
	ok = true
	s.array(func() {
		if !ok || s.peek() != '"' {
			ok = false
			s.skip()
			return
		}
		list = append(list, s.str())
	})
	if s.err != nil {
		return nil, false
	}
	if !ok {
		s.pos, s.depth, s.odd = start, depth, s.odd[:odd]
		return nil, false
	}
	return list, true
}
