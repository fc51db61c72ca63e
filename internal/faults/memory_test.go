package faults

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/internal/pageclient"
	"github.com/runnel-dev/runnel/internal/protocol"
)

// F4: a kernel takes more memory than there is, in a limit of its own (--kernel-memory) and in one that holds all of Runnel, as a container's.
// Promise 11: within 2 s the page says that memory ran out, by which signal the kernel ended and how much it had used; the same in a page that
// comes after the server was killed and started again. The server and the keeper live, no cell runs again by itself.
func TestF4_kernel_out_of_memory(t *testing.T) {
	const limit = 300 << 20
	for _, around := range []string{"the kernel", "all of Runnel"} {
		t.Run("a limit around "+around, func(t *testing.T) {
			group := memoryGroup(t, limit)
			s := newServer(t, "7")
			s.Kill()
			if around == "the kernel" {
				s.Args = append(s.Args, "--kernel-memory", fmt.Sprint(limit))
			} else {
				s.Shell = "echo $$ > " + filepath.Join(group, "cgroup.procs")
			}
			s.Start()
			c := s.Client("memory.ipynb")
			pid := atoi(t, value(t, c, "pid", "import os; os.getpid()"))
			counter := filepath.Join(t.TempDir(), "runs")
			run := start(t, c, "eat", fmt.Sprintf("print('before', flush=True)\nopen(%q, 'a').write('x')\nx = []\nwhile True: x.append(bytearray(10_000_000))", counter))
			eventually(t, time.Minute, "the system ends the kernel", func() bool { return !alive(pid) })
			gone := time.Now()
			finish(t, c, run, 10*time.Second, protocol.StatusKernelDied)
			if took := time.Since(gone); took > 2*time.Second {
				t.Errorf("the page was told after %v", took)
			}
			ranOut(t, s, c)
			s.Kill()
			s.Start()
			ranOut(t, s, s.Client("memory.ipynb"))
			if got := value(t, c, "again", "6*7"); got != "42" {
				t.Errorf("a new kernel says %s", got)
			}
			if got := executions(counter); got != 1 {
				t.Errorf("the cell ran %d times", got)
			}
		})
	}
}

// ranOut checks what a page shows of a kernel for which memory ran out.
func ranOut(t *testing.T, s *Server, c *pageclient.Client) {
	t.Helper()
	if err := c.Wait(within(t, 10*time.Second), "the death", func(st *protocol.State) bool {
		return st.Kernel.State == protocol.KernelDead && st.Kernel.Death != nil && st.Cell("eat").Run.State == protocol.StateDone
	}); err != nil {
		t.Fatal(err)
	}
	st := c.State()
	if d := st.Kernel.Death; !d.OOM || d.Signal != "SIGKILL" || d.PeakMemory < 150<<20 || !strings.Contains(d.Text, "memory") {
		t.Errorf("the death is %+v", *d)
	}
	if got := streamText(t, s, st, "eat"); got != "before\n" {
		t.Errorf("the output before is %q", got)
	}
}

// memoryGroup makes a memory cgroup with a limit, of either version.
func memoryGroup(t *testing.T, limit int64) string {
	t.Helper()
	for root, file := range map[string]string{"/sys/fs/cgroup/memory": "memory.limit_in_bytes", "/sys/fs/cgroup": "memory.max"} {
		dir := filepath.Join(root, fmt.Sprintf("runnel-faults-%d-%d", os.Getpid(), time.Now().UnixNano()))
		if os.Mkdir(dir, 0o755) != nil {
			continue
		}
		t.Cleanup(func() { _ = os.Remove(dir) })
		f, err := os.OpenFile(filepath.Join(dir, file), os.O_WRONLY, 0)
		if err != nil {
			continue
		}
		_, err = fmt.Fprint(f, limit)
		if err == nil && f.Close() == nil {
			return dir
		}
	}
	lacks(t, "a limit on memory needs a memory cgroup, and the right to make one")
	return ""
}
