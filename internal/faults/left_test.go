package faults

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// markName is an entry in the environment of a test's server, and by it of all its kernels and what they start.
const markName = "FAULTS_STATE="

// nothingLeft fails the test when a process of this server's is there after the clean-up: a keeper, a kernel, a child of one. Those that
// are left are ended.
func (s *Server) nothingLeft() {
	var left map[int]string
	for deadline := time.Now().Add(15 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if left = processesOf(s.State); len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			break
		}
	}
	for pid, what := range left {
		s.t.Errorf("the test leaves process %d behind: %s", pid, what)
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// processesOf lists the living processes that a server with this state directory has started: by the mark in their environment, or, for
// keepers, which have no environment to speak of, by the log they write to.
func processesOf(state string) map[int]string {
	found := map[int]string{}
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() || !alive(pid) {
			continue
		}
		dir := filepath.Join("/proc", e.Name())
		environ, _ := os.ReadFile(filepath.Join(dir, "environ"))
		log, _ := os.Readlink(filepath.Join(dir, "fd", "2"))
		if bytes.Contains(environ, []byte(markName+state+"\x00")) || strings.HasPrefix(log, state+string(filepath.Separator)) {
			cmdline, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
			found[pid] = fmt.Sprintf("%s (standard error: %s)", bytes.ReplaceAll(cmdline, []byte{0}, []byte{' '}), log)
		}
	}
	return found
}

// The check for what a test leaves behind finds all that a running server has: itself, its keeper, the kernel, and a child that made itself
// a daemon. After the state folder is removed under the hands of kernels that were stopped, nothing is left.
func TestNothing_is_left_behind(t *testing.T) {
	t.Parallel()
	s := newServer(t, "7")
	c := s.Client("left.ipynb")
	daemon := atoi(t, value(t, c, "daemon", "import subprocess; subprocess.Popen(['sleep', '600'], start_new_session=True, cwd='/').pid"))
	kernel := atoi(t, value(t, c, "pid", "import os; os.getpid()"))
	keeper := atoi(t, value(t, c, "ppid", "os.getppid()"))
	found := processesOf(s.State)
	for name, pid := range map[string]int{"the server": s.PID(), "the keeper": keeper, "the kernel": kernel, "its daemon": daemon} {
		if found[pid] == "" {
			t.Errorf("%s, process %d, is not found: %v", name, pid, found)
		}
	}
	s.Kill()
	if code := s.runOnce("kernels", "stop", "--all", "--force", "--folder", s.Dir); code != 0 {
		t.Errorf("kernels stop ended with %d: %s", code, s.log.String())
	}
	if err := os.RemoveAll(s.State); err != nil {
		t.Fatal(err)
	}
	eventually(t, 15*time.Second, "all processes are gone", func() bool { return len(processesOf(s.State)) == 0 })
}
