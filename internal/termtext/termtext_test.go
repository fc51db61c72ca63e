package termtext

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the samples in testdata/protocol/termtext anew")

// screen applies edits to a whole text, in UTF-16.
type screen struct{ text []uint16 }

func (s *screen) apply(e Edit) {
	s.text = append(slices.Clip(s.text[:e.At]), utf16.Encode([]rune(e.Text))...)
}

func (s *screen) String() string { return string(utf16.Decode(s.text)) }

// show is the text after all chunks, checking each edit on the way.
func show(t rapid.TB, chunks ...string) string {
	t.Helper()
	var b Buffer
	var s screen
	for _, chunk := range chunks {
		before := s.String()
		e, changed := b.Write(chunk)
		if changed {
			if e.At < 0 || e.At > int64(len(s.text)) || !utf8.ValidString(e.Text) {
				t.Fatalf("%q: edit %+v of %d units", chunk, e, len(s.text))
			}
			s.apply(e)
		}
		if (s.String() != before) != changed {
			t.Fatalf("%q: changed is %v", chunk, changed)
		}
		if b.Len() != int64(len(s.text)) {
			t.Fatalf("%q: length %d, want %d", chunk, b.Len(), len(s.text))
		}
	}
	return s.String()
}

func TestWrite(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"plain", "one\ntwo\n", "one\ntwo\n"},
		{"carriage return and line feed", "one\r\ntwo\r\n", "one\ntwo\n"},
		{"overwrite", "abcdef\rxy", "xycdef"},
		{"carriage return alone", "abc\r", "abc"},
		{"backspace", "abc\b\bX", "aXc"},
		{"backspace and blank", "abc\b \b\b \b", "a  "},
		{"erase right", "abcdef\rxy\x1b[K", "xy"},
		{"erase left", "abcdef\x1b[3D\x1b[1K", "    ef"},
		{"erase line", "abc\x1b[2K\rd", "d"},
		{"erase line keeps the column", "abc\x1b[2Kd", "   d"},
		{"cursor up", "one\ntwo\nthree\x1b[2A\rONE", "ONE\ntwo\nthree"},
		{"cursor up and down", "one\ntwo\n\x1b[2A1\x1b[1B\r2\n3", "1ne\n2wo\n3"},
		{"cursor up too far", "one\ntwo\x1b[99A\rX", "Xne\ntwo"},
		{"column", "abcdef\x1b[3GX", "abXdef"},
		{"right of the end", "a\x1b[3Cb", "a   b"},
		{"previous and next line", "one\ntwo\x1b[FX\x1b[EY", "Xne\nYwo"},
		{"erase below", "one\ntwo\nthree\x1b[2A\r\x1b[J", ""},
		{"erase all", "one\ntwo\x1b[H\x1b[2Jnew", "new"},
		{"bell and others", "a\a\x00\x0e\x7fb", "ab"},
		{"form feed", "ab\fc", "ab\n  c"},
		{"colours pass", "\x1b[31mred\x1b[0m\n\x1b[1;38;5;9mx", "\x1b[31mred\x1b[0m\n\x1b[1;38;5;9mx"},
		{"colour overwritten in part", "\x1b[31mAAAA\x1b[0m\rB", "B\x1b[31mAAA\x1b[0m"},
		{"colour across lines", "\x1b[31mone\ntwo\x1b[0m\x1b[1A\rX\nY", "X\x1b[31mne\x1b[0m\nY\x1b[31mwo\x1b[0m"},
		{"private sequences", "\x1b[?25la\x1b[?25hb\x1b[>4;1mc\x1b(Bd\x1b7e\x1b=f", "abcdef"},
		{"title", "\x1b]0;title\aa\x1b]2;other\x1b\\b", "ab"},
		{"link", "\x1b]8;;http://a.b/\athere\x1b]8;;\a!", "\x1b]8;;http://a.b/\x1b\\there\x1b]8;;\x1b\\!"},
		{"device string", "a\x1bP1;2|abc\x1b\\b", "ab"},
		{"broken off by a line break", "a\x1b]0;title\nb\x1b[3\nc", "a\nb\nc"},
		{"wide overwritten by half", "日本\rx", "x 本"},
		{"wide over narrow", "abcd\r日", "日cd"},
		{"combining", "e\u0301x\rE", "Ex"},
		{"tab moves over text", "abcdefghij\r\tX", "abcdefghXj"},
		{"tab at the end", "ab\tc\rX", "Xb\tc"},
		{"tab split", "ab\tc\r\x1b[4CX", "ab  X   c"},
		{"invalid", "a\xffb\xc3", "a\uFFFDb"},
		{"control of the second kind", "a\u009bb\u0085c", "abc"},
		{"tqdm", "\r  0%|          | 0/2\r 50%|█████     | 1/2\r100%|██████████| 2/2\n", "100%|██████████| 2/2\n"},
		{"keras", "Epoch 1\n\x1b[1m1/2\x1b[0m \x1b[32m━━\x1b[0m\x1b[37m━━\x1b[0m\b\b\b\b\b\b\b\r\x1b[1m2/2\x1b[0m \x1b[32m━━━━\x1b[0m\x1b[37m\x1b[0m ok\n",
			"Epoch 1\n\x1b[1m2/2\x1b[0m \x1b[32m━━━━\x1b[0m ok\n"},
		{"pip", "\x1b[?25l   \x1b[90m━━━━\x1b[0m 0/9\r\x1b[2K   \x1b[91m━━\x1b[0m\x1b[90m━━\x1b[0m 4/9\r\x1b[2K   \x1b[32m━━━━\x1b[0m 9/9\n\x1b[?25h",
			"   \x1b[32m━━━━\x1b[0m 9/9\n"},
		{"nested tqdm", "out:   0%\n\nin:   0%\x1b[A\x1b[A\rout:  50%\n\n\rin:  99%\x1b[A\x1b[A\rout: 100%\n\n", "out: 100%\n\nin:  99%"},
		{"rich", "a\x1b[32m--\x1b[0m 1\nb 1\r\x1b[2K\x1b[1A\x1b[2Ka\x1b[32m==\x1b[0m 2\nb 2", "a\x1b[32m==\x1b[0m 2\nb 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := show(t, c.in); got != c.want {
				t.Errorf("at once: %q, want %q", got, c.want)
			}
			if got := show(t, bytewise(c.in)...); got != c.want {
				t.Errorf("byte by byte: %q, want %q", got, c.want)
			}
		})
	}
}

