package bench

import (
	"encoding/binary"
	"strings"
	"testing"
	"time"
)

func TestSummarise(t *testing.T) {
	var values []float64
	for i := 100; i > 0; i-- {
		values = append(values, float64(i))
	}
	if got := summarise(values); got != (Stat{N: 100, P50: 51, P99: 100, Max: 100}) {
		t.Errorf("got %+v", got)
	}
	if got := summarise([]float64{7}); got != (Stat{N: 1, P50: 7, P99: 7, Max: 7}) {
		t.Errorf("got %+v", got)
	}
}

func TestReport(t *testing.T) {
	report := Report{Systems: []string{"kernel itself", "Runnel"}, Figures: []Figure{
		{Name: figureTrip, Unit: "ms", Values: map[string]Stat{"kernel itself": {N: 9, P50: 3}, "Runnel": {N: 9, P50: 4.5, P99: 6}}},
		{Name: figurePrint, Unit: "ms", Values: map[string]Stat{"Runnel": {N: 9, P50: 2, P99: 11}}},
		{Name: figureLines, Unit: "lines/s", Values: map[string]Stat{"kernel itself": {N: 3, P50: 100_000}, "Runnel": {N: 3, P50: 90_000}}},
		{Name: figureKept, Unit: "MiB", Values: map[string]Stat{}},
	}}
	judge(&report)
	var got []bool
	for _, figure := range report.Figures {
		got = append(got, *figure.Met)
	}
	if want := []bool{true, false, true, false}; got[0] != want[0] || got[1] != want[1] || got[2] != want[2] || got[3] != want[3] {
		t.Errorf("met %v, want %v", got, want)
	}
	if report.Met() {
		t.Error("all is met")
	}
	var text strings.Builder
	if err := report.Print(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"4.50 / 6.00", "1.50", "≤ floor + 2", "✓", "✗"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%q is not in\n%s", want, text.String())
		}
	}
}

func TestStamps_inPieces(t *testing.T) {
	var s stamps
	at := time.Unix(100, 0)
	for _, piece := range []string{"99.9", "98\n99.9", "99\nen", "d\n"} {
		if err := s.take(event{kind: printed, text: piece, at: at}); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.late) != 2 || s.late[0] < 1.9 || s.late[0] > 2.1 || !s.end {
		t.Errorf("%+v", s)
	}
	if err := s.take(event{kind: printed, text: "Traceback\n", at: at}); err == nil {
		t.Error("a line that is no time was taken")
	}
}

func TestSplitOffsets(t *testing.T) {
	frame := binary.LittleEndian.AppendUint64(nil, 6)
	offset := uint64(8 * 7)
	for _, size := range []uint64{0, 2, 1, 0, 0, 3} {
		offset += size
		frame = binary.LittleEndian.AppendUint64(frame, offset)
	}
	frame = append(frame, "abcdef"...)
	parts, err := splitOffsets(frame)
	if err != nil || len(parts) != 5 || string(parts[0]) != "ab" || string(parts[4]) != "def" {
		t.Errorf("%q, %v", parts, err)
	}
	for cut := range frame {
		if _, err := splitOffsets(frame[:cut]); err == nil {
			t.Errorf("a frame of %d bytes was taken", cut)
		}
	}
}

func TestMostWithin(t *testing.T) {
	var begun time.Time
	var times []time.Time
	for _, ms := range []int{5000, 0, 900, 1000, 1001, 1800, 4500} { // in any order
		times = append(times, begun.Add(time.Duration(ms)*time.Millisecond))
	}
	if got := mostWithin(times, time.Second); got != 4 { // 900 to 1800
		t.Errorf("%d, want 4", got)
	}
	if got := mostWithin(nil, time.Second); got != 0 {
		t.Errorf("%d of none", got)
	}
}

func TestWorst(t *testing.T) {
	report := Report{Figures: []Figure{
		{Name: figureCut, Values: map[string]Stat{"Runnel": {N: 3, P50: 1, P99: 1, Max: 16}}},
		{Name: figureSlept, Values: map[string]Stat{"Runnel": {N: 3, P50: 14, P99: 14, Max: 15}}},
		{Name: figureKilled, Values: map[string]Stat{}},
	}}
	judge(&report)
	for i, want := range []bool{false, true, false} {
		if f := report.Figures[i]; f.Met == nil || *f.Met != want || f.Must != "≤ 15 always" {
			t.Errorf("%s: must %q, met %v", f.Name, f.Must, f.Met)
		}
	}
}
