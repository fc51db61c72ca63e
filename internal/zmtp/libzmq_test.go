package zmtp_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/internal/testpy"
	"github.com/runnel-dev/runnel/internal/zmtp"
)

// oracle starts libzmq as the binding side and returns its endpoint.
func oracle(t *testing.T, transport, kind string, more ...string) string {
	t.Helper()
	endpoint := "tcp://127.0.0.1:*"
	if transport == "ipc" {
		dir, err := os.MkdirTemp("", "zq")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		endpoint = "ipc://" + filepath.Join(dir, "s")
	}
	cmd := exec.Command(testpy.Python(t, "7"), append([]string{"testdata/oracle.py", kind, endpoint}, more...)...)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		if err := cmd.Wait(); err != nil {
			t.Error("oracle:", err)
		}
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

func dial(t *testing.T, kind zmtp.Kind, endpoint string, o zmtp.Options) *zmtp.Conn {
	t.Helper()
	c, err := zmtp.Dial(t.Context(), kind, endpoint, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func eachTransport(t *testing.T, f func(t *testing.T, transport string)) {
	for _, transport := range []string{"tcp", "ipc"} {
		t.Run(transport, func(t *testing.T) { f(t, transport) })
	}
}

func TestLibzmqRouter(t *testing.T) {
	eachTransport(t, func(t *testing.T, transport string) {
		endpoint := oracle(t, transport, "router")
		c := dial(t, zmtp.Dealer, endpoint, zmtp.Options{Identity: []byte("me")})
		echo := func(frames ...[]byte) {
			t.Helper()
			if err := c.Send(frames...); err != nil {
				t.Fatal(err)
			}
			got, err := c.Recv()
			if err != nil {
				t.Fatal(err)
			}
			want := append([][]byte{[]byte("me")}, frames...)
			if len(got) != len(want) {
				t.Fatalf("%d frames, want %d", len(got), len(want))
			}
			for i := range got {
				if !bytes.Equal(got[i], want[i]) {
					t.Fatalf("frame %d: %d bytes, want %d", i, len(got[i]), len(want[i]))
				}
			}
		}
		t.Run("sizes around every border", func(t *testing.T) {
			for _, n := range []int{0, 1, 254, 255, 256, 16 << 10, 16<<10 + 1, 64 << 10, 64<<10 + 1, 1 << 20} {
				echo(bytes.Repeat([]byte{'x'}, n), nil, []byte("end"))
			}
		})
		t.Run("a thousand frames", func(t *testing.T) {
			frames := make([][]byte, 1000)
			for i := range frames {
				frames[i] = []byte(strings.Repeat(strconv.Itoa(i), i%40))
			}
			echo(frames...)
		})
		t.Run("50 MiB", func(t *testing.T) {
			echo(bytes.Repeat([]byte("0123456789abcdef"), 50<<20/16))
		})
		t.Run("is still there after a second of pings", func(t *testing.T) {
			received := make(chan error, 1)
			go func() {
				_, err := c.Recv()
				received <- err
			}()
			select {
			case err := <-received:
				t.Fatal("ended:", err)
			case <-time.After(3 * time.Second): // longer than the peer's patience
			}
			if err := c.Send([]byte("x")); err != nil {
				t.Fatal(err)
			}
			if err := <-received; err != nil {
				t.Fatal(err)
			}
		})
	})
}

func TestLibzmqXpub(t *testing.T) {
	const count = 100_000
	eachTransport(t, func(t *testing.T, transport string) {
		endpoint := oracle(t, transport, "xpub", strconv.Itoa(count))
		c := dial(t, zmtp.Sub, endpoint, zmtp.Options{Subscribe: [][]byte{[]byte("topic")}})
		start := time.Now()
		for i := range count {
			f, err := c.Recv()
			if err != nil {
				t.Fatal(err)
			}
			if len(f) != 3 || string(f[0]) != "topic.t" || string(f[1]) != strconv.Itoa(i) || len(f[2]) != i%700 {
				t.Fatalf("message %d: %.60q", i, f)
			}
		}
		t.Logf("%.0f messages/s", count/time.Since(start).Seconds())
	})
}

func TestLibzmqRep(t *testing.T) {
	eachTransport(t, func(t *testing.T, transport string) {
		c := dial(t, zmtp.Req, oracle(t, transport, "rep"), zmtp.Options{})
		for i := range 1000 {
			want := fmt.Sprint("ping ", i)
			if err := c.Send([]byte(want)); err != nil {
				t.Fatal(err)
			}
			if f, err := c.Recv(); err != nil || len(f) != 1 || string(f[0]) != want {
				t.Fatalf("%q, %v", f, err)
			}
		}
	})
}

func TestLibzmqEnds(t *testing.T) {
	eachTransport(t, func(t *testing.T, transport string) {
		var c *zmtp.Conn
		t.Run("process", func(t *testing.T) {
			endpoint := oracle(t, transport, "router")
			var err error
			if c, err = zmtp.Dial(t.Context(), zmtp.Dealer, endpoint, zmtp.Options{}); err != nil {
				t.Fatal(err)
			}
		})
		defer c.Close()
		if _, err := c.Recv(); !errors.Is(err, io.EOF) {
			t.Error(err)
		}
	})
}

func TestLibzmqRefusesTheWrongKind(t *testing.T) {
	endpoint := oracle(t, "tcp", "rep")
	if _, err := zmtp.Dial(t.Context(), zmtp.Sub, endpoint, zmtp.Options{HandshakeTimeout: 2 * time.Second}); !errors.Is(err, zmtp.ErrHandshake) {
		t.Error(err)
	}
}
