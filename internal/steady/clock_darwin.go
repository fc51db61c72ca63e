package steady

import "golang.org/x/sys/unix"

const (
	clockWithSleep    = unix.CLOCK_MONOTONIC
	clockWithoutSleep = unix.CLOCK_UPTIME_RAW
)
