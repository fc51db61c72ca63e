package kernel_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/runnel-dev/runnel/internal/jupyter"
	"github.com/runnel-dev/runnel/internal/kernel"
)

// asked reads on until a question, and answers it.
func asked(t *testing.T, h *history) kernel.Event {
	t.Helper()
	ask := h.until(patience, "a question", func(e kernel.Event) bool { return e.Channel == jupyter.Stdin })
	reply, err := jupyter.NewMessage("test", uuid.NewString(), "input_reply", jupyter.InputReply{Value: "Ada"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	reply.Parent = ask.Msg.Header
	if err := h.k.Send(testContext(t, patience), uuid.NewString(), jupyter.Stdin, reply); err != nil {
		t.Fatal(err)
	}
	return ask
}

// A question that is faster than the text before it, as it goes over another socket, comes after that text. A keeper that waited in vain lets it through,
// and holds nothing else up meanwhile.
func TestQuestionAfterText(t *testing.T) {
	for _, test := range []struct{ name, code, want string }{
		{"the text is late", "ask 1 Name:\nsleep 100ms\nprint question\nsaid 1\nprint more\nawait\nprint got $answer", "question\n"},
		{"what it shall follow is lost", "ask 3 Name:\nprint question\nawait\nprint got $answer", "question\n"},
		{"it follows nothing", "print question\nsleep 100ms\ninput Name:\nprint got $answer", "question\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			k := launch(t, newManager(t), fakeSpec(t))
			if err := k.Ready(testContext(t, patience)); err != nil {
				t.Fatal(err)
			}
			h := newHistory(t, k)
			id := execute(t, k, test.code)
			ask := asked(t, h)
			if got := h.printed(id); len(got) < len(test.want) || got[:len(test.want)] != test.want {
				t.Errorf("asked at record %d, after %q", ask.Record, got)
			}
			h.untilIdle(patience, id)
			for _, e := range h.events {
				if e.Kind == kernel.Message && header(e).MsgType == jupyter.Said {
					t.Errorf("record %d is for the keeper alone", e.Record)
				}
			}
			if err := k.Stop(testContext(t, patience), false); err != nil {
				t.Fatal(err)
			}
			h.untilExit(patience)
		})
	}
	t.Run("the kernel dies meanwhile", func(t *testing.T) {
		k := launch(t, newManager(t), fakeSpec(t))
		if err := k.Ready(testContext(t, patience)); err != nil {
			t.Fatal(err)
		}
		h := newHistory(t, k)
		execute(t, k, "ask 1 Name:\nsleep 100ms\ndie 3")
		if exit := h.untilExit(patience); exit.Code != 3 {
			t.Errorf("%+v", exit)
		}
	})
}
