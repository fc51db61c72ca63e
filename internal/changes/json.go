package changes

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Limits of Decode, far above what an editor sends.
const (
	maxLength = 1 << 30 // units, of the text before or after
	maxSpans  = 1 << 20
)

// Decode reads the JSON form: an array in which a number keeps so many units, [n] deletes n, and [n, line, line...] puts
// the lines, joined by newlines, in place of n. Lone surrogates and line breaks inside a line are refused.
func Decode(data []byte) (Set, error) {
	var parts []json.RawMessage
	if err := json.Unmarshal(data, &parts); err != nil {
		return Set{}, fmt.Errorf("read change set: %w", err)
	}
	if parts == nil || len(parts) > maxSpans {
		return Set{}, errors.New("read change set: not a list of fair length")
	}
	var s Set
	before, after := 0, 0
	for i, part := range parts {
		p, err := decodeSpan(part)
		if err != nil {
			return Set{}, fmt.Errorf("read change set: part %d: %w", i, err)
		}
		before += p.length
		after += len(p.put)
		if p.keep {
			after += p.length
		}
		if before > maxLength || after > maxLength {
			return Set{}, fmt.Errorf("read change set: part %d: too long", i)
		}
		s.spans = append(s.spans, p)
	}
	return s, nil
}

func decodeSpan(raw json.RawMessage) (span, error) {
	if raw[0] != '[' {
		n, err := decodeLength(raw)
		return span{length: n, keep: true}, err
	}
	var parts []json.RawMessage
	if err := json.Unmarshal(raw, &parts); err != nil {
		return span{}, err
	}
	if len(parts) == 0 {
		return span{}, errors.New("empty")
	}
	n, err := decodeLength(parts[0])
	if err != nil {
		return span{}, err
	}
	var text strings.Builder
	for i, part := range parts[1:] {
		line, err := decodeLine(part)
		if err != nil {
			return span{}, err
		}
		if i > 0 {
			text.WriteByte('\n')
		}
		text.WriteString(line)
	}
	return span{length: n, put: utf16.Encode([]rune(text.String()))}, nil
}

func decodeLength(raw json.RawMessage) (int, error) {
	n, err := strconv.ParseUint(string(raw), 10, 31)
	if err != nil || n > maxLength {
		return 0, fmt.Errorf("%.20s is not a length", raw)
	}
	return int(n), nil
}

func decodeLine(raw json.RawMessage) (string, error) {
	var line string
	if raw[0] != '"' || json.Unmarshal(raw, &line) != nil {
		return "", errors.New("a line that is not text")
	}
	if strings.ContainsAny(line, "\r\n") {
		return "", errors.New("a line break inside a line")
	}
	if loneSurrogate(raw) || !utf8.Valid(raw) {
		return "", errors.New("half a character")
	}
	return line, nil
}

// loneSurrogate says whether a JSON string, known to be valid, has an escape that is half a surrogate pair.
func loneSurrogate(raw []byte) bool {
	if !bytes.Contains(raw, []byte(`\u`)) {
		return false
	}
	unit := func(i int) rune { // of the escape at i, -1 when there is none
		if i+6 > len(raw) || raw[i] != '\\' || raw[i+1] != 'u' {
			return -1
		}
		n, err := strconv.ParseUint(string(raw[i+2:i+6]), 16, 16)
		if err != nil {
			return -1
		}
		return rune(n)
	}
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		switch u := unit(i); {
		case u < 0:
			i++
		case !utf16.IsSurrogate(u):
			i += 5
		case utf16.DecodeRune(u, unit(i+6)) != utf8.RuneError:
			i += 11
		default:
			return true
		}
	}
	return false
}

// MarshalJSON is the JSON form.
func (s Set) MarshalJSON() ([]byte, error) {
	out := []byte{'['}
	for i, p := range s.spans {
		if i > 0 {
			out = append(out, ',')
		}
		if p.keep {
			out = strconv.AppendInt(out, int64(p.length), 10)
			continue
		}
		out = append(out, '[')
		out = strconv.AppendInt(out, int64(p.length), 10)
		if len(p.put) > 0 {
			out = appendLines(out, p.put)
		}
		out = append(out, ']')
	}
	return append(out, ']'), nil
}

// appendLines writes text as one JSON string a line. A lone surrogate, which only an inner step of a computation can hold, is escaped.
func appendLines(out []byte, text []uint16) []byte {
	out = append(out, ',', '"')
	for i := 0; i < len(text); i++ {
		switch u := rune(text[i]); {
		case u == '\n':
			out = append(out, '"', ',', '"')
		case u == '"' || u == '\\':
			out = append(out, '\\', byte(u))
		case u == '\t':
			out = append(out, '\\', 't')
		case u < 0x20:
			out = fmt.Appendf(out, `\u%04x`, u)
		case !utf16.IsSurrogate(u):
			out = utf8.AppendRune(out, u)
		default:
			pair := rune(utf8.RuneError)
			if i+1 < len(text) {
				pair = utf16.DecodeRune(u, rune(text[i+1]))
			}
			if pair == utf8.RuneError {
				out = fmt.Appendf(out, `\u%04x`, u)
				continue
			}
			out = utf8.AppendRune(out, pair)
			i++
		}
	}
	return append(out, '"')
}

// UnmarshalJSON is Decode.
func (s *Set) UnmarshalJSON(data []byte) error {
	var err error
	*s, err = Decode(data)
	return err
}
