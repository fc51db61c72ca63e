package jupyter

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
)

// The two transports a kernel's sockets can use.
const (
	TransportTCP = "tcp"
	TransportIPC = "ipc"
)

// maxSocketPath is what every system takes for a unix socket's path.
const maxSocketPath = 103

// ConnectionInfo is the content of a connection file: where a kernel listens
// and how its messages are signed. Over ipc, IP is the prefix of five socket
// paths and the ports are the numbers after it.
type ConnectionInfo struct {
	Transport       string `json:"transport"`
	IP              string `json:"ip"`
	ShellPort       int    `json:"shell_port"`
	IOPubPort       int    `json:"iopub_port"`
	StdinPort       int    `json:"stdin_port"`
	ControlPort     int    `json:"control_port"`
	HBPort          int    `json:"hb_port"`
	Key             string `json:"key"`
	SignatureScheme string `json:"signature_scheme"`
	KernelName      string `json:"kernel_name,omitempty"`
	Session         string `json:"jupyter_session,omitempty"`
}

// NewConnectionInfo invents a connection with a random 256-bit key: five socket
// paths in dir for ipc, five free ports of the loopback for tcp. A tcp port is
// free when asked for, not held: a kernel that finds it taken exits, and the
// caller tries again with another.
func NewConnectionInfo(transport, dir, kernelName string) (ConnectionInfo, error) {
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return ConnectionInfo{}, fmt.Errorf("make connection key: %w", err)
	}
	c := ConnectionInfo{
		Transport: transport, Key: hex.EncodeToString(key), SignatureScheme: DefaultScheme, KernelName: kernelName,
	}
	switch transport {
	case TransportIPC:
		c.IP = filepath.Join(dir, "k")
		c.setPorts([5]int{1, 2, 3, 4, 5})
	case TransportTCP:
		c.IP = "127.0.0.1"
		ports, err := freePorts()
		if err != nil {
			return ConnectionInfo{}, err
		}
		c.setPorts(ports)
	}
	if err := c.validate(); err != nil {
		return ConnectionInfo{}, err
	}
	return c, nil
}

func (c *ConnectionInfo) setPorts(p [5]int) {
	c.ShellPort, c.IOPubPort, c.StdinPort, c.ControlPort, c.HBPort = p[0], p[1], p[2], p[3], p[4]
}

// freePorts asks the system for five, holding each until all are known.
func freePorts() (ports [5]int, err error) {
	for i := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return ports, fmt.Errorf("find a free port: %w", err)
		}
		defer l.Close()
		ports[i] = l.Addr().(*net.TCPAddr).Port
	}
	return ports, nil
}

// Port is the number of a channel's socket, 0 for an unknown channel.
func (c ConnectionInfo) Port(ch Channel) int {
	switch ch {
	case Shell:
		return c.ShellPort
	case IOPub:
		return c.IOPubPort
	case Stdin:
		return c.StdinPort
	case Control:
		return c.ControlPort
	case Heartbeat:
		return c.HBPort
	}
	return 0
}

// Endpoint is a channel's address as ZeroMQ writes it.
func (c ConnectionInfo) Endpoint(ch Channel) string {
	port := strconv.Itoa(c.Port(ch))
	if c.Transport == TransportIPC {
		return "ipc://" + c.IP + "-" + port
	}
	return "tcp://" + net.JoinHostPort(c.IP, port)
}

// Signer makes the signer for this connection.
func (c ConnectionInfo) Signer() (*Signer, error) { return NewSigner(c.SignatureScheme, c.Key) }

// Write puts the connection file at path in one step, readable by its owner
// only: whoever can read it can run code in the kernel.
func (c ConnectionInfo) Write(path string) error {
	data, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return fmt.Errorf("write connection file: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".connection-*") // made 0600
	if err != nil {
		return fmt.Errorf("write connection file: %w", err)
	}
	_, err = f.Write(append(data, '\n'))
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("write connection file: %w", err)
	}
	return nil
}

// maxConnectionFile bounds what is read of a file that should be 500 bytes.
const maxConnectionFile = 64 << 10

// ReadConnectionFile reads and checks one. Unknown fields are ignored.
func ReadConnectionFile(path string) (ConnectionInfo, error) {
	data, err := readBounded(path, maxConnectionFile)
	if err != nil {
		return ConnectionInfo{}, fmt.Errorf("read connection file: %w", err)
	}
	c, err := ParseConnectionInfo(data)
	if err != nil {
		return ConnectionInfo{}, fmt.Errorf("read connection file %s: %w", path, err)
	}
	return c, nil
}

// ParseConnectionInfo reads the content of a connection file.
func ParseConnectionInfo(data []byte) (ConnectionInfo, error) {
	var c ConnectionInfo
	if err := json.Unmarshal(data, &c); err != nil {
		return ConnectionInfo{}, err
	}
	if c.Transport == "" {
		c.Transport = TransportTCP
	}
	if c.SignatureScheme == "" {
		c.SignatureScheme = DefaultScheme
	}
	if err := c.validate(); err != nil {
		return ConnectionInfo{}, err
	}
	return c, nil
}

func (c ConnectionInfo) validate() error {
	if c.Transport != TransportTCP && c.Transport != TransportIPC {
		return fmt.Errorf("unknown transport %q", c.Transport)
	}
	if c.IP == "" {
		return errors.New("no address")
	}
	for _, ch := range []Channel{Shell, IOPub, Stdin, Control, Heartbeat} {
		p := c.Port(ch)
		if p < 1 || p > 65535 {
			return fmt.Errorf("%s port %d", ch, p)
		}
		path := c.IP + "-" + strconv.Itoa(p)
		if c.Transport == TransportIPC && len(path) > maxSocketPath {
			return fmt.Errorf("socket path of %d bytes, at most %d: %s", len(path), maxSocketPath, path)
		}
	}
	if _, err := c.Signer(); err != nil {
		return err
	}
	return nil
}
