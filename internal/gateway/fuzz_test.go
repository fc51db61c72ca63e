package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/internal/protocol"
)

// answerCodes are all that a client may be told of a message (P9).
var answerCodes = []string{
	protocol.CodeInvalid, codeUnknownType, codeMissingField, protocol.CodeUnknownCell, protocol.CodeNotFound, protocol.CodeUnavailable,
	protocol.CodeTooLarge, protocol.CodeForbidden, protocol.CodeUnauthorized,
}

// Whatever a client sends, line by line, it gets JSON back, each refusal with a known code; and a line that was not closed for a stated reason
// still answers a ping. The client is a page when its first line is a hello.
func FuzzMessages(f *testing.F) {
	for _, seed := range []string{
		`{"type":"execute","code":"print(1)","cell_id":"a","streaming":true}`,
		`{"type":"input_reply","value":"x","request_id":"q"}` + "\n" + `{"type":"interrupt"}`,
		`{"type":`, `[{}]`, `null`, `{"type":null}`, `{"type":"execute","code":7}`, "\xff\xfe", `{"type":"hello","protocol":2}`,
		hello + "\n" + `{"type":"edit","cmd_id":"c","notebook":"n.ipynb","cell_id":"a","version":3,"changes":[1,[0,"x"]]}`,
		hello + "\n" + `{"type":"subscribe","sub":"1","notebook":"../evil","epoch":"e1","n":18446744073709551615}`,
		hello + "\n" + `{"type":"request","req_id":"q","notebook":"n.ipynb","kind":"complete","code":"a","cursor":-1}` + "\n" + `{"type":"unsubscribe","sub":"1"}`,
		hello + "\n" + `{"type":"run","cmd_id":"` + "\\u0000" + `","notebook":"later.ipynb"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		lines := bytes.Split(in, []byte("\n"))
		if len(lines) > 50 {
			lines = lines[:50]
		}
		ctx, stop := context.WithCancel(context.Background())
		c := newFakeTransport()
		ended := make(chan error, 1)
		go func() { ended <- Serve(ctx, c, Params{Hub: newFakeHub("n.ipynb"), Notebook: "n.ipynb"}) }()
		talk(t, c, lines)
		c.Close(1000, "")
		stop()
		<-ended
	})
}

// talk sends the lines and a ping, and reads until that is answered or the line is closed.
func talk(t *testing.T, c *fakeTransport, lines [][]byte) {
	t.Helper()
	for _, line := range append(lines, []byte(`{"type":"ping"}`)) {
		if len(line) == 0 {
			continue // nil is how the fake says "too large"
		}
		select {
		case c.in <- line:
		case <-c.closed:
			checkEnding(t, c.ending)
			return
		}
	}
	for {
		select {
		case data := <-c.out:
			var m struct{ Type, Code string }
			if err := json.Unmarshal(data, &m); err != nil || m.Type == "" || len(data) > protocol.MaxFrame {
				t.Fatalf("%v: %.300s", err, data)
			}
			if m.Type == "error" && !slices.Contains(answerCodes, m.Code) {
				t.Fatalf("code %q: %s", m.Code, data)
			}
			if m.Type == "ping" {
				return
			}
		case <-c.closed:
			checkEnding(t, c.ending)
			return
		case <-time.After(10 * time.Second):
			t.Fatal("the ping is not answered")
		}
	}
}

func checkEnding(t *testing.T, end Ending) {
	t.Helper()
	if end.Code < protocol.CloseRestarting || end.Code > protocol.CloseSilent || end.Reason == "" {
		t.Fatalf("closed with %v", end)
	}
}
