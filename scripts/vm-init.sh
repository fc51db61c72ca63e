#!/bin/sh
# The first process inside the machine that internal/faults boots. Its root is the outer
# machine's, read-only; /mnt is a disk of its own, which loses what was not synced. What
# comes in at the serial line is run by a shell.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t cgroup2 cgroup /sys/fs/cgroup
mkdir -p /dev/shm /dev/pts
mount -t devpts pts /dev/pts
for at in /dev/shm /tmp /run; do mount -t tmpfs tmpfs $at; done
mount -o errors=remount-ro /dev/ubda /mnt || echo "no disk"
ip link set lo up
ip addr add 10.0.2.2/24 dev vec0
ip link set vec0 up
exec <>/dev/ttyS0 >&0 # open all the time: what comes in between is not lost
stty raw -echo
echo ready
while :; do
	cat | sh 2>&1 # through a pipe: it is no terminal to the shell, which would print prompts
done
