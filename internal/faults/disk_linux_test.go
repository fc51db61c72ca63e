package faults

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/runnel-dev/runnel/internal/protocol"
	"github.com/runnel-dev/runnel/internal/testpy"
)

// F16: the disk of the notebooks can only be read for a while. Every page says so, editing and running go on, and it heals by itself.
func TestF16_notebook_disk_read_only(t *testing.T) {
	t.Parallel()
	s := newServer(t, "7")
	disk := filepath.Join(s.Dir, "small")
	mountSmall(t, disk, "4m")
	c := s.Client("small/ro.ipynb")
	value(t, c, "warm", "1")
	waitSave(t, c.Wait, protocol.Saved, 20*time.Second)
	before := s.File("small/ro.ipynb")
	remount(t, disk, "ro")
	if err := c.Wait(within(t, 20*time.Second), "the page to know before anything is changed", func(st *protocol.State) bool {
		return st.Save.ReadOnly && st.Save.State == protocol.Saved
	}); err != nil {
		t.Fatal(err)
	}
	if got := value(t, c, "sum", "20 + 22"); got != "42" {
		t.Errorf("on a read-only disk the kernel says %s", got)
	}
	waitSave(t, c.Wait, protocol.SaveFailed, 20*time.Second)
	if c.State().Save.Text == "" {
		t.Error("the page does not say why")
	}
	if !bytes.Equal(s.File("small/ro.ipynb"), before) {
		t.Error("the file is not the whole old version")
	}
	remount(t, disk, "rw")
	waitSave(t, c.Wait, protocol.Saved, 30*time.Second)
	if !strings.Contains(string(s.File("small/ro.ipynb")), "20 + 22") {
		t.Error("the file lacks what was done meanwhile")
	}
}

// F16: the disk of the journal becomes read-only under the server, as ext4 does after an error. Output is shown, nothing is acknowledged
// that cannot be kept, the page says so; a server that finds the disk healed has all that was acknowledged.
func TestF16_journal_disk_read_only(t *testing.T) {
	root, err := os.MkdirTemp("", "rf")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	disk := newDisk(t, root)
	s := newServerAt(t, "7", filepath.Join(disk.at, "s"))
	c := s.Client("ro.ipynb")
	text := typed(t, c, 10)
	disk.fail()
	wait := c.Send(&protocol.Command{Type: protocol.CmdCellInsert, CellID: "never", CellType: "markdown"})
	if err := c.Wait(within(t, 20*time.Second), "the page to say so, and to show what was done", func(st *protocol.State) bool {
		return st.Save.State == protocol.SaveFailed && st.Cell("never") != nil
	}); err != nil {
		t.Error(err)
	}
	select {
	case ack := <-wait:
		if ack.Status != protocol.AckRejected {
			t.Errorf("acknowledged on a read-only disk: %+v", ack)
		}
	case <-time.After(2 * time.Second):
	}
	c.Close()
	s.Kill()
	disk.again()
	s.Start()
	late := s.Client("ro.ipynb")
	if err := late.Wait(within(t, 20*time.Second), "what was acknowledged", func(st *protocol.State) bool {
		return st.Cell("typed") != nil && st.Cell("typed").Source == text
	}); err != nil {
		t.Fatal(err)
	}
	typeOn(t, late, text, 3)
}

// F17: an fsync of the journal fails. Nothing is acknowledged from then on, no page is told that all is well, and a new server goes
// on with all that was acknowledged before.
func TestF17_failed_fsync(t *testing.T) {
	s := newServer(t, "7")
	c := s.Client("eio.ipynb")
	text := typed(t, c, 10)
	detach := failFsync(t, s.PID())
	source := "not acknowledged"
	wait := c.Send(&protocol.Command{Type: protocol.CmdCellInsert, CellID: "never", CellType: "markdown", Source: source})
	select {
	case ack := <-wait:
		if ack.Status != protocol.AckRejected {
			t.Errorf("acknowledged over a failed fsync: %+v", ack)
		}
	case <-time.After(5 * time.Second):
	}
	detach()
	ack, err := c.Do(within(t, 3*time.Second), protocol.Command{Type: protocol.CmdCellInsert, CellID: "later", CellType: "markdown"})
	if err == nil && ack.Status != protocol.AckRejected {
		t.Errorf("a later sync was taken for good: %+v", ack)
	}
	if err := c.Wait(within(t, 20*time.Second), "the page to say so", func(st *protocol.State) bool { return st.Save.State == protocol.SaveFailed }); err != nil {
		t.Error(err)
	}
	s.Kill()
	s.Start()
	late := s.Client("eio.ipynb")
	if err := late.Wait(within(t, 20*time.Second), "what was acknowledged", func(st *protocol.State) bool {
		return st.Cell("typed") != nil && st.Cell("typed").Source == text
	}); err != nil {
		t.Fatal(err)
	}
	typeOn(t, late, text, 3)
}

