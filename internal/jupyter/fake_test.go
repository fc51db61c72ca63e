package jupyter_test

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/runnel-dev/runnel/internal/jupyter"
	"github.com/runnel-dev/runnel/internal/jupyter/jupytertest"
)

func TestMain(m *testing.M) {
	jupytertest.RunAsKernel()
	goleak.VerifyTestMain(m)
}

func startFake(t testing.TB) *realKernel {
	t.Helper()
	for k, v := range jupytertest.Spec(t).Env {
		t.(interface{ Setenv(k, v string) }).Setenv(k, v)
	}
	return startKernel(t, jupyter.TransportTCP, jupytertest.Spec(t).Argv...)
}

// types lists the messages' types, stream with its text.
func types(t testing.TB, all []received) string {
	var b strings.Builder
	for _, m := range all {
		b.WriteString(m.header.MsgType)
		if m.header.MsgType == "stream" {
			s := content[jupyter.Stream](t, m)
			b.WriteString("[" + s.Name + " " + s.Text + "]")
		}
		b.WriteString(" ")
	}
	return strings.TrimSpace(b.String())
}

func TestFakeKernel(t *testing.T) {
	k := startFake(t)
	cases := []struct{ name, code, want, ename string }{
		{"prints", "print hello; err no", "status execute_input stream[stdout hello\n] stream[stderr no\n]", ""},
		{"writes control characters", `write "50%\r"`, "status execute_input stream[stdout 50%\r]", ""},
		{"repeats", "repeat 3 print $i", "status execute_input stream[stdout 0\n] stream[stdout 1\n] stream[stdout 2\n]", ""},
		{"raises", "print a\nerror ValueError no good\nprint b", "status execute_input stream[stdout a\n] error", "ValueError"},
		{"knows its words", "print a\nbogus", "status execute_input error", "SyntaxError"},
		{"shows", "display text/html <b>x</b>; result 2; clear wait", "status execute_input display_data execute_result clear_output", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			reply, all := k.run(plain(c.code))
			if got := types(t, all); got != c.want {
				t.Errorf("published %q, want %q", got, c.want)
			}
			if reply.EName != c.ename {
				t.Errorf("raised %q, want %q", reply.EName, c.ename)
			}
		})
	}
	t.Run("asks for input", func(t *testing.T) {
		r := plain("input Name: \nprint hi $answer")
		r.AllowStdin = true
		id := k.request(jupyter.Shell, "execute_request", r)
		ask := k.reply(jupyter.Stdin)
		if c := content[jupyter.InputRequest](t, ask); c.Prompt != "Name:" || ask.parent.MsgID != id {
			t.Errorf("asked %+v for %q", c, ask.parent.MsgID)
		}
		k.request(jupyter.Stdin, "input_reply", jupyter.InputReply{Value: "Ada"})
		k.reply(jupyter.Shell)
		if got := printed(t, k.untilIdle(id)); got != "hi Ada\n" {
			t.Errorf("printed %q", got)
		}
	})
	t.Run("tells variables", func(t *testing.T) {
		reply, _ := k.run(described("set x 1"))
		if vars, _ := jupyter.DecodeVariables(reply); vars["x"].Value != "1" {
			t.Errorf("%v", vars)
		}
	})
	t.Run("interrupts by signal and by message", func(t *testing.T) {
		for _, how := range []func(){
			func() { _ = k.cmd.Process.Signal(os.Interrupt) },
			func() { k.request(jupyter.Control, "interrupt_request", nil); k.reply(jupyter.Control) },
		} {
			id := k.request(jupyter.Shell, "execute_request", plain("block"))
			for m := range k.iopub {
				if m.header.MsgType == "execute_input" && m.parent.MsgID == id {
					break
				}
			}
			how()
			if r := content[jupyter.ExecuteReply](t, k.reply(jupyter.Shell)); r.EName != "KeyboardInterrupt" {
				t.Errorf("%+v", r)
			}
			k.untilIdle(id)
		}
	})
	t.Run("aborts what waits after an error", func(t *testing.T) {
		first := k.request(jupyter.Shell, "execute_request", plain("sleep 50ms; error E e"))
		second := k.request(jupyter.Shell, "execute_request", plain("print no"))
		k.reply(jupyter.Shell)
		if r := content[jupyter.ExecuteReply](t, k.reply(jupyter.Shell)); r.Status != jupyter.StatusAborted {
			t.Errorf("%+v", r)
		}
		k.untilIdle(first)
		k.untilIdle(second)
	})
	t.Run("prints after its cell", func(t *testing.T) {
		id := k.request(jupyter.Shell, "execute_request", plain("late 20ms after"))
		k.reply(jupyter.Shell)
		k.untilIdle(id)
		for m := range k.iopub {
			if m.parent.MsgID != id { // control's own, which may be late
				continue
			}
			if got := types(t, []received{m}); got != "stream[stdout after\n]" {
				t.Error(got)
			}
			break
		}
	})
	t.Run("answers its heartbeat", func(t *testing.T) {
		if err := k.conns[jupyter.Heartbeat].Send([]byte("ping")); err != nil {
			t.Fatal(err)
		}
		if f, err := k.conns[jupyter.Heartbeat].Recv(); err != nil || len(f) != 1 || string(f[0]) != "ping" {
			t.Errorf("%q, %v", f, err)
		}
	})
	t.Run("dies as told", func(t *testing.T) {
		k.request(jupyter.Shell, "execute_request", plain("die 3"))
		if <-k.exited; k.cmd.ProcessState.ExitCode() != 3 {
			t.Errorf("%v", k.exit)
		}
	})
}

func TestFakeKernelEnds(t *testing.T) {
	t.Run("by a signal", func(t *testing.T) {
		k := startFake(t)
		k.request(jupyter.Shell, "execute_request", plain("kill KILL"))
		<-k.exited
		if ws := k.cmd.ProcessState.Sys().(syscall.WaitStatus); ws.Signal() != syscall.SIGKILL {
			t.Errorf("%v", k.cmd.ProcessState)
		}
	})
	t.Run("when asked to", func(t *testing.T) {
		k := startFake(t)
		k.request(jupyter.Shell, "execute_request", plain("block"))
		k.request(jupyter.Control, "shutdown_request", jupyter.ShutdownRequest{})
		if <-k.exited; k.exit != nil {
			t.Error(k.exit)
		}
	})
	t.Run("in this process with its test", func(t *testing.T) {
		start := time.Now()
		var info jupyter.ConnectionInfo
		t.Run("inner", func(t *testing.T) {
			info = jupytertest.Start(t)
			k := newRealKernel(t, info)
			k.connect(info)
			_, all := k.run(plain("print here"))
			if printed(t, all) != "here\n" {
				t.Error(types(t, all))
			}
			k.request(jupyter.Shell, "execute_request", plain("hang"))
		})
		if _, err := os.Stat(strings.TrimPrefix(info.Endpoint(jupyter.Shell), "ipc://")); err == nil {
			t.Error("its socket is still there")
		}
		t.Logf("%v", time.Since(start))
	})
}
