package keeper

import (
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// adopt: the system has no such thing; a daemonised grandchild is found only
// while its parents live.
func adopt() error { return nil }

func closeInherited() {
	var limit syscall.Rlimit
	n := 1024
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) == nil && limit.Cur < 1<<16 {
		n = int(limit.Cur)
	}
	for fd := 3; fd < n; fd++ {
		unix.CloseOnExec(fd)
	}
}

func childAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// ProcessStart is a mark that differs between two processes that had the same
// id one after the other; empty when there is no such process.
func ProcessStart(pid int) string {
	p, err := unix.SysctlKinfoProc("kern.proc.pid", pid)
	const zombie = 5
	if err != nil || int(p.Proc.P_pid) != pid || p.Proc.P_stat == zombie {
		return ""
	}
	return fmt.Sprintf("%d.%d", p.Proc.P_starttime.Sec, p.Proc.P_starttime.Usec)
}

func descendants(pid int) []int {
	all, err := unix.SysctlKinfoProcSlice("kern.proc.all")
	if err != nil {
		return nil
	}
	children := map[int][]int{}
	for _, p := range all {
		children[int(p.Eproc.Ppid)] = append(children[int(p.Eproc.Ppid)], int(p.Proc.P_pid))
	}
	list := append([]int(nil), children[pid]...)
	for i := 0; i < len(list); i++ {
		list = append(list, children[list[i]]...)
	}
	return list
}

// TreeMemory is the resident memory of a process and all below it, in bytes.
// Only a server calls it: a keeper must not have children beside its kernel.
func TreeMemory(pid int) int64 {
	pids := []string{strconv.Itoa(pid)}
	for _, p := range descendants(pid) {
		pids = append(pids, strconv.Itoa(p))
	}
	out, _ := exec.Command("/bin/ps", "-o", "rss=", "-p", strings.Join(pids, ",")).Output()
	var total int64
	for _, line := range strings.Fields(string(out)) {
		kb, _ := strconv.ParseInt(line, 10, 64)
		total += kb << 10
	}
	return total
}

// Marked: the system does not show environments of other processes.
func Marked(string) []int { return nil }

func maxRSS(u syscall.Rusage) int64 { return u.Maxrss }

func oomFile(int) string           { return "" }
func readOOM(string) (int64, bool) { return 0, false }
func preferForOOM(int)             {}

func trimProgram() {}

func limitMemory(int, int64) (func(), error) {
	return nil, errors.New("limit memory: not possible on this system")
}
