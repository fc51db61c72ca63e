package session

import (
	"fmt"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/internal/protocol"
)

// IPython compiles a statement when those before it have run; what only the compiler finds would come after their work.
func TestSyntaxErrorBeforeAnyLine(t *testing.T) {
	bothKernels(t, func(t *testing.T, w *world) {
		w.write("a.ipynb", "")
		sv, s, p := w.begin()
		for i, bad := range []string{
			"return", "break", "continue", "yield", "nonlocal x", "def f(a, a): pass", "*a, *b = [1]", "__debug__ = 1",
			"def f():\n    x = 1\n    global x", "[y := 1 for y in [1]]", "from __future__ import braces", "def f():\n    await g()",
			"from __future__ import annotations\nreturn", "await asyncio.sleep(0)\nfor i in range(2): return",
		} {
			cell := fmt.Sprint("bad", i)
			sv.execute(s, cell, "print('RAN')\n"+bad)
			p.untilDone(cell, protocol.StatusError)
			if got := text(p.state.Cell(protocol.CellID(cell))); !strings.HasPrefix(got, "!SyntaxError") {
				t.Errorf("%q shows %q", bad, got)
			}
		}
		for i, good := range []struct{ code, want string }{
			{"import asyncio\nprint('a')\nawait asyncio.sleep(0)\nasync def g():\n    yield 1\nasync for i in g(): print(i)\n[i async for i in g()]", "a\n1\n[\"[1]\"]"},
			{"print(2)\nfrom __future__ import annotations\ndef f(a: no_such_name): pass\n3", "2\n[\"3\"]"},
			{"%autoawait off\n%autoawait on\nawait asyncio.sleep(0, 4)", "[\"4\"]"},
			{"%%capture out\nreturn_ = 1\nprint('x')", ""},
			{"x = 1\nglobal x\nprint(out.stdout, end='')", "x\n"},
			{"import ast\nclass Drop(ast.NodeTransformer):\n    def visit_Return(self, node): return ast.copy_location(ast.Pass(), node)\nget_ipython().ast_transformers.append(Drop())", ""},
			{"print('dropped')\nreturn", "dropped\n"},
			{"get_ipython().ast_node_interactivity = 'all'", ""},
			{"5\n6", "[\"5\"][\"6\"]"},
			{"import warnings\nwarnings.simplefilter('error')", ""},
			{"warnings.simplefilter('ignore')\nprint(8 is 8)", "True\n"},
			{"warnings.filters[0][0] == 'ignore'", "[\"True\"]"},
		} {
			cell := fmt.Sprint("good", i)
			sv.execute(s, cell, good.code)
			p.untilDone(cell, protocol.StatusOK)
			if got := text(p.state.Cell(protocol.CellID(cell))); got != good.want {
				t.Errorf("%q shows %q, want %q", good.code, got, good.want)
			}
		}
	})
}
