package journal

import (
	"context"
	"errors"
	"testing"
)

// J9: a full disk fails the append and nothing else; the same batch is written when there is space again.
func TestFullDisk(t *testing.T) {
	j := open(t, t.TempDir())
	id, err := j.Notebook(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	appendN(t, j, id, 1, 3)
	if err := j.LimitPages(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	big := Batch{Seq: 4, N: 8, Data: make([]byte, 1<<20)}
	for range 3 {
		if err := j.Append(context.Background(), id, big); !errors.Is(err, ErrFull) {
			t.Fatalf("on a full disk: %v", err)
		}
	}
	if err := j.LimitPages(t.Context(), 1<<30); err != nil {
		t.Fatal(err)
	}
	if err := j.Append(context.Background(), id, big); err != nil {
		t.Fatal(err)
	}
	got, err := j.Load(t.Context(), id)
	if err != nil || len(got.Batches) != 4 || got.Damaged {
		t.Errorf("%d batches, damaged %v, %v", len(got.Batches), got.Damaged, err)
	}
}
