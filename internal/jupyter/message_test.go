package jupyter_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/runnel-dev/runnel/internal/jupyter"
)

func signer(t testing.TB, key string) *jupyter.Signer {
	t.Helper()
	s, err := jupyter.NewSigner("", key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func sample(t testing.TB, id string) jupyter.Message {
	t.Helper()
	m, err := jupyter.NewMessage("s", id, "execute_request", jupyter.ExecuteRequest{Code: "1 < 2"}, time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestNewMessage(t *testing.T) {
	m := sample(t, "id")
	const header = `{"msg_id":"id","session":"s","username":"runnel","date":"1970-01-01T00:00:00.000000Z","msg_type":"execute_request","version":"5.4"}`
	if string(m.Header) != header {
		t.Errorf("header %s", m.Header)
	}
	const content = `{"code":"1 < 2","silent":false,"store_history":false,"user_expressions":null,"allow_stdin":false,"stop_on_error":false}`
	if string(m.Content) != content {
		t.Errorf("content %s", m.Content)
	}
	if m, err := jupyter.NewMessage("s", "i", "x", nil, time.Now()); err != nil || string(m.Content) != "{}" {
		t.Errorf("%s, %v", m.Content, err)
	}
	if _, err := jupyter.NewMessage("s", "i", "x", func() {}, time.Now()); err == nil {
		t.Error("a function became JSON")
	}
}

func TestParseHeader(t *testing.T) {
	sub := "sub"
	cases := []struct {
		name, raw string
		want      jupyter.Header
		bad       bool
	}{
		{"everything", `{"msg_id":"a","session":"b","username":"c","date":"d","msg_type":"e","version":"f","subshell_id":"sub"}`,
			jupyter.Header{MsgID: "a", Session: "b", Username: "c", Date: "d", MsgType: "e", Version: "f", SubshellID: &sub}, false},
		{"no date, unknown fields", `{"msg_id":"a","msg_type":"e","x":{"y":[1]}}`, jupyter.Header{MsgID: "a", MsgType: "e"}, false},
		{"null subshell", `{"msg_id":"a","subshell_id":null}`, jupyter.Header{MsgID: "a"}, false},
		{"mistyped fields", `{"username":7,"date":null,"msg_id":"a","version":5.3,"msg_type":"e"}`, jupyter.Header{MsgID: "a", MsgType: "e"}, false},
		{"unicode", `{"msg_id":"π\u2028🐍"}`, jupyter.Header{MsgID: "π\u2028🐍"}, false},
		{"empty", `{}`, jupyter.Header{}, false},
		{"not an object", `[]`, jupyter.Header{}, true},
		{"null", `null`, jupyter.Header{}, true},
		{"nothing", ``, jupyter.Header{}, true},
		{"cut", `{"msg_id":"a"`, jupyter.Header{}, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := jupyter.Message{Header: json.RawMessage(c.raw)}.ParseHeader()
			if (err != nil) != c.bad {
				t.Error(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	if h, err := (jupyter.Message{}).ParentHeader(); err != nil || h != (jupyter.Header{}) {
		t.Errorf("no parent: %+v, %v", h, err)
	}
}

func TestDecode(t *testing.T) {
	s := signer(t, "key")
	good := s.Encode(sample(t, "id"))
	change := func(i int, b string) [][]byte {
		f := append([][]byte(nil), good...)
		f[i] = []byte(b)
		return f
	}
	cases := []struct {
		name   string
		frames [][]byte
		err    error
	}{
		{"good", good, nil},
		{"with routing frames", append([][]byte{[]byte("a"), []byte("b")}, good...), nil},
		{"with buffers", append(good[:len(good):len(good)], []byte("buffer"), []byte(jupyter.Delimiter)), nil},
		{"changed header", change(2, "{}"), jupyter.ErrSignature},
		{"changed content", change(5, "{}"), jupyter.ErrSignature},
		{"no signature", change(1, ""), jupyter.ErrSignature},
		{"other signature", change(1, "00"), jupyter.ErrSignature},
		{"no delimiter", change(0, "x"), jupyter.ErrMalformed},
		{"no frames", nil, jupyter.ErrMalformed},
		{"too few", good[:5], jupyter.ErrMalformed},
		{"other key", signer(t, "other").Encode(sample(t, "id")), jupyter.ErrSignature},
		{"unsigned", signer(t, "").Encode(sample(t, "id")), jupyter.ErrSignature},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if _, err := s.Decode(c.frames); !errors.Is(err, c.err) {
				t.Errorf("%v, want %v", err, c.err)
			}
		})
	}
	t.Run("welcome without a topic", func(t *testing.T) {
		m, err := s.Decode(good)
		if err != nil || len(m.Identities) != 0 {
			t.Errorf("%q, %v", m.Identities, err)
		}
	})
	t.Run("empty parts are sent as objects", func(t *testing.T) {
		m, err := s.Decode(s.Encode(jupyter.Message{}))
		if err != nil || string(m.Parent) != "{}" || string(m.Content) != "{}" {
			t.Errorf("%+v, %v", m, err)
		}
	})
	for _, scheme := range []string{"sha256", "hmac-", "hmac-whirlpool", "none"} {
		if _, err := jupyter.NewSigner(scheme, "k"); err == nil {
			t.Errorf("scheme %q was accepted", scheme)
		}
	}
}

func TestReplayGuard(t *testing.T) {
	s, g := signer(t, "key"), jupyter.NewReplayGuard()
	first := s.Encode(sample(t, "first"))
	if err := g.Check(first); err != nil {
		t.Fatal(err)
	}
	if err := g.Check(first); !errors.Is(err, jupyter.ErrReplayed) {
		t.Errorf("again: %v", err)
	}
	if _, err := s.Decode(first); err != nil {
		t.Errorf("decoding again: %v", err)
	}
	unsigned := signer(t, "").Encode(sample(t, "u"))
	if err := errors.Join(g.Check(unsigned), g.Check(unsigned)); err != nil {
		t.Errorf("unsigned: %v", err)
	}
	frames := append([][]byte(nil), first...)
	for i := range 1<<16 - 1 {
		frames[1] = fmt.Appendf(nil, "%d", i)
		if err := g.Check(frames); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.Check(first); !errors.Is(err, jupyter.ErrReplayed) {
		t.Errorf("the oldest remembered: %v", err)
	}
	frames[1] = []byte("one more")
	if err := g.Check(frames); err != nil {
		t.Fatal(err)
	}
	if err := g.Check(first); err != nil {
		t.Errorf("one that was forgotten: %v", err)
	}
}

func TestDecodeContentLeniently(t *testing.T) {
	reply, err := jupyter.Decode[jupyter.ExecuteReply](json.RawMessage(`{"status":"error","execution_count":null,"ename":"E","evalue":3,"traceback":"no list","payload":{},"new":1}`))
	want := jupyter.ExecuteReply{Status: "error", ErrorContent: jupyter.ErrorContent{EName: "E"}}
	if diff := cmp.Diff(want, reply); diff != "" || err != nil {
		t.Error(err, diff)
	}
	display, err := jupyter.Decode[jupyter.DisplayData](json.RawMessage(`{"data":{"text/plain":"a","application/json":{"b": 1.0}},"metadata":{},"transient":{"display_id":"d"}}`))
	if err != nil || display.Transient.DisplayID != "d" || string(display.Data["application/json"]) != `{"b": 1.0}` {
		t.Errorf("%+v, %v", display, err)
	}
	if s, err := jupyter.Decode[jupyter.Stream](json.RawMessage(`{"name":"stdout","text":"\ud83d and \ud83d\udc0d"}`)); err != nil || s.Text != "\ufffd and 🐍" {
		t.Errorf("%q, %v", s.Text, err)
	}
}

func FuzzDecode(f *testing.F) {
	s := signer(f, "key")
	unsigned := signer(f, "")
	join := func(frames [][]byte) []byte { return bytes.Join(frames, []byte{0}) }
	f.Add(join(s.Encode(sample(f, "a"))))
	f.Add(join(append([][]byte{[]byte("topic")}, unsigned.Encode(sample(f, "b"))...)))
	f.Add([]byte("<IDS|MSG>\x00\x00null\x00[]\x00\x00{"))
	f.Fuzz(func(t *testing.T, in []byte) {
		frames := bytes.Split(in, []byte{0})
		if m, err := s.Decode(frames); err == nil {
			if _, err := s.Decode(s.Encode(m)); err != nil {
				t.Fatal("signed and not accepted:", err)
			}
		}
		m, err := unsigned.Decode(frames)
		if err != nil {
			if !errors.Is(err, jupyter.ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		_, _ = m.ParseHeader()
		_, _ = m.ParentHeader()
		_, _ = jupyter.Decode[jupyter.ExecuteReply](m.Content)
		_, _ = jupyter.Decode[jupyter.ExecuteResult](m.Content)
		_, _ = jupyter.Decode[jupyter.KernelInfoReply](m.Content)
		if reply, err := jupyter.Decode[jupyter.ExecuteReply](m.Content); err == nil {
			jupyter.DecodeVariables(reply)
		}
		again, err := unsigned.Decode(unsigned.Encode(m))
		if err != nil || len(again.Buffers) != len(m.Buffers) || len(again.Identities) != len(m.Identities) {
			t.Fatal("changed when sent again:", err)
		}
	})
}

func TestHistoryReply_Inputs(t *testing.T) {
	reply, err := jupyter.Decode[jupyter.HistoryReply]([]byte(`{"status":"ok","history":[[1,1,"a"],[1,2,["b","out"]],[1],[1,3,7],[2,1,"c\nd"]]}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(reply.Inputs(), "|"); got != "a|b|c\nd" {
		t.Errorf("%q", got)
	}
}
