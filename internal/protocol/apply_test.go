package protocol

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write testdata/protocol anew")

const samples = "../../testdata/protocol"

type eventFile struct {
	Before *State            `json:"before"`
	Events []json.RawMessage `json:"events"`
	After  *State            `json:"after"`
}

func encodeFile(t *testing.T, v any) []byte {
	t.Helper()
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func checkFile(t *testing.T, name string, want []byte) []byte {
	t.Helper()
	path := filepath.Join(samples, name+".json")
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (write it with go test ./internal/protocol -update)", err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs from the sample in samples_test.go (-update writes it anew):\n%s", path, diff)
	}
	return got
}

func TestApplySamples(t *testing.T) {
	all := eventSamples()
	for tag := range eventDecoders {
		t.Run(tag, func(t *testing.T) {
			events, ok := all[tag]
			if !ok {
				t.Fatal("no sample of this event")
			}
			file := eventFile{Before: sampleState(), After: sampleState()}
			for _, e := range events {
				if e.EventType() != tag {
					t.Fatalf("sample holds a %s", e.EventType())
				}
				raw, err := EncodeEvent(e)
				if err != nil {
					t.Fatal(err)
				}
				file.Events = append(file.Events, raw)
				file.After.Apply(e)
			}
			data := checkFile(t, "events/"+tag, encodeFile(t, file))
			replaySample(t, data)
		})
	}
}

// replaySample does what the page's test does: decode, apply, compare.
func replaySample(t *testing.T, data []byte) {
	t.Helper()
	var file eventFile
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	state := file.Before.Clone()
	for _, raw := range file.Events {
		e, err := DecodeEvent(raw)
		if err != nil {
			t.Fatal(err)
		}
		state.Apply(e)
		again, err := EncodeEvent(e)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(compact(t, raw), compact(t, again)); diff != "" {
			t.Errorf("event does not survive decoding:\n%s", diff)
		}
		once := state.Clone()
		state.Apply(e) // P24
		if diff := cmp.Diff(once, state); diff != "" {
			t.Errorf("applying %s twice changes something:\n%s", raw, diff)
		}
	}
	if diff := cmp.Diff(string(encodeFile(t, file.After)), string(encodeFile(t, state))); diff != "" {
		t.Errorf("state after the events (-want +got):\n%s", diff)
	}
}

func compact(t *testing.T, raw []byte) string {
	t.Helper()
	var buf bytes.Buffer
	if err := json.Compact(&buf, raw); err != nil {
		t.Fatal(err)
	}
	return buf.String()
}

func TestMessageSamples(t *testing.T) {
	for name, v := range messageSamples() {
		t.Run(name, func(t *testing.T) {
			data := checkFile(t, name, encodeFile(t, v))
			p := newLike(t, v)
			dec := json.NewDecoder(bytes.NewReader(data))
			dec.DisallowUnknownFields()
			if err := dec.Decode(p); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(data), string(encodeFile(t, p))); diff != "" {
				t.Errorf("does not survive decoding:\n%s", diff)
			}
		})
	}
}

