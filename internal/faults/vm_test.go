//go:build vm

package faults

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/internal/pageclient"
	"github.com/runnel-dev/runnel/internal/protocol"
)

// ticking is a cell that prints a line of the oracle's every 50 ms until the file /run/stop is there, and writes how many to /run/count.
const ticking = `import zlib, time, os, itertools
with open("/run/runs", "a") as f: f.write("x")
for i in itertools.count():
    if os.path.exists("/run/stop"): break
    print(f"{i:07d} {zlib.crc32(str(i).encode()):08x}", flush=True)
    time.sleep(0.05)
with open("/run/count", "w") as f: f.write(str(i))
`

// F4 on a system with control groups of version 2 only: a kernel takes more memory than there is, in a limit of its own, with Runnel at the
// system's root, in a group that systemd left to it and in a container; in a limit around all of Runnel; and on a machine that has no more,
// without any limit.
func TestVM_F4_kernel_out_of_memory(t *testing.T) {
	const limit = 300 << 20
	// As what enters a container and systemd with DelegateSubgroup do: into the group below once there is one.
	const ours = "cd /sys/fs/cgroup/ours.scope; { echo $$ >cgroup.procs || echo $$ >runnel/cgroup.procs; } 2>/dev/null; cd /"
	for _, tt := range []struct{ name, prepare, shell, args string }{
		{"around the kernel", "", "", "--kernel-memory"},
		{"around the kernel, in a group left to us", "delegate ours.scope", ours, "--kernel-memory"},
		{"around the kernel, in a container", "", `[ -n "$IN" ] || { ` + ours + `; IN=1 exec unshare --cgroup --mount sh "$0"; }
umount /sys/fs/cgroup; mount -t cgroup2 cgroup /sys/fs/cgroup`, "--kernel-memory"},
		{"around all of Runnel", fmt.Sprintf("echo %d >ours.scope/memory.max", limit), ours, ""},
		{"of the machine", "", "", ""},
	} {
		t.Run("a limit "+tt.name, func(t *testing.T) {
			m := newMachine(t, 64)
			m.Shell = tt.shell
			if tt.shell != "" {
				m.sh("cd /sys/fs/cgroup; echo +memory >cgroup.subtree_control; mkdir ours.scope\ndelegate() { %s -c \"import os; os.setxattr('$1', 'user.delegate', b'1')\"; }\n%s", m.Python, tt.prepare)
			}
			if tt.args != "" {
				m.Args = []string{tt.args, fmt.Sprint(limit)}
			}
			m.Start()
			c := m.withKernel("memory.ipynb")
			run := start(t, c, "eat", "print('before', flush=True)\nopen('/run/runs', 'a').write('x')\nx = []\nwhile True: x.append(bytearray(10_000_000))")
			finish(t, c, run, time.Minute, protocol.StatusKernelDied)
			ranOut(t, m.Server, c)
			m.Kill()
			m.Start()
			ranOut(t, m.Server, m.Client("memory.ipynb"))
			if got := value(t, m.withKernel("memory.ipynb"), "again", "6*7"); got != "42" {
				t.Errorf("a new kernel says %s", got)
			}
			if got := m.sh("cat /run/runs"); got != "x" {
				t.Errorf("the cell ran %d times", len(got))
			}
			m.sh("RUNNEL_STATE_DIR=%s %s kernels stop --all --force --folder %s", m.State, binary, m.Dir)
			eventually(t, 10*time.Second, "the kernel's group is removed", func() bool {
				return m.sh("cd /sys/fs/cgroup; ls -d runnel-* ours.scope/runnel-* 2>/dev/null; true") == ""
			})
		})
	}
}