func bytewise(s string) (chunks []string) {
	for i := range len(s) {
		chunks = append(chunks, s[i:i+1])
	}
	return chunks
}

func TestEditsAreSmall(t *testing.T) {
	var b Buffer
	b.Write("first\nabc 10%")
	for _, c := range []struct {
		in      string
		want    Edit
		changed bool
	}{
		{"\rabc 20%", Edit{10, "20%"}, true},
		{"\rabc 20%", Edit{}, false},
		{"!", Edit{13, "!"}, true},
		{"\nnext", Edit{14, "\nnext"}, true},
		{"😀", Edit{19, "😀"}, true},
		{" x", Edit{21, " x"}, true},
		{"\r", Edit{}, false},
		{"nexT", Edit{18, "T😀 x"}, true},
		{"\x1b[31mred", Edit{19, "\x1b[31mred\x1b[0mx"}, true},
		{"\b\b\b\x1b[32mred", Edit{19, "\x1b[32mred\x1b[0mx"}, true},
	} {
		e, changed := b.Write(c.in)
		if changed != c.changed || changed && e != c.want {
			t.Errorf("%q: %+v, %v, want %+v", c.in, e, changed, c.want)
		}
	}
}

// printed makes what programs print, and what none does.
var printed = rapid.Custom(func(t *rapid.T) string {
	pieces := []string{
		"a", "bc", "x y", "Epoch", "█", "━━", "é", "日本", "😀", "👩\u200d👧", "e\u0301", "\t", "\n", "\n", "\r", "\r", "\r\n", "\b", "\b\b",
		"\x1b[K", "\x1b[1K", "\x1b[2K", "\x1b[A", "\x1b[2A", "\x1b[B", "\x1b[C", "\x1b[3C", "\x1b[2D", "\x1b[4G", "\x1b[J", "\x1b[0m", "\x1b[31m",
		"\x1b[1;32m", "\x1b[39m", "\x1b[38;5;200m", "\x1b[48;2;1;2;3m", "\x1b]8;;u\x07", "\x1b]8;;\x1b\\", "\x1b[?25l", "\x1b[m", "\a",
	}
	return strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 40).Draw(t, "pieces"), "")
})

func cutAnywhere(t *rapid.T, s string) (chunks []string) {
	for s != "" {
		n := rapid.IntRange(1, min(len(s), 12)).Draw(t, "chunk")
		chunks = append(chunks, s[:n])
		s = s[n:]
	}
	return chunks
}

func TestLikeTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := printed.Draw(t, "printed")
		var m model
		m.run(s)
		text := show(t, s)
		if diff := cmp.Diff(m.look(), lookOf(text)); diff != "" {
			t.Fatalf("%q gives %q\n%s", s, text, diff)
		}
		if cut := show(t, cutAnywhere(t, s)...); cut != text {
			t.Fatalf("%q\nat once %q\nin cuts %q", s, text, cut)
		}
	})
}

