package cli

import (
	"fmt"
	"strconv"
	"strings"
)

// byteCount is a flag's number of bytes: 1048576, 1024K, 512M, 8G, also as 8GiB.
type byteCount int64

// String implements pflag.Value.
func (b *byteCount) String() string { return strconv.FormatInt(int64(*b), 10) }

// Type implements pflag.Value.
func (b *byteCount) Type() string { return "bytes" }

// Set implements pflag.Value.
func (b *byteCount) Set(text string) error {
	number := strings.TrimSuffix(strings.TrimSuffix(strings.ToUpper(text), "B"), "I")
	shift := 0
	for i, unit := range []string{"K", "M", "G", "T"} {
		if rest, ok := strings.CutSuffix(number, unit); ok {
			number, shift = rest, 10*(i+1)
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || n<<shift>>shift != n {
		return fmt.Errorf("%q is no number of bytes: write 512M or 8G", text)
	}
	*b = byteCount(n << shift)
	return nil
}
