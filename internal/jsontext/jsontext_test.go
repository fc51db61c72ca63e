package jsontext

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

var texts = []string{
	"", "a", "plain text of more than eight bytes", "a line\nanother\r\n\ttabbed", `quote " and \ backslash`, "\x00\x01\x1f\x7f",
	"é ü 日本語 😀 \u2028 \u2029", "\x1b[31mred\x1b[0m", "12345678\n", "1234567\n", strings.Repeat("x", 99) + "\n", "\xff\xfe broken \xc3", "\b\f",
}

// The oracle is encoding/json.
func TestAppend(t *testing.T) {
	for _, text := range texts {
		checkAppend(t, text)
	}
}

func checkAppend(t *testing.T, text string) {
	t.Helper()
	raw := Append([]byte("before"), text)
	var got, want string
	if err := json.Unmarshal(raw[len("before"):], &got); err != nil {
		t.Fatalf("%q is written as %s: %v", text, raw, err)
	}
	oracle, _ := json.Marshal(text)
	if err := json.Unmarshal(oracle, &want); err != nil {
		t.Fatal(err)
	}
	if got != want || string(raw[:6]) != "before" {
		t.Fatalf("%q came back as %q, want %q", text, got, want)
	}
}

func TestRead(t *testing.T) {
	for _, text := range texts {
		for _, raw := range [][]byte{Append(nil, text), escaped(text)} {
			checkRead(t, raw)
			if !utf8.ValidString(text) {
				continue
			}
			if got, rest, ok := Read(append(raw, ", 1}"...)); !ok || got != text || string(rest) != ", 1}" {
				t.Errorf("%s is read as %q, %q, %v", raw, got, rest, ok)
			}
		}
	}
	for _, raw := range []string{``, `x`, `"`, `"abc`, `"abc\`, `"abc\"`, "\"a\nb\"", `"\x"`, `"\u12"`, `"\ud800"`, `"\ud83d\ude00"`, "\"\xff\"", `"\u00zz"`} {
		if got, rest, ok := Read([]byte(raw)); ok || string(rest) != raw {
			t.Errorf("%q is read as %q, %q", raw, got, rest)
		}
	}
}

// escaped is what a writer makes that escapes all that may be.
func escaped(text string) []byte {
	raw, _ := json.Marshal(text)
	return []byte(strings.NewReplacer("é", `\u00e9`, "日", `\u65e5`).Replace(string(raw)))
}

// checkRead: what is read, encoding/json reads as well, to the same text.
func checkRead(t *testing.T, raw []byte) {
	t.Helper()
	got, rest, ok := Read(raw)
	if skipped, is := Skip(raw); is && !json.Valid(raw[:len(raw)-len(skipped)]) || ok && (!is || len(skipped) != len(rest)) {
		t.Fatalf("%q is skipped to %q, %v; read to %q, %v", raw, skipped, is, rest, ok)
	}
	if !ok {
		return
	}
	var want string
	if err := json.Unmarshal(raw[:len(raw)-len(rest)], &want); err != nil || got != want {
		t.Fatalf("%q is read as %q; encoding/json: %q, %v", raw, got, want, err)
	}
}

func FuzzText(f *testing.F) {
	for _, text := range texts {
		f.Add([]byte(text))
		f.Add(Append(nil, text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		checkRead(t, data)
		checkAppend(t, string(data))
	})
}
