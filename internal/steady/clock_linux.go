package steady

import "golang.org/x/sys/unix"

const (
	clockWithSleep    = unix.CLOCK_BOOTTIME
	clockWithoutSleep = unix.CLOCK_MONOTONIC
)