// F14: the machine's clock is set an hour forward and a day back, with the server running and between two of its lives. Nothing takes it for
// time that has passed: no line is cut, no kernel called dead, no prompt timed out, no idle kernel stopped, no login ended, a running
// cell shows how long it has run; what is typed is saved, and a kernel that hangs is told as ever.
func TestVM_F14_clock_jumps(t *testing.T) {
	m := newMachine(t, 64)
	m.Args = []string{"--cull-idle", "40m", "--keep-for", "40m"}
	m.Start()
	visitor := login(t, m.Server)
	idle := m.withKernel("idle.ipynb")
	pid := value(t, idle, "pid", "import os; os.getpid()")
	asks := m.withKernel("asks.ipynb")
	start(t, asks, "ask", "input('name? ')")
	waitPrompt(t, asks, time.Minute)
	c := m.withKernel("clock.ipynb")
	typed(t, c, 1)
	run := start(t, c, "long", ticking)
	waitRunning(t, c, "long")
	began := time.Now()

	check := func(after string) {
		t.Helper()
		for _, page := range []*pageclient.Client{idle, asks, c} {
			before := page.Stats().Pings
			eventually(t, time.Minute, "three pings after "+after, func() bool { return page.Stats().Pings >= before+3 })
		}
		st := c.State()
		ran, want := c.ServerNow().Sub(time.UnixMilli(st.Cell("long").Run.StartedAt)), time.Since(began)
		if st.Kernel.State != protocol.KernelBusy || (ran-want).Abs() > time.Minute {
			t.Errorf("%s: the kernel is %s, the cell shows %v and has run for %v", after, st.Kernel.State, ran, want)
		}
		text := typeOn(t, c, st.Cell("typed").Source, 1)
		eventually(t, 30*time.Second, "the edit is saved "+after, func() bool {
			time.Sleep(time.Second) // to look costs the machine more than to save
			return strings.Contains(string(m.File("clock.ipynb")), text)
		})
		p := waitPrompt(t, asks, time.Minute)
		if left := time.UnixMilli(p.Deadline).Sub(asks.ServerNow()); p.Deadline == 0 || left > 6*time.Minute {
			t.Errorf("%s: the prompt waits for %v more", after, left)
		}
		if got := value(t, idle, "pid", "os.getpid()"); got != pid {
			t.Errorf("%s: the idle kernel %s has become %s", after, pid, got)
		}
		if got := visitor(); got != http.StatusOK {
			t.Errorf("%s: the login counts for nothing: status %d", after, got)
		}
		t.Logf("%s: the cell shows %v and has run for %v", after, ran.Round(time.Second), want.Round(time.Second))
	}
	check("at first")
	for _, by := range []time.Duration{time.Hour, -24 * time.Hour} {
		lines := c.Stats().Connections
		m.setClock(by)
		check(fmt.Sprintf("after the clock was set by %v", by))
		if got := c.Stats().Connections; got != lines {
			t.Errorf("the clock was set by %v: the line was cut %d times", by, got-lines)
		}
		m.Kill()
		m.setClock(by)
		m.Start()
		check(fmt.Sprintf("after the server was killed and the clock set by %v", by))
	}

	m.setClock(-24 * time.Hour)
	hung := value(t, idle, "pid", "os.getpid()")
	m.sh("kill -STOP %s", hung)
	start(t, idle, "hangs", "1")
	waitKernel(t, idle, protocol.KernelUnresponsive)
	m.sh("kill -CONT %s", hung)
	waitKernel(t, idle, protocol.KernelIdle)

	answer(t, asks, waitPrompt(t, asks, time.Minute), "me")
	m.sh("touch /run/stop")
	finish(t, c, run, time.Minute, protocol.StatusOK)
	sameText(t, "the page", streamText(t, m.Server, c.State(), "long", "stdout"), wantLines(atoi(t, m.sh("cat /run/count"))))
	if got := m.sh("cat /run/runs"); got != "x" {
		t.Errorf("the cell ran %d times", len(got))
	}
}

