package faults

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/internal/pageclient"
	"github.com/runnel-dev/runnel/internal/protocol"
)

// F29: a notebook is renamed in the page's list, and the server is killed, now when it has answered, now before. The next server has the notebook under
// the name that its file has, with its kernel, and makes no second file.
func TestF29_renamed_and_killed(t *testing.T) {
	t.Parallel()
	rng := random(t)
	s := newServer(t, "7")
	c := s.Client("name0.ipynb")
	value(t, c, "set", "marker = 4711")
	// The journal has something to do all the time.
	value(t, c, "busy", `import threading, time
def prints():
    while marker == 4711: print("x" * 1000, flush=True); time.sleep(0.002)
threading.Thread(target=prints).start()`)
	c.Close()
	name := "name0.ipynb"
	for i := range short(3, 60) {
		to := fmt.Sprintf("name%d.ipynb", i+1)
		answered := make(chan int, 1)
		go func() { answered <- s.rename(name, to) }()
		if i%2 == 0 {
			if status := <-answered; status != http.StatusOK {
				t.Fatalf("rename: status %d", status)
			}
		} else {
			time.Sleep(time.Duration(rng.IntN(10_000)) * time.Microsecond)
		}
		s.Kill()
		s.Start()
		files, err := os.ReadDir(s.Dir)
		if err != nil || len(files) != 1 {
			t.Fatalf("after kill %d the files are %v: %v", i, files, err)
		}
		if name = files[0].Name(); i%2 == 0 && name != to {
			t.Fatalf("after kill %d the file is %s, and was renamed to %s", i, name, to)
		}
		c := s.open(name, pageclient.Options{URL: s.URL})
		if got := value(t, c, "look", "marker"); got != "4711" {
			t.Fatalf("after kill %d the kernel of %s says %q", i, name, got)
		}
		c.Close()
	}
	c = s.open(name, pageclient.Options{URL: s.URL})
	value(t, c, "end", "marker = 0")
	waitSave(t, c.Wait, protocol.Saved, 20*time.Second)
	if files, err := os.ReadDir(s.Dir); err != nil || len(files) != 1 {
		t.Errorf("at the end the files are %v: %v", files, err)
	}
}

// rename asks the server for it, and gives the answer's status; 0 when there was none.
func (s *Server) rename(from, to string) int {
	body, _ := json.Marshal(map[string]string{"op": "rename", "path": from, "to": to})
	resp, err := s.request(context.Background(), http.MethodPost, s.URL+"/runnel/v1/files", string(body))
	if err != nil {
		return 0
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}
