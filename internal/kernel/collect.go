package kernel

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/runnel-dev/runnel/internal/keeper"
)

// Collect removes the folders of kernels whose keeper is gone, which nothing in them has changed since `before`, and of which
// needed does not say that their records are still to be read. needed is asked once, and only when there is such a folder. It
// returns how many folders are removed. Of launches that never came to anything the folders go too.
func (m *Manager) Collect(ctx context.Context, before time.Time, needed func() (map[ID]bool, error)) (int, error) {
	entries, err := os.ReadDir(m.cfg.RuntimeDir)
	if err != nil {
		return 0, fmt.Errorf("collect kernels: %w", err)
	}
	left := map[ID]string{}
	for _, e := range entries {
		dir := filepath.Join(m.cfg.RuntimeDir, e.Name())
		cfg, err := keeper.ReadConfig(dir)
		switch {
		case !e.IsDir() || Alive(dir):
		case err != nil || m.dir(ID(cfg.KernelID)) != dir:
			m.discard(dir)
		case changed(dir).Before(before):
			left[ID(cfg.KernelID)] = dir
		}
	}
	if len(left) == 0 {
		return 0, nil
	}
	keep, err := needed()
	if err != nil {
		return 0, fmt.Errorf("collect kernels: %w", err)
	}
	removed := 0
	for id, dir := range left {
		if keep[id] || ctx.Err() != nil || Alive(dir) {
			continue
		}
		sweep(dir, id)
		if rmErr := os.RemoveAll(dir); rmErr != nil {
			err = errors.Join(err, rmErr)
			continue
		}
		removed++
	}
	return removed, errors.Join(err, ctx.Err())
}

// changed is when something in the folder was written last; now when that cannot be seen.
func changed(dir string) (last time.Time) {
	err := filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err == nil && info.ModTime().After(last) {
			last = info.ModTime()
		}
		return err
	})
	if err != nil {
		return time.Now()
	}
	return last
}
