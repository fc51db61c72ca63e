package session

import (
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/internal/protocol"
)

// os._exit ends the kernel's process; what it had printed until then is shown. ipykernel loses it most of the time.
func TestPrintedBeforeExit(t *testing.T) {
	bothKernels(t, func(t *testing.T, w *world) {
		w.write("a.ipynb", "")
		sv, s, p := w.begin()
		for _, end := range []struct{ code, want string }{
			{"import os\nprint('last words', flush=True)\nos._exit(3)", "last words\n"},
			{"import os\nos.write(2, b'cause of death')\nos._exit(9)", "cause of death"},
			{"import os, threading\ndef die():\n    print('said', end='')\n    os._exit(4)\nt = threading.Thread(target=die)\nt.start()\nt.join()", "said"},
		} {
			sv.execute(s, "one", end.code)
			p.untilDone("one", protocol.StatusKernelDied)
			if got := text(p.state.Cell("one")); !strings.HasPrefix(got, end.want) || strings.Contains(got, "runnel: the end") {
				t.Errorf("%q shows %q", end.code, got)
			}
			sv.do(s, protocol.Command{Type: protocol.CmdKernelRestart})
		}
		sv.execute(s, "two", "import os\nfor _ in range(5):\n    pid = os.fork()\n    if not pid: os._exit(5)\n    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 5\nprint('children ended')")
		p.untilDone("two", protocol.StatusOK)
		if got := text(p.state.Cell("two")); got != "children ended\n" {
			t.Errorf("shows %q", got)
		}
	})
}
