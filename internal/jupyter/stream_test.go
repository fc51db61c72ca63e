package jupyter

import (
	"testing"
)

// What is read directly is what encoding/json reads.
func TestDecodeStream(t *testing.T) {
	for _, raw := range streams {
		checkStream(t, []byte(raw))
	}
	direct := `{"name": "stdout", "text": "a line\nand \"more\" \u001b[31m"}`
	if s, ok := plainStream([]byte(direct)); !ok || s != (Stream{"stdout", "a line\nand \"more\" \x1b[31m"}) {
		t.Errorf("%s is not read directly: %+v %v", direct, s, ok)
	}
}

var streams = []string{
	`{"name": "stdout", "text": "hello\n"}`, ` {"text":"x","name":"stderr" } `, `{"name":"stdout","text":"\ud83d\ude00"}`,
	`{"name":"stdout","text":"a","text":"b"}`, `{"name":"stdout","text":"a","more":1}`, `{"Name":"stdout","text":"a"}`,
	`{"name":"stdout"}`, `{"name":1,"text":"a"}`, `{}`, `[]`, ``, `{"name":"stdout","text":"a"`, `{"name":"stdout","text":"a"} x`, `{"name":"stdout" "text":"a"}`,
	`{"name":"stdout","text":"a",}`,
}

func checkStream(t *testing.T, raw []byte) {
	t.Helper()
	got, err := DecodeStream(raw)
	want, wantErr := Decode[Stream](raw)
	if got != want || (err == nil) != (wantErr == nil) {
		t.Errorf("%q is %+v, %v; want %+v, %v", raw, got, err, want, wantErr)
	}
}

func FuzzStream(f *testing.F) {
	for _, raw := range streams {
		f.Add([]byte(raw))
	}
	f.Fuzz(func(t *testing.T, raw []byte) { checkStream(t, raw) })
}
