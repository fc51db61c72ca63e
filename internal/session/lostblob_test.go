package session

import (
	"encoding/json"
	"io"
	"io/fs"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// noBlobs is a shelf whose blobs a power cut has taken.
type noBlobs struct{ shelf }

func (noBlobs) Blob(string) (io.ReadSeekCloser, error) { return nil, fs.ErrNotExist }

// A value that is lost does not keep the rest from being saved.
func TestLostBlobIsSavedWithout(t *testing.T) {
	ref := json.RawMessage(`{"runnel_blob":{"hash":"0123","size":300000}}`)
	lost := map[string]json.RawMessage{"text/plain": json.RawMessage(`"This output was lost: the machine ended before it was on the disk."`)}
	for name, test := range map[string]struct{ in, want map[string]json.RawMessage }{
		"a picture with its text": {map[string]json.RawMessage{"image/png": ref, "text/plain": json.RawMessage(`"<Figure>"`)},
			map[string]json.RawMessage{"text/plain": json.RawMessage(`"<Figure>"`)}},
		"a picture alone":       {map[string]json.RawMessage{"image/png": ref}, lost},
		"a text that is a blob": {map[string]json.RawMessage{"text/plain": ref}, lost},
	} {
		got, err := inline(test.in, noBlobs{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
