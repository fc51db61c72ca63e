package jupyter

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

var long = strings.Repeat("aGVsbG8K", longFrom/8)

var displays = []string{
	`{"data": {"text/plain": "a", "image/png": "` + long + `\n"}, "metadata": {"image/png": {"width": 3}}, "transient": {"display_id": "d"}}`,
	`{"data":{"text/plain":"` + long + `"},"metadata":{},"execution_count":7}`,
	` { "data" : { "text/html" : "` + long + `" , "text/plain" : "\u00e9" } , "metadata" : { } } `,
	`{"data":{"application/json":{"a":"` + long + `"},"text/plain":"a"},"metadata":{}}`,
	`{"metadata":{},"data":{"text/plain":"` + long + `"}}`,
	`{"data":{"text/plain":"` + long + `"},"data":{"text/html":"b"},"metadata":{}}`,
	`{"data":{"text/plain":"` + long + `"},"data":null}`,
	`{"data":{"text/plain":"` + long + `"},"Data":{"text/html":"b"}}`,
	`{"data":{"text/plain":"a","text/plain":"` + long + `"}}`,
	`{"data":{},"metadata":{"a":"` + long + `"}}`,
	`{"data":{"text/plain":"` + long + `\q"},"metadata":{}}`,
	`{"data":{"text/plain":"` + long + `"},"metadata":{}`,
	`{"data":{"text/plain":"` + long + `",},"metadata":{}}`,
	`{"data":{"text/plain":"` + long + `"},"metadata":{}} x`,
	`{"data":{"text/plain":"` + long + "\xff" + `\ud83d\ude00"},"metadata":3,"transient":[]}`,
	`{"data":["` + long + `"]}`, `{"data":"` + long + `"}`, `{}`, `[]`, ``,
}

// What is read in two steps is what encoding/json reads.
func TestDecodeDisplay(t *testing.T) {
	for _, raw := range displays {
		checkDisplay(t, []byte(raw))
	}
	for _, raw := range displays[:3] {
		if data, rest, ok := longData([]byte(raw)); !ok || len(data) == 0 || len(rest) > 200 {
			t.Errorf("%.60s… is not read in two steps: %d values, %.200s", raw, len(data), rest)
		}
	}
}

func checkDisplay(t *testing.T, raw []byte) {
	t.Helper()
	display, err := DecodeDisplay(raw)
	wantDisplay, wantErr := Decode[DisplayData](raw)
	if !reflect.DeepEqual(display, wantDisplay) || (err == nil) != (wantErr == nil) {
		t.Errorf("%.200q is %.200v, %v; want %.200v, %v", raw, display, err, wantDisplay, wantErr)
	}
	result, err := DecodeResult(raw)
	wantResult, wantErr := Decode[ExecuteResult](raw)
	if !reflect.DeepEqual(result, wantResult) || (err == nil) != (wantErr == nil) {
		t.Errorf("%.200q is %.200v, %v; want %.200v, %v", raw, result, err, wantResult, wantErr)
	}
}

// FuzzDisplay puts what is found in place of L into a long text.
func FuzzDisplay(f *testing.F) {
	for _, raw := range displays {
		f.Add([]byte(strings.ReplaceAll(raw, long, "L")))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		checkDisplay(t, json.RawMessage(strings.Replace(string(raw), "L", long, 1)))
	})
}
