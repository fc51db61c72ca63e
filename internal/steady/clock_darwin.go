package steady

import "golang.org/x/sys/unix"

const (
	clockWithSleep    = unix.CLOCK_MONOTONIC
	clockWithoutSleep = unix.CLOCK_UPTIME_RAW
)

// Boot names what the machine has been since it was started; empty where the system does not say.
func Boot() string {
	id, err := unix.Sysctl("kern.bootsessionuuid")
	if err != nil {
		return ""
	}
	return id
}
