package changes

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Apply gives the changed source. ErrMismatch when the length is another, or when a character would be cut in two.
func (s Set) Apply(source string) (string, error) {
	var out strings.Builder
	rest := source
	for _, p := range s.spans {
		old, after, ok := take(rest, p.length)
		if !ok {
			return "", ErrMismatch
		}
		rest = after
		if p.keep {
			out.WriteString(old)
			continue
		}
		for i := 0; i < len(p.put); i++ {
			r := rune(p.put[i])
			if utf16.IsSurrogate(r) {
				if i+1 == len(p.put) {
					return "", ErrMismatch
				}
				if r = utf16.DecodeRune(r, rune(p.put[i+1])); r == utf8.RuneError {
					return "", ErrMismatch
				}
				i++
			}
			out.WriteRune(r)
		}
	}
	if rest != "" {
		return "", ErrMismatch
	}
	return out.String(), nil
}

// Invert is the set that takes s back; source is the text before s.
func (s Set) Invert(source string) (Set, error) {
	var out builder
	rest := source
	for _, p := range s.spans {
		old, after, ok := take(rest, p.length)
		if !ok {
			return Set{}, ErrMismatch
		}
		rest = after
		if p.keep {
			out.keep(p.length)
		} else {
			out.replace(len(p.put), utf16.Encode([]rune(old)))
		}
	}
	if rest != "" {
		return Set{}, ErrMismatch
	}
	return Set(out), nil
}

// FromDiff is a set that makes after out of before: one replacement between what both begin and end with.
// Line breaks in after are taken to be \n.
func FromDiff(before, after string) Set {
	begin := commonPrefix(before, after)
	end := commonSuffix(before[begin:], after[begin:])
	var out builder
	out.keep(Units(before[:begin]))
	out.replace(Units(before[begin:len(before)-end]), utf16.Encode([]rune(after[begin:len(after)-end])))
	out.keep(Units(before[len(before)-end:]))
	return Set(out)
}

func commonPrefix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	for n > 0 && (n < len(a) && !utf8.RuneStart(a[n]) || n < len(b) && !utf8.RuneStart(b[n])) {
		n--
	}
	return n
}

func commonSuffix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[len(a)-1-n] == b[len(b)-1-n] {
		n++
	}
	for n > 0 && !utf8.RuneStart(a[len(a)-n]) {
		n--
	}
	return n
}

// Units is the length of s in UTF-16 code units.
func Units(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r > 0xFFFF {
			n++
		}
	}
	return n
}

// take cuts s after n units; not ok when s is shorter or a character would be cut in two.
func take(s string, n int) (before, after string, ok bool) {
	i := 0
	for n > 0 && i < len(s) {
		if s[i] < utf8.RuneSelf {
			i++
			n--
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		i += size
		if n--; r > 0xFFFF {
			n--
		}
	}
	return s[:i], s[i:], n == 0
}
