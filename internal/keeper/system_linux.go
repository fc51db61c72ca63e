package keeper

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// adopt makes orphans of our descendants our children, so that they can be
// found, waited for and ended.
func adopt() error { return unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }

// closeInherited keeps files that our parent left open from our children.
func closeInherited() {
	if unix.CloseRange(3, ^uint(0), unix.CLOSE_RANGE_CLOEXEC) == nil {
		return
	}
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return
	}
	for _, e := range entries {
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd > 2 {
			unix.CloseOnExec(fd)
		}
	}
}

func childAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// stat is what /proc tells of a process.
type stat struct {
	ppid, session int
	state         byte
	start         string
	rss           int64
}

func readStat(pid int) (stat, bool) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return stat{}, false
	}
	// The name in parentheses may hold anything, parentheses included.
	i := bytes.LastIndexByte(b, ')')
	if i < 0 {
		return stat{}, false
	}
	f := strings.Fields(string(b[i+1:]))
	if len(f) < 22 {
		return stat{}, false
	}
	ppid, _ := strconv.Atoi(f[1])
	session, _ := strconv.Atoi(f[3])
	pages, _ := strconv.ParseInt(f[21], 10, 64)
	return stat{ppid: ppid, session: session, state: f[0][0], start: f[19], rss: pages * int64(os.Getpagesize())}, true
}

// ProcessStart is a mark that differs between two processes that had the same
// id one after the other; empty when there is no such process.
func ProcessStart(pid int) string {
	s, ok := readStat(pid)
	if !ok || s.state == 'Z' || s.state == 'X' {
		return ""
	}
	return s.start
}

func processes() map[int]stat {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	all := make(map[int]stat, len(entries))
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			if s, ok := readStat(pid); ok {
				all[pid] = s
			}
		}
	}
	return all
}

// descendants lists all processes below pid.
func descendants(pid int) []int {
	return below(pid, processes())
}

func below(root int, all map[int]stat) []int {
	children := make(map[int][]int, len(all))
	for pid, s := range all {
		children[s.ppid] = append(children[s.ppid], pid)
	}
	list := append([]int(nil), children[root]...)
	for i := 0; i < len(list); i++ {
		list = append(list, children[list[i]]...)
	}
	return list
}

// TreeMemory is the resident memory of a process and all below it, in bytes.
func TreeMemory(pid int) int64 {
	all := processes()
	total := all[pid].rss
	for _, p := range below(pid, all) {
		total += all[p].rss
	}
	return total
}

// Marked lists the processes whose environment holds the given entry, which is
// how what a lost keeper left behind is found.
func Marked(entry string) []int {
	var found []int
	for pid := range processes() {
		b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
		if err == nil && bytes.Contains(append([]byte{0}, append(b, 0)...), []byte("\x00"+entry+"\x00")) {
			found = append(found, pid)
		}
	}
	return found
}

func maxRSS(u syscall.Rusage) int64 { return u.Maxrss * 1024 }

// preferForOOM lets the system, when memory runs out, end this process rather
// than us or the server.
func preferForOOM(pid int) {
	_ = os.WriteFile("/proc/"+strconv.Itoa(pid)+"/oom_score_adj", []byte("300"), 0)
}
