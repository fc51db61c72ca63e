// Package faults breaks a running Runnel in every way one machine can, and checks that nothing that was shown or acknowledged
// is missing afterwards. It holds tests only: one named test per row of the fault table (TestF1..., TestF31...) and per promise that
// is not a fault, against the real binary and real kernels, with an oracle that compares what the kernel printed, what each
// client saw, what the journal holds and what the file holds. What the clients received is kept (go test -artifacts) when a test fails.
//
// Short forms run in `make test`; RUNNEL_SOAK=1 (`make soak`) runs the numbers that the promises name. Random choices come from one
// seed, printed on failure and set by RUNNEL_SEED. RUNNEL_BINARY names a program to test in place of a fresh build. nginx and
// strace come by `make test-env`. A test that needs what only root may do (mount a disk) is skipped for others, and says so.
//
// Rows of the table that have no test here, and why:
//
//   - F21 and F22, reload and sleep of a real browser: web/e2e, with Chromium; it sleeps until the server has given its line up.
//   - F32, kernels that lie (bad signatures, huge frames, unknown messages, wrong parents): internal/kernel hostile_test.go,
//     internal/jupyter and internal/zmtp, with a fake kernel and fuzzing.
//
// What takes a machine of one's own runs in one: `make vm` boots a Linux that is an ordinary program here (User-mode Linux), with a clock that may be
// set, control groups of version 2 only, a disk and a plug that is pulled, and sends it to sleep (vm_test.go, TestVM_...). It is no part of `make
// test`, and needs Linux on x86-64.
//
// Three faults are made smaller than the table has them: F8 and F9 by a TCP proxy in place of a severed network; F18 on ext4 only; of F31 the
// limit on threads is not made, which root does not feel.
//
// It does not test the parts by themselves; their packages do.
package faults
