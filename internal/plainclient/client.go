// Package plainclient is the smallest client of a Runnel server: it knows the
// six fixed shapes of the WebSocket contract (rules P1 to P10) and nothing else.
// doctor, bench and tests use it.
//
// Its key idea: it is what a stranger would write from the contract alone, so
// whatever it cannot do is missing in the contract. It does not reconnect, keeps
// no document, and ignores the types it does not know.
package plainclient

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coder/websocket"
)

// Options say where to connect.
type Options struct {
	URL      string // http://host:port or ws://host:port, with or without ?token=
	Token    string // sent as an Authorization header; empty: the one in URL
	Notebook string // empty: the scratch notebook
}

// Message is one message of the server. Fields that its type does not have are zero.
type Message struct {
	Type    string `json:"type"`
	CellID  string `json:"cell_id"`
	RunID   string `json:"run_id"`
	Content string `json:"content"`
	Name    string `json:"name"` // stdout or stderr
	IsLast  bool   `json:"is_last"`

	Result *Result `json:"result"`

	Error     string   `json:"error"`
	Ename     string   `json:"ename"`
	Traceback []string `json:"traceback"`
	Status    string   `json:"status"`
	Code      string   `json:"code"`

	Prompt    string `json:"prompt"`
	RequestID string `json:"request_id"`
	Password  bool   `json:"password"`

	// At is when the message was read whole.
	At time.Time `json:"-"`
	// Raw is the message as it came.
	Raw json.RawMessage `json:"-"`
}

// Result is how a run ended that ended well.
type Result struct {
	Status         string                     `json:"status"`
	ExecutionCount int                        `json:"execution_count"`
	Variables      map[string]json.RawMessage `json:"variables"`
}

// IsText reports whether the message carries printed text.
func (m Message) IsText() bool {
	return m.Type == "stream_output" || m.Type == "output" && !m.IsLast
}

// Client is one connection. One goroutine may receive while others send.
type Client struct {
	conn *websocket.Conn
}

// Dial connects. A context that ends later does not end the connection.
func Dial(ctx context.Context, o Options) (*Client, error) {
	u, err := url.Parse(o.URL)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", o.URL, err)
	}
	query := u.Query()
	if o.Token == "" {
		o.Token = query.Get("token")
	}
	u.Path, u.Fragment = strings.TrimSuffix(u.Path, "/")+"/ws", ""
	u.RawQuery = ""
	if o.Notebook != "" {
		u.RawQuery = url.Values{"notebook": {o.Notebook}}.Encode()
	}
	header := http.Header{}
	if o.Token != "" {
		header.Set("Authorization", "Bearer "+o.Token)
	}
	conn, response, err := websocket.Dial(ctx, u.String(), &websocket.DialOptions{HTTPHeader: header})
	if err != nil {
		if response != nil {
			return nil, fmt.Errorf("connect to %s: %s", u.Host, response.Status)
		}
		return nil, fmt.Errorf("connect to %s: %w", u.Host, err)
	}
	conn.SetReadLimit(-1)
	return &Client{conn: conn}, nil
}

// Close says goodbye and ends the connection. The server's answer is awaited for
// a moment; that it was over already is no error.
func (c *Client) Close() { _ = c.conn.Close(websocket.StatusNormalClosure, "") }

// Cut ends the connection without a goodbye.
func (c *Client) Cut() { _ = c.conn.CloseNow() }

// Send sends any message.
func (c *Client) Send(ctx context.Context, message any) error {
	text, ok := message.([]byte)
	if !ok {
		var err error
		if text, err = json.Marshal(message); err != nil {
			return fmt.Errorf("send: %w", err)
		}
	}
	if err := c.conn.Write(ctx, websocket.MessageText, text); err != nil {
		return fmt.Errorf("send: %w", err)
	}
	return nil
}

// Execute asks the server to run code as a cell. An empty cell lets the server choose one.
func (c *Client) Execute(ctx context.Context, cell, code string) error {
	return c.Send(ctx, struct {
		Type      string `json:"type"`
		Code      string `json:"code"`
		CellID    string `json:"cell_id,omitempty"`
		Streaming bool   `json:"streaming"`
	}{"execute", code, cell, true})
}

// Answer answers a prompt; an empty request is the oldest open one, or the next.
func (c *Client) Answer(ctx context.Context, request, value string) error {
	return c.Send(ctx, struct {
		Type      string `json:"type"`
		Value     string `json:"value"`
		RequestID string `json:"request_id,omitempty"`
	}{"input_reply", value, request})
}

// Interrupt interrupts what runs.
func (c *Client) Interrupt(ctx context.Context) error {
	return c.Send(ctx, map[string]string{"type": "interrupt"})
}

// Receive waits for the next message. A ctx that ends here ends the connection.
func (c *Client) Receive(ctx context.Context) (Message, error) {
	_, text, err := c.conn.Read(ctx)
	if err != nil {
		return Message{}, fmt.Errorf("receive: %w", err)
	}
	m := Message{At: time.Now(), Raw: text}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, fmt.Errorf("receive: %w", err)
	}
	return m, nil
}

// Run runs code as a cell and receives until that run's last message, which it
// returns. Every message on the way, the last included, goes to on, which may be
// nil; its error ends Run. A run that failed is a message, not an error.
func (c *Client) Run(ctx context.Context, cell, code string, on func(Message) error) (Message, error) {
	if err := c.Execute(ctx, cell, code); err != nil {
		return Message{}, err
	}
	return c.Until(ctx, on, func(m Message) bool { return m.IsLast && m.CellID == cell })
}

// Until receives until done says so of a message, which it returns.
func (c *Client) Until(ctx context.Context, on func(Message) error, done func(Message) bool) (Message, error) {
	for {
		m, err := c.Receive(ctx)
		if err != nil {
			return m, err
		}
		if on != nil {
			if err := on(m); err != nil {
				return m, err
			}
		}
		if done(m) {
			return m, nil
		}
	}
}