// failFsync makes every fsync and fdatasync of the process fail until the result is called.
func failFsync(t *testing.T, pid int) (detach func()) {
	t.Helper()
	if runtime.GOOS != "linux" {
		lacks(t, "only on Linux can an fsync be made to fail from outside")
	}
	strace := testpy.Program(t, "strace")
	var said lockedBuffer
	cmd := exec.Command(strace, "-f", "-q", "-o", os.DevNull, "-p", strconv.Itoa(pid), "-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:error=EIO")
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		lacks(t, "strace: %v", err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	detach = func() { _ = cmd.Process.Signal(os.Interrupt); <-ended }
	t.Cleanup(detach)
	for end := time.Now().Add(10 * time.Second); !traced(pid); time.Sleep(10 * time.Millisecond) {
		select {
		case <-ended:
			lacks(t, "this machine lets no process be traced: %s", said.String())
		default:
		}
		if time.Now().After(end) {
			t.Fatal("strace did not attach")
		}
	}
	return detach
}

// traced says whether all threads of a process are traced.
func traced(pid int) bool {
	tasks, _ := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/status")
	for _, task := range tasks {
		data, _ := os.ReadFile(task)
		if strings.Contains(string(data), "TracerPid:\t0\n") {
			return false
		}
	}
	return len(tasks) > 0
}

// F18: the power goes at a random moment: whatever was not synced is gone from the disk. Everything that was acknowledged is there
// afterwards, and the notebook's file is a whole version.
func TestF18_power_loss(t *testing.T) {
	rng := random(t)
	root, err := os.MkdirTemp("", "rf")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	disk := newDisk(t, root)
	s := newServerIn(t, "7", disk.at, filepath.Join(disk.at, "s"))
	s.notebook("power.ipynb")
	disk.sync()
	text := ""
	for i := range short(4, 100) {
		c := s.Client("power.ipynb")
		if i == 0 {
			text = typed(t, c, 5)
		}
		if err := c.Wait(within(t, 20*time.Second), "what was acknowledged before", func(st *protocol.State) bool {
			return st.Cell("typed") != nil && st.Cell("typed").Source == text
		}); err != nil {
			t.Fatalf("loss %d: %v; want %q, have %s", i, err, text, withoutClock(c.State()))
		}
		text = typeOn(t, c, text, 1+rng.IntN(30))
		time.Sleep(time.Duration(rng.IntN(2500)) * time.Millisecond)
		c.Close()
		disk.powerLoss(s.Kill)
		if data := s.File("power.ipynb"); !json.Valid(data) {
			t.Fatalf("loss %d: the file does not parse: %q", i, tailOf(string(data), 200))
		}
		s.Start()
	}
}

// disk is a file system of its own whose unsynced data can be lost.
type disk struct {
	t         *testing.T
	image, at string
}

func newDisk(t *testing.T, root string) *disk {
	t.Helper()
	if os.Geteuid() != 0 {
		lacks(t, "a disk that loses its power needs root, to mount it")
	}
	d := &disk{t: t, image: filepath.Join(root, "image"), at: filepath.Join(root, "d")}
	if err := os.Mkdir(d.at, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(d.image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(d.image, 64<<20); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mkfs.ext4", "-q", d.image).CombinedOutput(); err != nil {
		lacks(t, "no ext4 here: %v: %s", err, out)
	}
	d.mount()
	t.Cleanup(func() { _ = exec.Command("umount", "-l", d.at).Run() })
	return d
}

func (d *disk) mount() {
	d.t.Helper()
	if out, err := exec.Command("mount", "-o", "loop,errors=remount-ro", d.image, d.at).CombinedOutput(); err != nil {
		lacks(d.t, "no loop devices here: %v: %s", err, out)
	}
}

// powerLoss makes the file system forget what was not synced (EXT4_IOC_SHUTDOWN without a last flush), ends the processes on it, and
// mounts it again.
func (d *disk) powerLoss(end func()) {
	d.t.Helper()
	const shutdown, noFlush = 0x8004587d, 2
	f, err := os.Open(d.at)
	if err != nil {
		d.t.Fatal(err)
	}
	err = unix.IoctlSetPointerInt(int(f.Fd()), shutdown, noFlush)
	_ = f.Close()
	if err != nil {
		lacks(d.t, "this file system cannot lose its power: %v", err)
	}
	end()
	d.again()
}

// again unmounts the disk, which nobody uses any more, and mounts it.
func (d *disk) again() {
	d.t.Helper()
	eventually(d.t, 10*time.Second, "the disk is unmounted", func() bool { return exec.Command("umount", d.at).Run() == nil })
	d.mount()
}

// fail makes the file system find an error in itself, after which it can only be read.
func (d *disk) fail() {
	d.t.Helper()
	device, err := exec.Command("findmnt", "-no", "SOURCE", d.at).Output()
	if err != nil {
		d.t.Fatal(err)
	}
	trigger := filepath.Join("/sys/fs/ext4", filepath.Base(strings.TrimSpace(string(device))), "trigger_fs_error")
	if err := os.WriteFile(trigger, []byte("1"), 0o200); err != nil {
		lacks(d.t, "this file system cannot fail on demand: %v", err)
	}
}

// sync keeps all that is on the disk now.
func (d *disk) sync() {
	d.t.Helper()
	f, err := os.Open(d.at)
	if err != nil {
		d.t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if err := unix.Syncfs(int(f.Fd())); err != nil {
		d.t.Fatal(err)
	}
}

func remount(t *testing.T, at, mode string) {
	t.Helper()
	if out, err := exec.Command("mount", "-o", "remount,"+mode, at).CombinedOutput(); err != nil {
		t.Fatalf("remount %s: %v: %s", mode, err, out)
	}
}
