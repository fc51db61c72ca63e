// Package faults breaks a running Runnel in every way one machine can, and checks that nothing that was shown or acknowledged
// is missing afterwards. It holds tests only: one named test per row of the fault table (TestF1..., TestF32...), against the real
// binary and real kernels, with an oracle that compares what the kernel printed, what each client saw and what the file holds.
//
// Short forms run in `make test`; RUNNEL_SOAK=1 (`make soak`) runs the numbers that the promises name. Random choices come from one
// seed, printed on failure and set by RUNNEL_SEED. It does not test the parts by themselves; their packages do.
package faults
