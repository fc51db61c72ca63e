package conformance

import (
	"context"
	"fmt"
	"strings"

	"github.com/runnel-dev/runnel/internal/plainclient"
)

// isPrompt reports whether code waits for an answer.
func isPrompt(m plainclient.Message) bool { return m.Type == "input_request" }

func asks(ctx context.Context, t *trial) error {
	var prompts []plainclient.Message
	o, err := t.run(ctx, "import getpass\na = input('Name: ')\nb = getpass.getpass('Key: ')\nprint(a, len(b))", func(m plainclient.Message) error {
		if !isPrompt(m) {
			return nil
		}
		prompts = append(prompts, m)
		return t.client.Answer(ctx, m.RequestID, []string{"Ada", "secret"}[len(prompts)-1])
	})
	if err != nil {
		return err
	}
	if len(prompts) != 2 || prompts[0].Prompt != "Name: " || prompts[0].Password || prompts[1].Prompt != "Key: " || !prompts[1].Password {
		return fmt.Errorf("the prompts were %+v", prompts)
	}
	for _, p := range prompts {
		if p.RequestID == "" || p.CellID == "" {
			return fmt.Errorf("a prompt without ids: %s", p.Raw)
		}
	}
	if !strings.HasSuffix(o.text, "Ada 6\n") {
		return fmt.Errorf("the code printed %q", o.text)
	}
	for _, m := range o.messages {
		if strings.Contains(string(m.Raw), "secret") {
			return fmt.Errorf("the password came back: %s", m.Raw)
		}
	}
	return nil
}

// comesAfter: each of many questions comes after what was printed just before it, by the main thread and by another.
func comesAfter(ctx context.Context, t *trial) error {
	const code = `import threading
def ask():
    for i in range(10):
        print('question', i)
        input(f'{i}: ')
ask()
thread = threading.Thread(target=ask)
thread.start()
thread.join()`
	text := ""
	_, err := t.run(ctx, code, func(m plainclient.Message) error {
		if m.IsText() {
			text += m.Content
		}
		if !isPrompt(m) {
			return nil
		}
		if want := "question " + strings.TrimSuffix(m.Prompt, ": ") + "\n"; !strings.HasSuffix(text, want) {
			return fmt.Errorf("the prompt %q came before %q", m.Prompt, want)
		}
		return t.client.Answer(ctx, m.RequestID, "")
	})
	return err
}

func sees(ctx context.Context, t *trial) error {
	_, err := t.run(ctx, "input('Wait: ')", func(m plainclient.Message) error {
		if !isPrompt(m) {
			return nil
		}
		late, err := t.connect(ctx)
		if err != nil {
			return err
		}
		seen, err := late.Until(ctx, nil, isPrompt)
		if err != nil {
			return fmt.Errorf("the late client: %w", err)
		}
		if seen.Prompt != "Wait: " || seen.RequestID != m.RequestID {
			return fmt.Errorf("the late client saw %s", seen.Raw)
		}
		return late.Answer(ctx, seen.RequestID, "x")
	})
	return err
}

func outlives(ctx context.Context, t *trial) error {
	const code = "import threading\nthreading.Thread(target=lambda: print('thread', input('Thread: '), input('More: '))).start()"
	cell, lasts, open := newCell(), 0, plainclient.Message{}
	count := func(m plainclient.Message) error {
		if m.CellID == cell && m.IsLast {
			lasts++
		}
		if isPrompt(m) && m.CellID == cell {
			open = m
		}
		return nil
	}
	if err := t.client.Execute(ctx, cell, code); err != nil {
		return err
	}
	if _, err := t.client.Until(ctx, count, func(plainclient.Message) bool { return lasts == 1 && open.RequestID != "" }); err != nil {
		return fmt.Errorf("ended %d times, prompt %q: %w", lasts, open.Prompt, err)
	}
	first := open
	o, err := t.run(ctx, "print('main', input('Main: '))", func(m plainclient.Message) error {
		if !isPrompt(m) {
			return nil
		}
		return t.client.Answer(ctx, m.RequestID, "m")
	})
	if err != nil {
		return err
	}
	if err := t.client.Answer(ctx, "", "a"); err != nil {
		return err
	}
	if _, err := t.client.Until(ctx, count, func(plainclient.Message) bool { return open.RequestID != first.RequestID }); err != nil {
		return fmt.Errorf("the second prompt: %w", err)
	}
	if err := t.client.Answer(ctx, "", "b"); err != nil {
		return err
	}
	text := ""
	_, err = t.client.Until(ctx, func(m plainclient.Message) error {
		if m.CellID == cell && m.IsText() {
			text += m.Content
		}
		return count(m)
	}, func(plainclient.Message) bool { return strings.HasSuffix(text, "\n") })
	if err != nil {
		return fmt.Errorf("the thread printed %q: %w", text, err)
	}
	if !strings.HasSuffix(o.text, "main m\n") || text != "thread a b\n" || lasts != 1 {
		return fmt.Errorf("the code printed %q, the thread %q; its run ended %d times", o.text, text, lasts)
	}
	return nil
}

