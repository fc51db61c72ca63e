package kernel

// DirOf is where a manager keeps a kernel.
func DirOf(m *Manager, id ID) string { return m.dir(id) }
