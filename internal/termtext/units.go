package termtext

import "unicode/utf8"

// units is the length of s in UTF-16 code units.
func units(s string) int64 {
	n := int64(len(s))
	for i := 0; i < len(s); i++ {
		// A lead byte of three bytes stands for one unit, of four for two; each continuation byte for none.
		switch c := s[i]; {
		case c < 0x80:
		case c < 0xC0:
			n--
		case c >= 0xF0:
			n++
		}
	}
	return n
}

// unitOffset is the byte offset of unit n in s, len(s) when s is shorter; inside a surrogate pair it is the pair's begin.
func unitOffset(s string, n int64) int {
	i := 0
	for i < len(s) && n > 0 {
		if s[i] < utf8.RuneSelf {
			i, n = i+1, n-1
			continue
		}
		_, size := utf8.DecodeRuneInString(s[i:])
		if size == 4 {
			n--
			if n <= 0 {
				break
			}
		}
		i, n = i+size, n-1
	}
	return i
}