func answers(ctx context.Context, t *trial) error {
	n := 0
	o, err := t.run(ctx, "print('|'.join(input() for _ in range(5)))", func(m plainclient.Message) error {
		if !isPrompt(m) {
			return nil
		}
		n++
		return t.client.Answer(ctx, "", fmt.Sprint("a", n))
	})
	if err == nil && !strings.HasSuffix(o.text, "a1|a2|a3|a4|a5\n") {
		err = fmt.Errorf("the code printed %q", o.text)
	}
	return err
}

func ahead(ctx context.Context, t *trial) error {
	sent := false
	o, err := t.run(ctx, "import time\nprint('go')\ntime.sleep(0.3)\nprint('|'.join(input() for _ in range(2)))", func(m plainclient.Message) error {
		if sent || !m.IsText() {
			return nil
		}
		sent = true
		for _, value := range []string{"one", "two"} {
			if err := t.client.Answer(ctx, "", value); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && !strings.HasSuffix(o.text, "one|two\n") {
		err = fmt.Errorf("the code printed %q", o.text)
	}
	return err
}

func dropped(ctx context.Context, t *trial) error {
	cell, sent, said, ended := newCell(), false, false, false
	if err := t.client.Execute(ctx, cell, "import time\nprint('go')\ntime.sleep(0.3)"); err != nil {
		return err
	}
	_, err := t.client.Until(ctx, func(m plainclient.Message) error {
		said = said || m.Type == "error" && m.Code == "input_dropped"
		ended = ended || m.CellID == cell && m.IsLast
		if !sent && m.CellID == cell && m.IsText() {
			sent = true
			return t.client.Answer(ctx, "", "nobody asked")
		}
		return nil
	}, func(plainclient.Message) bool { return said && ended })
	if err != nil {
		return fmt.Errorf("said %v, ended %v: %w", said, ended, err)
	}
	return nil
}

func second(ctx context.Context, t *trial) error {
	cell, request, refused, ended := newCell(), "", false, false
	if err := t.client.Execute(ctx, cell, "input('Once: ')\nimport time; time.sleep(0.2)"); err != nil {
		return err
	}
	_, err := t.client.Until(ctx, func(m plainclient.Message) error {
		ended = ended || m.CellID == cell && m.IsLast
		if m.Type == "error" && m.CellID == "" {
			if m.Code != "already_answered" && m.Code != "no_prompt" {
				return fmt.Errorf("code %q: %s", m.Code, m.Error)
			}
			refused = true
		}
		if !isPrompt(m) || request != "" {
			return nil
		}
		request = m.RequestID
		for _, value := range []string{"one", "two"} {
			if err := t.client.Answer(ctx, request, value); err != nil {
				return err
			}
		}
		return nil
	}, func(plainclient.Message) bool { return refused && ended })
	if err != nil {
		return fmt.Errorf("refused %v, ended %v: %w", refused, ended, err)
	}
	return nil
}

func observed(ctx context.Context, t *trial) error {
	other, err := t.connect(ctx)
	if err != nil {
		return err
	}
	// The answer to a bad message shows that the other connection is served.
	if err := other.Send(ctx, []byte(`{"type":"hush"}`)); err != nil {
		return err
	}
	if _, err := other.Until(ctx, nil, func(m plainclient.Message) bool { return m.Type == "error" }); err != nil {
		return err
	}
	o, err := t.run(ctx, "print('for all')", nil)
	if err != nil {
		return err
	}
	text := ""
	_, err = other.Until(ctx, func(m plainclient.Message) error {
		if m.CellID == o.last.CellID && m.Type == "stream_output" {
			text += m.Content
		}
		return nil
	}, func(m plainclient.Message) bool { return m.CellID == o.last.CellID && m.IsLast })
	if err == nil && text != "for all\n" {
		err = fmt.Errorf("the other client got %q", text)
	}
	return err
}

func interrupts(ctx context.Context, t *trial) error {
	asked := false
	o, err := t.run(ctx, "print('go')\nwhile True: pass", func(m plainclient.Message) error {
		if asked || !m.IsText() {
			return nil
		}
		asked = true
		return t.client.Interrupt(ctx)
	})
	if err != nil {
		return err
	}
	if o.last.Type != "error" || o.last.Status != "interrupted" {
		return fmt.Errorf("the run ended with %s", o.last.Raw)
	}
	return nil
}

func restarts(ctx context.Context, t *trial) error {
	if _, err := t.run(ctx, "kept = 1", nil); err != nil {
		return err
	}
	request := ""
	o, err := t.run(ctx, "input('Over: ')", func(m plainclient.Message) error {
		if !isPrompt(m) || request != "" {
			return nil
		}
		request = m.RequestID
		return t.client.Send(ctx, map[string]string{"type": "restart"})
	})
	if err != nil {
		return err
	}
	if o.last.Type != "error" || o.last.Status != "interrupted" {
		return fmt.Errorf("the run ended with %s", o.last.Raw)
	}
	if err := t.client.Answer(ctx, request, "late"); err != nil {
		return err
	}
	if _, err := t.client.Until(ctx, nil, func(m plainclient.Message) bool { return m.Type == "error" && m.CellID == "" }); err != nil {
		return fmt.Errorf("an answer to the prompt of the kernel before: %w", err)
	}
	o, err = t.run(ctx, "print('kept' in globals())", nil)
	if err == nil && o.text != "False\n" {
		err = fmt.Errorf("the new kernel says %q", o.text)
	}
	return err
}
