package jupyter_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/internal/jupyter"
	"github.com/runnel-dev/runnel/internal/testpy"
)

// Deno brings its own ZeroMQ and its own idea of a kernel: a witness that
// nothing here is about Python only.
func TestDeno(t *testing.T) {
	t.Setenv("DENO_DIR", t.TempDir())
	t.Setenv("DENO_NO_UPDATE_CHECK", "1")
	spec := jupyter.Spec{Argv: []string{testpy.Deno(t), "jupyter", "--kernel", "--conn", "{connection_file}"}}
	k := startKernel(t, spec.Transport(), spec.Argv...)
	id := k.request(jupyter.Shell, "execute_request", plain("console.log('naïve'); console.error('no'); 6 * 7"))
	if r := content[jupyter.ExecuteReply](t, k.reply(jupyter.Shell)); r.Status != jupyter.StatusOK || r.ExecutionCount != 1 {
		t.Errorf("%+v", r)
	}
	// Its messages reach iopub in no certain order: idle may come before output.
	missing := []string{"naïve", "no", "42", jupyter.StateIdle}
	for len(missing) > 0 {
		select {
		case m := <-k.iopub:
			if m.parent.MsgID == id && m.header.MsgType != "execute_input" {
				missing = slices.DeleteFunc(missing, func(s string) bool { return bytes.Contains(m.Content, []byte(s)) })
			}
		case <-time.After(time.Minute):
			t.Fatalf("not published: %q", missing)
		}
	}
	if reply, _ := k.run(plain("throw new TypeError('bad')")); reply.Status != jupyter.StatusError || reply.EName == "" {
		t.Errorf("%+v", reply)
	}
}
