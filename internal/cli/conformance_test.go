package cli

import "testing"

func TestServerURL(t *testing.T) {
	for text, want := range map[string]string{
		"http://127.0.0.1:8000/?token=abc":  "http://127.0.0.1:8000/?token=abc",
		"ws://127.0.0.1:8000/ws?token=abc":  "http://127.0.0.1:8000?token=abc",
		"wss://a.test/ws":                   "https://a.test",
		"wss://a.test/runnel/ws?notebook=a": "https://a.test/runnel?notebook=a",
	} {
		if got, err := serverURL(text); got != want || err != nil {
			t.Errorf("%s is of %s, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "nonsense", "127.0.0.1:8000", "ftp://a.test", "http:///path"} {
		if got, err := serverURL(text); err == nil {
			t.Errorf("%q was taken for %s", text, got)
		}
	}
}
