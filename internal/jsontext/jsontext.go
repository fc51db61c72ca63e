// Package jsontext writes and reads JSON strings, fast. Printed text is nearly all of what passes through the server, several times
// each, and it is long: so runs of bytes that need no care are found eight at a time and copied whole. It knows strings only; what
// stands around them is the callers' or encoding/json's, which is also the oracle of its tests.
package jsontext

import (
	"bytes"
	"unicode/utf8"
	"unsafe"
)

const hexDigits = "0123456789abcdef"

// Append appends s as a JSON string, spelled as nbformat spells it: short escapes where there are any, nothing else escaped but control
// characters, the quote and the backslash. What is not UTF-8 becomes U+FFFD, as in encoding/json.
func Append(dst []byte, s string) []byte {
	if !utf8.ValidString(s) {
		s = string([]rune(s)) // each byte that is not becomes a character of its own
	}
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); i++ {
		if i += Plain(s[i:]); i == len(s) {
			break
		}
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		case '\f':
			dst = append(dst, '\\', 'f')
		case '\b':
			dst = append(dst, '\\', 'b')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(append(dst, s[start:]...), '"')
}

// Plain is how many bytes at the begin of b are surely no quote, backslash or control character: eight are looked at at once.
func Plain[T string | []byte](b T) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	zero := func(x uint64) uint64 { return (x - ones) & ^x & tops } // has a zero byte
	n := 0
	for ; n+8 <= len(b); n += 8 {
		x := uint64(b[n]) | uint64(b[n+1])<<8 | uint64(b[n+2])<<16 | uint64(b[n+3])<<24 |
			uint64(b[n+4])<<32 | uint64(b[n+5])<<40 | uint64(b[n+6])<<48 | uint64(b[n+7])<<56
		control := (x - 0x20*ones) & ^x & tops
		if zero(x^'"'*ones)|zero(x^'\\'*ones)|control != 0 {
			break
		}
	}
	return n
}

// Read reads the string that raw begins with and gives what follows it. It reads the spellings that kernels use for what is printed;
// ok is false for others (\u of anything but a character of its own below the surrogates, bytes that are not UTF-8, a string without
// an end): those are left to encoding/json.
func Read(raw []byte) (s string, rest []byte, ok bool) {
	rest, ok = Skip(raw)
	if !ok {
		return "", raw, false
	}
	body := raw[1 : len(raw)-len(rest)-1]
	if !utf8.Valid(body) {
		return "", raw, false
	}
	out := make([]byte, 0, len(body)) // the string's own memory from now on: nobody else has it
	for {
		plain := bytes.IndexByte(body, '\\')
		if plain < 0 {
			out = append(out, body...)
			break
		}
		out = append(out, body[:plain]...)
		r, n := unescape(body[plain:]) // which Skip has seen
		out = utf8.AppendRune(out, r)
		body = body[plain+n:]
	}
	return unsafe.String(unsafe.SliceData(out), len(out)), rest, true
}

// Skip gives what follows the string that raw begins with; ok is false where it is for Read, but that bytes may be no UTF-8.
func Skip(raw []byte) (rest []byte, ok bool) {
	if len(raw) == 0 || raw[0] != '"' {
		return raw, false
	}
	for i := 1; i < len(raw); {
		if i += Plain(raw[i:]); i >= len(raw) {
			break
		}
		switch c := raw[i]; {
		case c == '"':
			return raw[i+1:], true
		case c == '\\':
			_, n := unescape(raw[i:])
			if n == 0 {
				return raw, false
			}
			i += n
		case c < ' ':
			return raw, false
		default:
			i++
		}
	}
	return raw, false
}

// unescape reads the escape that b begins with; n is 0 for one that it does not know.
func unescape(b []byte) (r rune, n int) {
	if len(b) < 2 {
		return 0, 0
	}
	switch b[1] {
	case '"', '\\', '/':
		return rune(b[1]), 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'u':
		return unescapeUnit(b)
	}
	return 0, 0
}

func unescapeUnit(b []byte) (r rune, n int) {
	if len(b) < 6 {
		return 0, 0
	}
	for _, c := range b[2:6] {
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c >= 'a' && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case c >= 'A' && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return 0, 0
		}
	}
	if r >= 0xD800 && r < 0xE000 {
		return 0, 0
	}
	return r, 6
}
