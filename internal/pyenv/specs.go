package pyenv

// specs gives the kernels that are installed with a kernelspec.
func (f *Finder) specs(notebookDir string) []Choice { return nil }
