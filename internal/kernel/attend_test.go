package kernel_test

func attend([]string) int { return 0 }
