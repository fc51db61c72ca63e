package steady

import (
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	clockWithSleep    = unix.CLOCK_BOOTTIME
	clockWithoutSleep = unix.CLOCK_MONOTONIC
)

// Boot names what the machine has been since it was started; empty where the system does not say.
func Boot() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id))
}