// login logs in as a person does, and returns what status a page of theirs gets.
func login(t *testing.T, s *Server) (get func() int) {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	visitor := &http.Client{Jar: jar}
	status := func(resp *http.Response, err error) int {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	status(visitor.PostForm(s.URL+"/login", url.Values{"token": {s.Token}}))
	return func() int { t.Helper(); return status(visitor.Get(s.URL + "/runnel/v1/status")) }
}

func waitKernel(t *testing.T, c *pageclient.Client, state string) {
	t.Helper()
	if err := c.Wait(within(t, time.Minute), "the kernel to be "+state, func(st *protocol.State) bool { return st.Kernel.State == state }); err != nil {
		t.Fatal(err)
	}
}

// F18: the plug of the machine is pulled at random moments, while a person types and a cell prints. Gone is what its kernel had not written to
// its disk: the pages that were not synced, files and folders that were not, half of the writes that were on their way. What the disk
// had taken is kept: it is a file here, so a disk that forgets what it has confirmed is not in this test. Afterwards everything that was
// acknowledged is there, the output is a whole beginning, the run is lost once, the file parses, the file system is clean.
func TestVM_F18_power_loss(t *testing.T) {
	rng := random(t)
	m := newMachine(t, 64)
	text := ""
	losses := short(3, 30)
	for i := range losses {
		m.Start()
		c := m.Client("power.ipynb")
		if i == 0 {
			m.sh("sync %s", m.Dir)
			text = typed(t, c, 3)
		}
		if err := c.Wait(within(t, time.Minute), "what was acknowledged", func(st *protocol.State) bool {
			return st.Cell("typed") != nil && st.Cell("typed").Source == text
		}); err != nil {
			t.Fatalf("loss %d: %v; want %q, have %s", i, err, text, withoutClock(c.State()))
		}
		if i > 0 {
			// A run whose start was acknowledged has ended once, with the lines of a beginning.
			if err := c.Wait(within(t, time.Minute), "the end of the run", func(st *protocol.State) bool {
				cell := st.Cell("flood")
				return cell != nil && cell.Run != nil && cell.Run.State == protocol.StateDone
			}); err != nil {
				t.Fatal(err)
			}
			if got := c.State().Cell("flood").Run.Status; got != protocol.StatusLost && got != protocol.StatusKernelDied {
				t.Errorf("loss %d: the run ended as %s", i, got)
			}
			out := streamText(t, m.Server, c.State(), "flood", "stdout")
			sameText(t, "the output", out, wantLines(strings.Count(out, "\n")))
		}
		c.Close()
		c = m.withKernel("power.ipynb")
		start(t, c, "flood", ticking)
		printed(t, c, "flood", 500, time.Minute)
		text = typeOn(t, c, text, 1+rng.IntN(20))
		time.Sleep(time.Duration(rng.IntN(3000)) * time.Millisecond)
		c.Close()
		m.powerOff()
		m.boot()
		t.Logf("loss %d: after %d words and %d lines", i, strings.Count(text, " "), textTotal(c.State(), "flood")/int64(len(line(0))))
		if data := m.File("power.ipynb"); !json.Valid(data) {
			t.Fatalf("loss %d: the file does not parse: %q", i, tailOf(string(data), 200))
		}
	}
	m.sh("umount /mnt")
	m.powerOff()
	if out, err := exec.Command("e2fsck", "-fn", m.disk).CombinedOutput(); err != nil {
		t.Errorf("the file system after %d losses: %v: %s", losses, err, out)
	}
}

// F22: the machine stands still for over a minute, as a laptop that sleeps. The page notices within 45 s, comes back by itself when it wakes, and
// goes on where it was: no snapshot, no gap. It is frozen from outside, and suspended by its own kernel. Its clocks run on meanwhile, as those of User-mode
// Linux do; on a laptop what measures evenly may stand still, so in the second form the clock is found eight hours ahead of that afterwards.
func TestVM_F22_machine_sleeps(t *testing.T) {
	for _, how := range []string{"frozen", "asleep"} {
		t.Run(how, func(t *testing.T) {
			m := newMachine(t, 64)
			m.Start()
			c := m.withKernel("sleep.ipynb")
			run := start(t, c, "long", ticking)
			printed(t, c, "long", 500, time.Minute)
			stop := m.freeze
			if how == "asleep" {
				stop = m.sleep
			}
			before := c.Stats()
			asleep := time.Now()
			wake := stop()
			eventually(t, time.Minute, "the page notices", func() bool { return !c.Live() })
			noticed := time.Since(asleep)
			if noticed > 45*time.Second {
				t.Errorf("the page noticed after %v", noticed)
			}
			time.Sleep(time.Until(asleep.Add(time.Duration(short(65, 600)) * time.Second)))
			wake()
			awake := time.Now()
			eventually(t, time.Minute, "the page is back", c.Live)
			t.Logf("%s: noticed after %v, back %v after the end", how, noticed.Round(time.Millisecond), time.Since(awake).Round(time.Millisecond))
			printed(t, c, "long", textTotal(c.State(), "long")+500, time.Minute)
			if how == "asleep" {
				lines := c.Stats().Connections
				m.setClock(8 * time.Hour)
				printed(t, c, "long", textTotal(c.State(), "long")+500, time.Minute)
				if got := c.Stats().Connections; got != lines {
					t.Errorf("the clock that was ahead cut the line %d times", got-lines)
				}
			}
			m.sh("touch /run/stop")
			finish(t, c, run, time.Minute, protocol.StatusOK)
			sameText(t, "the page", streamText(t, m.Server, c.State(), "long", "stdout"), wantLines(atoi(t, m.sh("cat /run/count"))))
			after := c.Stats()
			if after.Snapshots != before.Snapshots || after.Resumes == before.Resumes || after.Repeated != before.Repeated {
				t.Errorf("before %+v, after %+v", before, after)
			}
		})
	}
}
