package termtext_test

import (
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/internal/termtext"
)

func benchmarkWrite(b *testing.B, line string) {
	chunk := strings.Repeat(line, 64<<10/len(line))
	var buffer termtext.Buffer
	b.SetBytes(int64(len(chunk)))
	for b.Loop() {
		buffer.Write(chunk)
	}
}

func BenchmarkWritePlain(b *testing.B) { benchmarkWrite(b, strings.Repeat("0123456789", 10)+"\n") }
func BenchmarkWriteUnicode(b *testing.B) {
	benchmarkWrite(b, strings.Repeat("zwölf Boxkämpfer 日本 😀 ", 4)+"\n")
}
func BenchmarkWriteColour(b *testing.B) {
	benchmarkWrite(b, "\x1b[32m2026-01-01\x1b[0m some words of a log line \x1b[1mname\x1b[0m=value\n")
}
func BenchmarkWriteBars(b *testing.B) {
	benchmarkWrite(b, "\r 50%|██████████          | 500/1000 [00:01<00:01, 500.00it/s]")
}
func BenchmarkWriteWindows(b *testing.B) { benchmarkWrite(b, strings.Repeat("0123456789", 10)+"\r\n") }

// BenchmarkOneBar is one update of a bar, as a kernel sends it.
func BenchmarkOneBar(b *testing.B) {
	var buffer termtext.Buffer
	bars := []string{"\r 50%|██████████          | 500/1000 [00:01<00:01]", "\r 51%|██████████▏         | 510/1000 [00:01<00:01]"}
	for i := 0; b.Loop(); i++ {
		buffer.Write(bars[i%2])
	}
}

// BenchmarkSpinner is one update at the end of a long line.
func BenchmarkSpinner(b *testing.B) {
	var buffer termtext.Buffer
	buffer.Write(strings.Repeat("0123456789", 20_000))
	turns := []string{"\b|", "\b/", "\b-"}
	for i := 0; b.Loop(); i++ {
		buffer.Write(turns[i%3])
	}
}