func TestTextPut(t *testing.T) {
	long := strings.Repeat("0123456789", 20_000)
	tests := []struct {
		name string
		puts []TextPut
		want Text
	}{
		{"head fills before tail", []TextPut{{At: 0, Text: long}, {At: 200_000, Text: long}},
			Text{Head: (long + long)[:HeadMax], Tail: (long + long)[HeadMax:], TailAt: HeadMax, Total: 400_000}},
		{"a pair at the border goes to the tail", []TextPut{{At: 0, Text: (long + long)[:HeadMax-1] + "😀x"}},
			Text{Head: (long + long)[:HeadMax-1], Tail: "😀x", TailAt: HeadMax - 1, Total: HeadMax + 2}},
		{"back into the head", []TextPut{{At: 0, Text: long + long}, {At: 3, Text: "x"}}, Text{Head: "012x", TailAt: 4, Total: 4}},
		{"tail dropped, then back into what was dropped", []TextPut{{At: 0, Text: long + long + long, TailAt: 500_000}, {At: 400_000, Text: "x"}},
			Text{Head: (long + long)[:HeadMax], Tail: "x", TailAt: 400_000, Total: 400_001}},
		{"past the end", []TextPut{{At: 0, Text: "ab"}, {At: 3, Text: "x"}}, Text{Head: "ab", TailAt: 2, Total: 2}},
		{"before the begin", []TextPut{{At: 0, Text: "ab"}, {At: -1, Text: "x"}}, Text{Head: "ab", TailAt: 2, Total: 2}},
		{"between the halves of a pair", []TextPut{{At: 0, Text: "a😀"}, {At: 2, Text: "x"}}, Text{Head: "a😀", TailAt: 3, Total: 3}},
		{"between the halves of a pair of the tail", []TextPut{{At: 0, Text: (long + long)[:HeadMax] + "😀"}, {At: HeadMax + 1, Text: "x"}},
			Text{Head: (long + long)[:HeadMax], Tail: "😀", TailAt: HeadMax, Total: HeadMax + 2}},
		{"past the end drops nothing", []TextPut{{At: 0, Text: long + long}, {At: 400_001, Text: "x", TailAt: 300_000}},
			Text{Head: (long + long)[:HeadMax], Tail: (long + long)[HeadMax:], TailAt: HeadMax, Total: 400_000}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got Text
			for _, p := range tt.puts {
				got.Put(p.At, p.Text, p.TailAt)
			}
			if !got.Equal(tt.want) {
				t.Errorf("got %s, want %s", brief(got), brief(tt.want))
			}
		})
	}
}

func TestTextPut_grows_like_a_fresh_copy(t *testing.T) {
	piece := rapid.StringOfN(rapid.SampledFrom([]rune("ab\n😀é")), 0, 40, -1)
	rapid.Check(t, func(t *rapid.T) {
		var grown Text
		grown.Put(0, strings.Repeat("0123456789abcdef", HeadMax/16-2), 0)
		var copies, were []Text
		for range rapid.IntRange(1, 60).Draw(t, "puts") {
			fresh := Text{Head: strings.Clone(grown.Head), Tail: strings.Clone(grown.Tail), TailAt: grown.TailAt, Total: grown.Total}
			at := max(0, grown.Total-int64(rapid.SampledFrom([]int{0, 0, 0, 0, 1, 7, 90}).Draw(t, "back")))
			drop := int64(0)
			if rapid.IntRange(0, 5).Draw(t, "drop") == 0 {
				drop = at
			}
			text := piece.Draw(t, "text")
			grown.Put(at, text, drop)
			fresh.Put(at, text, drop)
			if !grown.Equal(fresh) {
				t.Fatalf("grown %s, fresh %s", brief(grown), brief(fresh))
			}
			copies = append(copies, grown, *grown.clone())
			were = append(were, Text{Head: strings.Clone(grown.Head), Tail: strings.Clone(grown.Tail), TailAt: grown.TailAt, Total: grown.Total})
		}
		for i := range were {
			if !copies[2*i].Equal(were[i]) || !copies[2*i+1].Equal(were[i]) {
				t.Fatalf("copy %d changed after it was made", i)
			}
		}
	})
}

func BenchmarkTextPut(b *testing.B) {
	var text Text
	text.Put(0, strings.Repeat("0123456789abcdef", (HeadMax+TailMax)/16), 0)
	for b.Loop() {
		text.Put(text.Total, "one more line of output\n", text.Total-TailMax)
	}
}

func brief(t Text) string {
	return fmt.Sprintf("head %d %q tail %d %q tail_at %d total %d", len(t.Head), tip(t.Head), len(t.Tail), tip(t.Tail), t.TailAt, t.Total)
}

func tip(s string) string { return s[max(0, len(s)-12):] }

func TestUTF16(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "s")
		n := rapid.IntRange(0, UTF16Len(s)).Draw(t, "n")
		i := UTF16Offset(s, n)
		if got := UTF16Len(s[:i]) + UTF16Len(s[i:]); got != UTF16Len(s) {
			t.Fatalf("parts have %d units, the whole %d", got, UTF16Len(s))
		}
		if got := UTF16Len(s[:i]); got != n && got != n-1 {
			t.Fatalf("offset of unit %d is at unit %d", n, got)
		}
	})
}
