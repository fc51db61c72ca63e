package jupyter_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/runnel-dev/runnel/internal/jupyter"
)

func TestConnectionInfo(t *testing.T) {
	for _, transport := range []string{jupyter.TransportIPC, jupyter.TransportTCP} {
		t.Run(transport, func(t *testing.T) {
			c, err := jupyter.NewConnectionInfo(transport, "/run/x", "python3")
			if err != nil {
				t.Fatal(err)
			}
			if len(c.Key) != 64 || c.SignatureScheme != "hmac-sha256" {
				t.Errorf("%+v", c)
			}
			seen := map[string]bool{}
			for _, ch := range []jupyter.Channel{jupyter.Shell, jupyter.IOPub, jupyter.Stdin, jupyter.Control, jupyter.Heartbeat} {
				seen[c.Endpoint(ch)] = true
			}
			if len(seen) != 5 {
				t.Errorf("%v", seen)
			}
			if transport == jupyter.TransportIPC && c.Endpoint(jupyter.Shell) != "ipc:///run/x/k-1" {
				t.Error(c.Endpoint(jupyter.Shell))
			}
			path := filepath.Join(t.TempDir(), "c.json")
			for range 2 { // over an old one too
				if err := c.Write(path); err != nil {
					t.Fatal(err)
				}
			}
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%v, %v", info.Mode(), err)
			}
			back, err := jupyter.ReadConnectionFile(path)
			if diff := cmp.Diff(c, back); diff != "" || err != nil {
				t.Error(err, diff)
			}
			if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
				t.Errorf("left behind: %v", left)
			}
			other, err := jupyter.NewConnectionInfo(transport, "/run/x", "")
			if err != nil || other.Key == c.Key {
				t.Errorf("the same key twice, %v", err)
			}
		})
	}
	if _, err := jupyter.NewConnectionInfo(jupyter.TransportIPC, "/"+strings.Repeat("x", 100), ""); err == nil {
		t.Error("a socket path was too long and accepted")
	}
	if _, err := jupyter.NewConnectionInfo("udp", "/run/x", ""); err == nil {
		t.Error("udp was accepted")
	}
	if err := (jupyter.ConnectionInfo{}).Write("/no/such/folder/c.json"); err == nil {
		t.Error("written to nowhere")
	}
}

func TestParseConnectionInfo(t *testing.T) {
	const ports = `"shell_port":1,"iopub_port":2,"stdin_port":3,"control_port":4,"hb_port":5`
	cases := []struct {
		name, in string
		ok       bool
	}{
		{"least", `{"ip":"127.0.0.1",` + ports + `}`, true},
		{"with what we do not know", `{"ip":"::1","curve_publickey":"x","new":[1],` + ports + `}`, true},
		{"no key means unsigned", `{"ip":"h","key":"","signature_scheme":"hmac-sha1",` + ports + `}`, true},
		{"no address", `{` + ports + `}`, false},
		{"no ports", `{"ip":"h"}`, false},
		{"port beyond all", `{"ip":"h",` + strings.Replace(ports, "5}", "", 1) + `,"hb_port":70000}`, false},
		{"unknown scheme", `{"ip":"h","signature_scheme":"rot13",` + ports + `}`, false},
		{"unknown transport", `{"ip":"h","transport":"inproc",` + ports + `}`, false},
		{"text for a port", `{"ip":"h","shell_port":"1"}`, false},
		{"no JSON", `hello`, false},
		{"nothing", ``, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if _, err := jupyter.ParseConnectionInfo([]byte(c.in)); (err == nil) != c.ok {
				t.Error(err)
			}
		})
	}
	t.Run("an IPv6 address", func(t *testing.T) {
		c, err := jupyter.ParseConnectionInfo([]byte(cases[1].in))
		if err != nil || c.Endpoint(jupyter.Shell) != "tcp://[::1]:1" {
			t.Errorf("%s, %v", c.Endpoint(jupyter.Shell), err)
		}
	})
	t.Run("a file that is too large", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "c.json")
		if err := os.WriteFile(path, make([]byte, 1<<20), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := jupyter.ReadConnectionFile(path); err == nil {
			t.Error("was read")
		}
	})
}

func FuzzConnectionFile(f *testing.F) {
	f.Add([]byte(`{"transport":"ipc","ip":"/tmp/k","shell_port":1,"iopub_port":2,"stdin_port":3,"control_port":4,"hb_port":5,"key":"π","signature_scheme":"hmac-sha256"}`))
	f.Add([]byte(`{"ip":"127.0.0.1","shell_port":1e2}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		c, err := jupyter.ParseConnectionInfo(in)
		if err != nil {
			return
		}
		out, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		back, err := jupyter.ParseConnectionInfo(out)
		if err != nil || back != c {
			t.Fatalf("%+v became %+v, %v", c, back, err)
		}
	})
}
