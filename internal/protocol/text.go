package protocol

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Parts of a stream output's text that every client keeps (P31), in UTF-16 code units.
const (
	HeadMax = 256 << 10
	TailMax = 768 << 10
)

// Put cuts the text to its first at units and appends text. Head is always the first HeadMax units of the whole (one fewer
// where a surrogate pair would be cut in two), Tail is what follows. An at inside the part that was dropped leaves Tail
// empty there. Then what Tail holds before tailAt is dropped; 0 drops nothing.
func (t *Text) Put(at int64, text string, tailAt int64) {
	at = min(max(at, 0), t.Total)
	headLen := int64(UTF16Len(t.Head))
	if at <= headLen {
		t.Head, t.Tail = t.Head[:UTF16Offset(t.Head, int(at))], ""
		n := UTF16Offset(text, int(HeadMax-at))
		t.Head += text[:n]
		t.Tail = text[n:]
		t.TailAt = at + int64(UTF16Len(text[:n]))
		t.Total = t.TailAt + int64(UTF16Len(t.Tail))
	} else {
		if at < t.TailAt {
			t.Tail, t.TailAt = "", at
		}
		t.Tail = t.Tail[:UTF16Offset(t.Tail, int(at-t.TailAt))] + text
		t.Total = at + int64(UTF16Len(text))
	}
	if tailAt > t.TailAt && tailAt <= t.Total {
		n := UTF16Offset(t.Tail, int(tailAt-t.TailAt))
		t.TailAt += int64(UTF16Len(t.Tail[:n]))
		t.Tail = t.Tail[n:]
	}
}

// UTF16Len is the length of s in UTF-16 code units.
func UTF16Len(s string) int {
	n := 0
	for i := 0; i < len(s); {
		if s[i] < utf8.RuneSelf {
			i, n = i+1, n+1
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		i, n = i+size, n+1
		if r > 0xFFFF {
			n++
		}
	}
	return n
}

// UTF16Offset is the byte offset in s of its UTF-16 code unit n; len(s) when s is shorter. Inside a surrogate pair it is the
// pair's begin.
func UTF16Offset(s string, n int) int {
	i := 0
	for i < len(s) && n > 0 {
		if s[i] < utf8.RuneSelf {
			i, n = i+1, n-1
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if n--; r > 0xFFFF {
			if n--; n < 0 {
				break
			}
		}
		i += size
	}
	return i
}

var errChanges = errors.New("change set does not fit the text")

// applyChanges applies a CodeMirror change set in its JSON form: a number keeps that many units; [n, line...] replaces n units
// by the lines, joined by newlines.
func applyChanges(source string, changes json.RawMessage) (string, error) {
	var sections []json.RawMessage
	if err := json.Unmarshal(changes, &sections); err != nil {
		return "", fmt.Errorf("read change set: %w", err)
	}
	var out strings.Builder
	take := func(n int) (string, error) {
		i := UTF16Offset(source, n)
		if n < 0 || UTF16Len(source[:i]) != n {
			return "", errChanges
		}
		part := source[:i]
		source = source[i:]
		return part, nil
	}
	for _, raw := range sections {
		var keep int
		if json.Unmarshal(raw, &keep) == nil {
			part, err := take(keep)
			if err != nil {
				return "", err
			}
			out.WriteString(part)
			continue
		}
		var section []json.RawMessage
		var del int
		if json.Unmarshal(raw, &section) != nil || len(section) == 0 || json.Unmarshal(section[0], &del) != nil {
			return "", errChanges
		}
		if _, err := take(del); err != nil {
			return "", err
		}
		for i, rawLine := range section[1:] {
			var line string
			if err := json.Unmarshal(rawLine, &line); err != nil {
				return "", errChanges
			}
			if i > 0 {
				out.WriteByte('\n')
			}
			out.WriteString(line)
		}
	}
	if source != "" {
		return "", errChanges
	}
	return out.String(), nil
}
