package server_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/internal/plainclient"
	"github.com/runnel-dev/runnel/internal/server"
	"github.com/runnel-dev/runnel/internal/server/servertest"
	"github.com/runnel-dev/runnel/internal/testpy"
)

const printsAndAsks = `
import getpass, sys, threading
def ask():
    for i in range(20):
        print('question', i, file=[sys.stdout, sys.stderr][i % 3 == 2])
        [input, getpass.getpass][i % 2](f'{i}: ')
`

// P6: what was printed comes before the question, which the kernel sends over another socket. That of a thread is faster than the text nearly always.
func TestPrompts_afterWhatWasPrinted(t *testing.T) {
	for _, version := range []string{"6", "7"} {
		t.Run("ipykernel "+version, func(t *testing.T) {
			t.Parallel()
			s := servertest.Start(t, server.Config{Python: testpy.Python(t, version)})
			c := dial(t, s, "n.ipynb")
			ctx := within(t, 4*time.Minute)
			if _, err := c.Run(ctx, "define", printsAndAsks, nil); err != nil {
				t.Fatal(err)
			}
			for _, code := range []string{"ask()\nask()", "thread = threading.Thread(target=ask)\nthread.start()\nthread.join()"} {
				text, i := "", 0
				_, err := c.Run(ctx, "ask", code, func(m plainclient.Message) error {
					if m.IsText() {
						text += m.Content
					}
					if m.Type != "input_request" {
						return nil
					}
					if want := fmt.Sprintf("question %d\n", i%20); !strings.HasSuffix(text, want) || m.Prompt != fmt.Sprintf("%d: ", i%20) {
						t.Errorf("%q came after %q, want %q", m.Prompt, text[max(0, len(text)-len(want)):], want)
					}
					i++
					return c.Answer(ctx, m.RequestID, "x")
				})
				if err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}