// long makes texts that go over every limit: rows, bytes, columns.
var long = rapid.Custom(func(t *rapid.T) string {
	pieces := []string{
		strings.Repeat("line\n", 1500), strings.Repeat("0123456789", 900), strings.Repeat("wide日", 3000), "\x1b[999A", "\x1b[1500A\rTOP", "\r", "\n", "x",
		"\x1b[31m", "\x1b[0m", strings.Repeat("\u0301", 9000), "\x1b[J", strings.Repeat("\x1b[1mb\x1b[0m", 3000), strings.Repeat(strings.Repeat("y", 99)+"\n", 3000),
		"\x1b[2J", "\b\b\b", "\x1b[500B", "\x1b[4000C", strings.Repeat("z", 300_000), "e",
	}
	return strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 8).Draw(t, "pieces"), "")
})

func TestCutsChangeNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := long.Draw(t, "printed")
		want := show(t, s)
		var chunks []string
		for rest := s; rest != ""; {
			n := rapid.IntRange(min(len(rest), len(s)/9+1), len(rest)).Draw(t, "chunk")
			chunks = append(chunks, rest[:n])
			rest = rest[n:]
		}
		if got := show(t, chunks...); got != want {
			n := commonPrefix(want, got)
			t.Fatalf("%d bytes in %d cuts: %d and %d bytes, different from %d on", len(s), len(chunks), len(want), len(got), n)
		}
	})
}

func TestRowsThatLeave(t *testing.T) {
	lines := strings.Repeat("line\n", 1500)
	got := show(t, lines, "\x1b[2000A\rTOP")
	if want := strings.Repeat("line\n", 501) + "TOPe\n" + strings.Repeat("line\n", 998); got != want {
		t.Errorf("the cursor goes up to line %d of %d", strings.Count(got[:strings.Index(got, "TOP")], "\n"), strings.Count(got, "\n"))
	}
	wide := strings.Repeat("0123456789", 1000)
	if got, want := show(t, wide, "\rX"), wide[:8192]+"X"+wide[8193:]; got != want {
		t.Errorf("a long line is overwritten at %d", strings.IndexByte(got, 'X'))
	}
}

func TestRoundTrip(t *testing.T) {
	check := func(t *rapid.T, s string) {
		at := rapid.IntRange(0, len(s)).Draw(t, "cut")
		var whole, first, second Buffer
		whole.Write(s[:at])
		first.Write(s[:at])
		data, err := json.Marshal(&first)
		if err != nil {
			t.Fatal(err)
		}
		if len(data) > 6<<20 {
			t.Fatalf("%d bytes", len(data))
		}
		if err := json.Unmarshal(data, &second); err != nil {
			t.Fatal(err)
		}
		e1, c1 := whole.Write(s[at:])
		e2, c2 := second.Write(s[at:])
		if e1 != e2 || c1 != c2 || whole.Len() != second.Len() {
			t.Fatalf("%.300q then %.300q: %.300v, after a round trip %.300v\n%.500s", s[:at], s[at:], e1, e2, data)
		}
	}
	t.Run("short", func(t *testing.T) { rapid.Check(t, func(t *rapid.T) { check(t, printed.Draw(t, "printed")) }) })
	t.Run("long", func(t *testing.T) { rapid.Check(t, func(t *rapid.T) { check(t, long.Draw(t, "printed")) }) })
}

func TestConflate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var whole, joined screen
		var b Buffer
		var sum Edit
		for i := range rapid.IntRange(1, 6).Draw(t, "writes") {
			e, changed := b.Write(printed.Draw(t, "printed"))
			if !changed {
				e = Edit{At: b.Len()}
			}
			whole.apply(e)
			if sum = Conflate(sum, e); i == 0 {
				sum = e
			}
		}
		joined.apply(sum)
		if whole.String() != joined.String() {
			t.Fatalf("%q and %q", whole.String(), joined.String())
		}
	})
}

func TestStyles(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""}, {"0", ""}, {"1;31", "\x1b[1;31m"}, {"91;101", "\x1b[91;101m"}, {"38;5;3", "\x1b[33m"}, {"38;5;200", "\x1b[38;5;200m"},
		{"38:2::1:2:3", "\x1b[38;2;1;2;3m"}, {"38:2:1:2:3", "\x1b[38;2;1;2;3m"}, {"48;2;1;2;3;4", "\x1b[4;48;2;1;2;3m"}, {"58;5;1", "\x1b[58;5;1m"},
		{"1;22", ""}, {"4:3", "\x1b[4m"}, {"4;4:0", ""}, {"38", ""}, {"38;5", ""}, {"38;2;1", ""}, {"7;27;9", "\x1b[9m"}, {"999;x", ""},
	} {
		var s *style
		if got := change(nil, s.sgr(c.in)); got != c.want {
			t.Errorf("%q: %q, want %q", c.in, got, c.want)
		}
	}
	red, link := (*style)(nil).sgr("31"), (&style{link: ";u"})
	if got := change(red, link); got != "\x1b]8;;u\x1b\\\x1b[0m" {
		t.Errorf("%q", got)
	}
	if got := change(link, red); got != "\x1b]8;;\x1b\\\x1b[31m" {
		t.Errorf("%q", got)
	}
}

