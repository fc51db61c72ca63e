package changes_test

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/runnel-dev/runnel/internal/changes"
)

func decode(t rapid.TB, data []byte) changes.Set {
	t.Helper()
	s, err := changes.Decode(data)
	if err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	return s
}

func form(t rapid.TB, s changes.Set) string {
	t.Helper()
	data, err := s.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestCodeMirror compares with what @codemirror/state gave: see testdata/generate.mjs.
func TestCodeMirror(t *testing.T) {
	data, err := os.ReadFile("testdata/cases.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases [][]json.RawMessage
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) < 2000 {
		t.Fatalf("only %d cases", len(cases))
	}
	text := func(raw json.RawMessage) (s string) {
		if err := json.Unmarshal(raw, &s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	for i, c := range cases {
		source, a, b, next := text(c[0]), decode(t, c[1]), decode(t, c[2]), decode(t, c[3])
		if got, err := a.Apply(source); err != nil || got != text(c[4]) {
			t.Fatalf("case %d: %s applied to %q: %q, %v", i, c[1], source, got, err)
		}
		check := func(what string, want json.RawMessage, set func() (changes.Set, error)) {
			t.Helper()
			got, err := set()
			if err != nil || form(t, got) != string(want) {
				t.Errorf("case %d: %s: %s, %v, want %s\n%q\na %s\nb %s\nc %s", i, what, form(t, got), err, want, source, c[1], c[2], c[3])
			}
		}
		check("a over b", c[5], func() (changes.Set, error) { return a.Map(b, false) })
		check("a over b, before", c[6], func() (changes.Set, error) { return a.Map(b, true) })
		check("b over a", c[7], func() (changes.Set, error) { return b.Map(a, false) })
		check("b over a, before", c[8], func() (changes.Set, error) { return b.Map(a, true) })
		check("a then c", c[9], func() (changes.Set, error) { return a.Compose(next) })
		check("a taken back", c[10], func() (changes.Set, error) { return a.Invert(source) })
		if a.Before() != changes.Units(source) || a.After() != changes.Units(text(c[4])) {
			t.Errorf("case %d: lengths %d, %d", i, a.Before(), a.After())
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, bad := range []string{
		``, `null`, `{}`, `3`, `[-1]`, `[1.5]`, `[1e3]`, `["a"]`, `[[]]`, `[["a"]]`, `[[1,2]]`, `[[1,null]]`, `[null]`, `[[-2,"a"]]`,
		`[9999999999]`, `[1073741824,1]`, `[[0,"a\nb"]]`, `[[0,"a\rb"]]`, `[[0,"\ud83d"]]`, `[[0,"\ude00x"]]`, `[[0,"\ud83d","\ude00"]]`,
		`[[0,"\\\ud83d"]]`, `[[0,"\ud83d\ud83d\ude00"]]`, "[[0,\"\xff\"]]", `[1] [2]`, `[[1,["a"]]]`,
	} {
		if s, err := changes.Decode([]byte(bad)); err == nil {
			t.Errorf("%s: accepted as %s", bad, form(t, s))
		}
	}
	for _, good := range []string{`[]`, `[0]`, `[[0]]`, `[[0,"\ud83d\ude00"]]`, `[[0,"\\ud83d"]]`, `[[0,"",""]]`, `[3,[2],[1,"x"]]`} {
		decode(t, []byte(good))
	}
}

func TestApplyRefuses(t *testing.T) {
	for _, c := range []struct{ name, source, set string }{
		{"too short", "abc", `[2]`},
		{"too long", "abc", `[4]`},
		{"deletes too much", "abc", `[[4]]`},
		{"cuts a pair", "a😀", `[2,[1]]`},
		{"inserts into a pair", "a😀", `[2,[0,"x"],1]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			set := decode(t, []byte(c.set))
			if got, err := set.Apply(c.source); !errors.Is(err, changes.ErrMismatch) {
				t.Errorf("%q, %v", got, err)
			}
			if _, err := set.Invert(c.source); !errors.Is(err, changes.ErrMismatch) {
				t.Errorf("inverted: %v", err)
			}
		})
	}
	if _, err := decode(t, []byte(`[3]`)).Map(decode(t, []byte(`[4]`)), false); !errors.Is(err, changes.ErrMismatch) {
		t.Errorf("mapped: %v", err)
	}
	if _, err := decode(t, []byte(`[3]`)).Compose(decode(t, []byte(`[4]`))); !errors.Is(err, changes.ErrMismatch) {
		t.Errorf("composed: %v", err)
	}
}

func TestFromDiff(t *testing.T) {
	for _, c := range []struct{ before, after, want string }{
		{"", "", `[]`},
		{"abc", "abc", `[3]`},
		{"abc", "axc", `[1,[1,"x"],1]`},
		{"", "a\nb", `[[0,"a","b"]]`},
		{"😀", "😁", `[[2,"😁"]]`},
		{"aa", "aaa", `[2,[0,"a"]]`},
		{"é", "è", `[[1,"è"]]`},
		{"a\u00e9", "a\u00a9", `[1,[1,"©"]]`},
	} {
		if got := form(t, changes.FromDiff(c.before, c.after)); got != c.want {
			t.Errorf("%q to %q: %s, want %s", c.before, c.after, got, c.want)
		}
	}
	pieces := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "\n", "é", "è", "😀", "😁", "→"}), 0, 12)
	rapid.Check(t, func(t *rapid.T) {
		before, after := strings.Join(pieces.Draw(t, "before"), ""), strings.Join(pieces.Draw(t, "after"), "")
		set := changes.FromDiff(before, after)
		if got, err := set.Apply(before); err != nil || got != after {
			t.Fatalf("%q to %q by %s: %q, %v", before, after, form(t, set), got, err)
		}
	})
}

// TestConverge: two typists in one source, each seeing the other's edit late, end with the same text.
func TestConverge(t *testing.T) {
	edit := func(t *rapid.T, source, name string) changes.Set {
		runes := []rune(source)
		from := rapid.IntRange(0, len(runes)).Draw(t, name+" from")
		to := rapid.IntRange(from, len(runes)).Draw(t, name+" to")
		put := rapid.SampledFrom([]string{"", "x", "1\n2", "😀"}).Draw(t, name+" put")
		return changes.FromDiff(source, string(runes[:from])+put+string(runes[to:]))
	}
	rapid.Check(t, func(t *rapid.T) {
		source := strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "\n", "é", "😀"}), 0, 10).Draw(t, "source"), "")
		a, b := edit(t, source, "a"), edit(t, source, "b")
		one, two := both(t, source, a, b, false), both(t, source, b, a, true)
		if one != two {
			t.Fatalf("%q: a %s, b %s: %q and %q", source, form(t, a), form(t, b), one, two)
		}
	})
}

// both applies first, then second moved over it.
func both(t *rapid.T, source string, first, second changes.Set, before bool) string {
	moved, err := second.Map(first, before)
	if err != nil {
		t.Fatal(err)
	}
	joined, err := first.Compose(moved)
	if err != nil {
		t.Fatal(err)
	}
	got, err := joined.Apply(source)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{`[]`, `[1,[2],[0,"a","b"],3]`, `[[0,"\ud83d\ude00"]]`, `[[0,"\ud83d"]]`, `[[`, `[1e3]`} {
		f.Add([]byte(seed), "some text 😀")
	}
	f.Fuzz(func(t *testing.T, data []byte, source string) {
		s, err := changes.Decode(data)
		if err != nil {
			return
		}
		again := decode(t, []byte(form(t, s)))
		if form(t, again) != form(t, s) {
			t.Fatalf("%s becomes %s", form(t, s), form(t, again))
		}
		if got, err := s.Apply(source); err == nil && utf8.ValidString(source) && !utf8.ValidString(got) {
			t.Fatalf("%q", got)
		}
		_, _ = s.Map(s, true)
		_, _ = s.Compose(s)
		_, _ = s.Invert(source)
	})
}

func BenchmarkApply(b *testing.B) {
	source := strings.Repeat("x = compute(y)\n", 1000)
	set := decode(b, []byte(`[7000,[0,"a"],8000]`))
	b.SetBytes(int64(len(source)))
	for b.Loop() {
		if _, err := set.Apply(source); err != nil {
			b.Fatal(err)
		}
	}
}
