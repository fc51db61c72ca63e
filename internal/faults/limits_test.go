package faults

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/internal/protocol"
)

// F31: the server may open 64 files only, and more clients come than that allows. It refuses them, lives, and recovers; the notebook
// that was open goes on.
func TestF31_few_file_descriptors(t *testing.T) {
	t.Parallel()
	s := newServer(t, "7")
	s.Kill()
	s.Shell = "ulimit -n 64"
	s.Start()
	c := s.Client("few.ipynb")
	if got := value(t, c, "one", "1 + 1"); got != "2" {
		t.Fatalf("with 64 files the kernel says %s", got)
	}
	conns := make([]net.Conn, 0, 100)
	for range cap(conns) {
		conn, err := net.DialTimeout("tcp", strings.TrimPrefix(s.URL, "http://"), 5*time.Second)
		if err != nil {
			break
		}
		conns = append(conns, conn)
	}
	run := start(t, c, "two", "print('still here')")
	finish(t, c, run, 30*time.Second, protocol.StatusOK)
	for _, conn := range conns {
		_ = conn.Close()
	}
	if got := value(t, s.Client("few.ipynb"), "three", "2 + 1"); got != "3" {
		t.Errorf("afterwards the kernel says %s", got)
	}
	if err := c.Wait(within(t, 30*time.Second), "the save", func(st *protocol.State) bool { return st.Save.State == protocol.Saved }); err != nil {
		t.Error(err)
	}
	if got := fileText(t, s, "few.ipynb", "two"); got != "still here\n" {
		t.Errorf("the file holds %q", got)
	}
}