func FuzzWrite(f *testing.F) {
	f.Add("abc\rd\x1b[31me\n\x1b[A\x1b[Kf", 3)
	f.Add("\x1b]8;;x\x1b\\y\b\x1b[2J", 7)
	f.Add("日\t\xff\xc3\x1b[38:2::1m", 1)
	f.Fuzz(func(t *testing.T, s string, cut int) {
		cut = min(max(cut, 0), len(s))
		if once, twice := show(t, s), show(t, s[:cut], s[cut:]); once != twice {
			t.Fatalf("%q cut at %d: %q and %q", s, cut, once, twice)
		}
	})
}

func FuzzUnmarshal(f *testing.F) {
	f.Add([]byte(`{"total":3,"rows":[{"text":"abc","cells":true}],"in_rows":true,"col":2}`), "x\n")
	f.Add([]byte(`{"rows":[{"text":"\u001b"}],"tail":"\u001b[","pen":"\u001b"}`), "\rx\x1b[A")
	f.Fuzz(func(t *testing.T, data []byte, s string) {
		var b Buffer
		if json.Unmarshal(data, &b) == nil {
			b.Write(s)
		}
	})
}

// sample is a file in testdata/protocol/termtext: printed chunks, the edits they give, and the text that they make.
type sample struct {
	Name   string   `json:"name"`
	Chunks []string `json:"chunks"`
	Edits  []Edit   `json:"edits"` // one a chunk that changed something
	Text   string   `json:"text"`
}

func TestSamples(t *testing.T) {
	dir := filepath.Join("..", "..", "testdata", "protocol", "termtext")
	for name, chunks := range map[string][]string{
		"plain":        {"one\n", "two\nthr", "ee\n"},
		"tqdm":         {"\r  0%|          | 0/3", "\r 33%|███▎      | 1/3", "\r 67%|██████▋   | 2/3", "\r100%|██████████| 3/3", "\n"},
		"nested-tqdm":  {"out:   0%\n", "in:   0%", "\rin: 100%", "\x1b[A\rout: 100%", "\n", "\ndone\n"},
		"keras":        {"Epoch 1/2\n", "\x1b[1m1/9\x1b[0m \x1b[32m━\x1b[0m\x1b[37m━━━\x1b[0m", "\b\b\b\r\x1b[1m9/9\x1b[0m \x1b[32m━━━━\x1b[0m\x1b[37m\x1b[0m\n"},
		"pip":          {"\x1b[?25l", "   \x1b[90m━━━━\x1b[0m 0/9", "\r\x1b[2K   \x1b[91m━━\x1b[0m\x1b[90m━━\x1b[0m 4/9", "\r\x1b[2K   \x1b[32m━━━━\x1b[0m 9/9\n", "\x1b[?25h"},
		"cut-sequence": {"a\x1b", "[3", "1mred\x1b[", "0m \xf0\x9f", "\x98\x80\r", "\x1b[K!"},
		"emoji":        {"😀😀\n", "😀😀", "\b\bx", "\x1b[A\r日"},
		"links":        {"\x1b]8;;https://example.org/\x07here\x1b]8;;\x07", "\rT"},
	} {
		t.Run(name, func(t *testing.T) { checkSample(t, filepath.Join(dir, name+".json"), name, chunks) })
	}
}

func checkSample(t *testing.T, path, name string, chunks []string) {
	var b Buffer
	var text screen
	got := sample{Name: name, Chunks: chunks}
	for i, chunk := range chunks {
		if e, changed := b.Write(chunk); changed {
			got.Edits = append(got.Edits, e)
			text.apply(e)
		}
		if !utf8.ValidString(chunk) { // JSON cannot hold it: written as bytes, one character each
			got.Chunks[i] = latin(chunk)
		}
	}
	got.Text = text.String()
	if *update {
		data, err := json.MarshalIndent(got, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, append(data, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (go test -run TestSamples -update writes it)", err)
	}
	var want sample
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func latin(s string) string {
	out := make([]rune, 0, len(s))
	for _, c := range []byte(s) {
		out = append(out, rune(c))
	}
	return string(out)
}
