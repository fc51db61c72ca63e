//go:build !linux

package httpapi

import "net"

// Elsewhere the buffer as a whole is kept small instead.
func keepUnsentSmall(c *net.TCPConn) { _ = c.SetWriteBuffer(4 * unsentMax) }
