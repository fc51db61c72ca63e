package protocol

import "testing"

// What is written by hand is what encoding/json writes.
func TestTextPutEncoded(t *testing.T) {
	for _, e := range []TextPut{
		{}, {CellID: "c", OutputID: "o1", At: 12, Skipped: 3, Text: "a line\nwith \"quotes\" and \\, é 😀 \x1b[31m", TailAt: 7, Raw: "not sent"},
		{CellID: `"`, OutputID: "<&>", Text: "<b>&amp;</b>\b\f"},
	} {
		got, err := EncodeEvent(e)
		if err != nil {
			t.Fatal(err)
		}
		want, err := encodeTagged(e.EventType(), e)
		if err != nil || string(got) != string(want) {
			t.Errorf("%s\nwant %s %v", got, want, err)
		}
	}
}
