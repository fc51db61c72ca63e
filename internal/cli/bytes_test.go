package cli

import "testing"

func TestByteCount(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "300000000": 300_000_000, "512M": 512 << 20, "8G": 8 << 30, "8GiB": 8 << 30, "2gb": 2 << 30, "1t": 1 << 40} {
		var got byteCount
		if err := got.Set(text); err != nil || int64(got) != want {
			t.Errorf("%s is %d, want %d: %v", text, got, want, err)
		}
	}
	for _, text := range []string{"", "G", "-1", "1.5G", "8X", "9000000T", "8 G"} {
		var got byteCount
		if err := got.Set(text); err == nil {
			t.Errorf("%q is taken as %d", text, got)
		}
	}
}
