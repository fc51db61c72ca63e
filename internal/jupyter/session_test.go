package jupyter_test

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/runnel-dev/runnel/internal/jupyter"
	"github.com/runnel-dev/runnel/internal/testpy"
)

// session asks jupyter_client, see testdata/session.py.
func session(t *testing.T) (ask func(question map[string]any) map[string]any) {
	t.Helper()
	cmd := exec.Command(testpy.Python(t, "7"), "testdata/session.py")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	lines := bufio.NewReader(out)
	return func(question map[string]any) map[string]any {
		t.Helper()
		if err := json.NewEncoder(in).Encode(question); err != nil {
			t.Fatal(err)
		}
		line, err := lines.ReadBytes('\n')
		if err != nil {
			t.Fatal(err)
		}
		var answer map[string]any
		if err := json.Unmarshal(line, &answer); err != nil {
			t.Fatal(err)
		}
		return answer
	}
}

func frames(t *testing.T, answer map[string]any) [][]byte {
	t.Helper()
	var v struct{ Frames [][]byte }
	raw, err := json.Marshal(answer)
	if err == nil {
		err = json.Unmarshal(raw, &v)
	}
	if err != nil {
		t.Fatal(err)
	}
	return v.Frames
}

var schemes = []string{"hmac-sha256", "hmac-sha1", "hmac-sha512", "hmac-sha384", "hmac-md5", "hmac-sha3_256"}

func TestAgreesWithJupyterClient(t *testing.T) {
	ask := session(t)
	content := map[string]any{"name": "stdout", "text": "naïve ☃ 🐍 <&> \u2028 \x00"}
	for _, scheme := range schemes {
		for _, key := range []string{"", "a-key"} {
			t.Run(scheme+" "+key, func(t *testing.T) {
				signer, err := jupyter.NewSigner(scheme, key)
				if err != nil {
					t.Fatal(err)
				}
				t.Run("we read theirs", func(t *testing.T) {
					answer := ask(map[string]any{
						"do": "make", "scheme": scheme, "key": key, "type": "stream",
						"content": content, "metadata": map[string]any{"a": 1.0}, "buffers": [][]byte{{0, 255}, {}},
					})
					m, err := signer.Decode(frames(t, answer))
					if err != nil {
						t.Fatal(err, answer["error"])
					}
					h, err := m.ParseHeader()
					if err != nil || h.MsgID != answer["msg_id"] || h.MsgType != "stream" {
						t.Errorf("%+v, %v", h, err)
					}
					if _, err := time.Parse(time.RFC3339Nano, h.Date); err != nil {
						t.Error(err)
					}
					if p, err := m.ParentHeader(); err != nil || p.MsgID != answer["parent_id"] {
						t.Errorf("%+v, %v", p, err)
					}
					s, err := jupyter.Decode[jupyter.Stream](m.Content)
					if err != nil || s.Text != content["text"] {
						t.Errorf("%q, %v", s.Text, err)
					}
					if diff := cmp.Diff([][]byte{{0, 255}, {}}, m.Buffers); diff != "" {
						t.Error(diff)
					}
					if string(m.Identities[0]) != "topic" {
						t.Errorf("%q", m.Identities)
					}
					if diff := cmp.Diff(frames(t, answer), signer.Encode(m)); diff != "" {
						t.Errorf("relayed with other bytes:\n%s", diff)
					}
				})
				t.Run("they read ours", func(t *testing.T) {
					m, err := jupyter.NewMessage("our-session", "id-1", "stream", content, time.Now())
					if err != nil {
						t.Fatal(err)
					}
					m.Buffers = [][]byte{{1, 2, 3}}
					answer := ask(map[string]any{"do": "read", "scheme": scheme, "key": key, "frames": signer.Encode(m)})
					want := map[string]any{
						"parent_header": map[string]any{}, "metadata": map[string]any{}, "content": content, "msg_id": "id-1",
						"msg_type": "stream", "session": "our-session", "year": float64(time.Now().UTC().Year()), "buffers": []any{"AQID"},
					}
					if diff := cmp.Diff(want, answer); diff != "" {
						t.Error(diff)
					}
				})
			})
		}
	}
}
