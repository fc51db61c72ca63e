package server

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/gofrs/flock"
)

// lockPatience is how long a lock is asked for whose holder is dead: a child that it was just starting may
// hold it until it runs, on a busy machine for seconds.
const lockPatience = 10 * time.Second

// takeLock makes sure that nobody else serves the folder with this state.
func (s *Server) takeLock() error {
	lock := flock.New(s.state("lock"), flock.SetPermissions(0o600))
	for end := time.Now().Add(lockPatience); ; {
		ok, err := lock.TryLock()
		if err != nil {
			return fmt.Errorf("lock the folder's state: %w", err)
		}
		if ok {
			s.lock = lock
			return nil
		}
		served := s.holder()
		if processLives(served.PID) || time.Now().After(end) {
			return served
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// holder is what the server that holds the lock has noted.
func (s *Server) holder() *ServedError {
	n := readNote(s.cfg.Place.State)
	if n.PID == 0 {
		return &ServedError{}
	}
	return &ServedError{URL: n.LoginURL(), PID: n.PID}
}

// folderPatience is lockPatience for the folder's own lock: nothing says whether its holder lives, so it is short.
const folderPatience = time.Second

// lockFolder makes sure that nobody else serves the folder with a state elsewhere: the folder itself is locked, which needs no file in
// it and ends with this process, whatever ends that. Where the file system cannot lock, the server goes on without.
func (s *Server) lockFolder() error {
	dir, err := os.Open(s.cfg.Dir)
	if err != nil {
		return fmt.Errorf("open the folder to lock it: %w", err)
	}
	for end := time.Now().Add(folderPatience); ; {
		err := syscall.Flock(int(dir.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			s.served = dir
			return nil
		case errors.Is(err, syscall.EINTR):
			continue
		case !errors.Is(err, syscall.EWOULDBLOCK):
			s.cfg.Logger.Warn("the folder cannot be locked: see to it that no other server serves it", "folder", s.cfg.Dir, "reason", err)
			return dir.Close()
		case time.Now().After(end):
			return errors.Join(&ServedError{Other: s.cfg.Dir}, dir.Close())
		}
		time.Sleep(20 * time.Millisecond)
	}
}
