package session

import (
	"encoding/json"
	"testing"

	"github.com/runnel-dev/runnel/internal/protocol"
)

// What is written by hand is what encoding/json writes, and comes back.
func TestRecordEncoded(t *testing.T) {
	put := protocol.TextPut{CellID: `c"`, OutputID: "o1", Raw: "a line\nwith \"quotes\", \\, é 😀 and \x1b[31m <b>&\b\f"}
	fact, err := encodeFact(put)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := decodeFact(fact); err != nil || got != put {
		t.Errorf("%s is %+v, %v", fact, got, err)
	}
	for _, rec := range []record{
		{Version: 1, At: 7, Facts: []json.RawMessage{}},
		{Version: 1, At: 1_700_000_000_000, KernelID: `k"1`, Record: 1 << 60, Facts: []json.RawMessage{fact, json.RawMessage(`{"type":"x"}`)}},
	} {
		if got, want := string(rec.encode()), string(mustMarshal(rec)); got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
}
