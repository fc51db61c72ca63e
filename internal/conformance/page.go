package conformance

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/google/uuid"

	"github.com/runnel-dev/runnel/internal/protocol"
)

// pageRules are of part 2: what Runnel's own page relies on.
var pageRules = []rule{
	{"P20", "hello is answered by welcome, then a snapshot", onPage(greets)},
	{"P20", "a notebook that is not there is gone", onPage(goneNotebook)},
	{"P21", "the right epoch and number resume, another epoch does not", onPage(resumes)},
	{"P23", "events follow one another without a gap", onPage(contiguous)},
	{"P26", "a command sent twice is applied once", onPage(once)},
	{"P27", "an edit comes back to its author with its cmd_id", onPage(edits)},
	{"P27", "an edit of an older version is rebased", onPage(rebases)},
	{"P28", "offsets are UTF-16 code units", onPage(countsUTF16)},
	{"P29", "a ping is answered at once", onPage(pings)},
	{"P29", "the server pings within 12 s, with the numbers of the subscriptions", onPage(beats)},
	{"P30", "no frame is over 1 MiB", onPage(smallFrames)},
	{"P33", "a page of another version is told to load itself again", onPage(reloads)},
	{"P34", "the same messages go over plain HTTP", onPage(plainHTTP)},
	{"P35", "a question is answered", onPage(remembers)},
	{"P9", "a page's unknown message is answered, and the line stays", onPage(unknownOnPage)},
	{"P31", "the whole of a long text is at hand", onPage(wholeText)},
}

// page is one connection that says hello itself.
type page struct {
	conn     *websocket.Conn
	base     url.URL // of the server
	token    string
	notebook string
	largest  int
}

// frame is any message to a page, with the fields that the checks look at.
type frame struct {
	Type   string            `json:"type"`
	Sub    string            `json:"sub"`
	Epoch  string            `json:"epoch"`
	From   uint64            `json:"from"`
	N      uint64            `json:"n"`
	More   bool              `json:"more"`
	State  *protocol.State   `json:"state"`
	Events []json.RawMessage `json:"events"`
	CmdID  string            `json:"cmd_id"`
	ReqID  string            `json:"req_id"`
	Tops   map[string]uint64 `json:"tops"`
	Values []string          `json:"matches"`
	Error  string            `json:"error"`
	Status string            `json:"status"`
	Code   string            `json:"code"`

	raw []byte
}

// onPage makes a check of one that needs a page's connection; the notebook exists by then.
func onPage(holds func(context.Context, *page) error) func(context.Context, *trial) error {
	return func(ctx context.Context, t *trial) error {
		if _, err := t.run(ctx, "pass", nil); err != nil {
			return err
		}
		u, err := url.Parse(t.options.URL)
		if err != nil {
			return fmt.Errorf("connect: %w", err)
		}
		token := cmp.Or(t.options.Token, u.Query().Get("token"))
		u.Path, u.RawQuery = strings.TrimSuffix(u.Path, "/"), ""
		base := *u
		u.Path += "/ws"
		conn, _, err := websocket.Dial(ctx, u.String(), &websocket.DialOptions{HTTPHeader: http.Header{"Authorization": {"Bearer " + token}}})
		if err != nil {
			return fmt.Errorf("connect: %w", err)
		}
		defer func() { _ = conn.CloseNow() }()
		conn.SetReadLimit(-1)
		p := &page{conn: conn, base: base, token: token, notebook: t.options.Notebook}
		ctx, cancel := context.WithCancel(ctx)
		var pings sync.WaitGroup
		defer pings.Wait()
		defer cancel()
		pings.Go(func() { p.stay(ctx) })
		return holds(ctx, p)
	}
}

// stay keeps the line while a check takes long on a slow machine (P29).
func (p *page) stay(ctx context.Context) {
	for tick := time.Tick(15 * time.Second); ; {
		select {
		case <-ctx.Done():
			return
		case <-tick:
			_ = p.send(ctx, protocol.Ping{Type: "ping"}) // a failure shows in what is read
		}
	}
}

func (p *page) send(ctx context.Context, message any) error {
	data, err := json.Marshal(message)
	if err != nil {
		return fmt.Errorf("send: %w", err)
	}
	return p.conn.Write(ctx, websocket.MessageText, data)
}

// until reads up to a frame for which done says true.
func (p *page) until(ctx context.Context, done func(frame) bool) (frame, error) {
	for {
		_, data, err := p.conn.Read(ctx)
		if err != nil {
			return frame{}, fmt.Errorf("receive: %w", err)
		}
		p.largest = max(p.largest, len(data))
		var f frame
		if err := json.Unmarshal(data, &f); err != nil {
			return f, fmt.Errorf("receive: %w", err)
		}
		f.raw = data
		if done(f) {
			return f, nil
		}
	}
}

func is(kind string) func(frame) bool { return func(f frame) bool { return f.Type == kind } }

// hello subscribes and gives the answer to the subscription.
func (p *page) hello(ctx context.Context, at protocol.Subscription) (frame, error) {
	at.Sub = "s"
	err := p.send(ctx, protocol.Hello{Type: "hello", Protocol: protocol.Version, ClientID: protocol.ClientID(uuid.NewString()),
		Subscriptions: []protocol.Subscription{at}})
	if err != nil {
		return frame{}, err
	}
	if f, err := p.until(ctx, func(frame) bool { return true }); err != nil || f.Type != "welcome" {
		return f, errors.Join(err, fmt.Errorf("the first message is %q", f.Type))
	}
	return p.until(ctx, func(f frame) bool { return f.Type == "snapshot" || f.Type == "resume" || f.Type == "gone" })
}

// begin says hello, takes the whole snapshot, and gives its place.
func (p *page) begin(ctx context.Context) (epoch string, n uint64, err error) {
	f, err := p.hello(ctx, protocol.Subscription{Notebook: p.notebook})
	if err != nil {
		return "", 0, err
	}
	if f.Type != "snapshot" || f.State == nil || f.State.Epoch == "" {
		return "", 0, fmt.Errorf("the subscription was answered by %q", f.Type)
	}
	for more := f.More; more; {
		part, err := p.until(ctx, is("snapshot_part"))
		if err != nil {
			return "", 0, err
		}
		more = part.More
	}
	return f.State.Epoch, f.State.N, nil
}

func greets(ctx context.Context, p *page) error {
	_, _, err := p.begin(ctx)
	return err
}

func goneNotebook(ctx context.Context, p *page) error {
	f, err := p.hello(ctx, protocol.Subscription{Notebook: "no-such-" + uuid.NewString() + ".ipynb"})
	if err == nil && (f.Type != "gone" || f.Code != protocol.CodeNotFound) {
		err = fmt.Errorf("the answer is %q with code %q", f.Type, f.Code)
	}
	return err
}

func resumes(ctx context.Context, p *page) error {
	epoch, n, err := p.begin(ctx)
	if err != nil {
		return err
	}
	for _, at := range []struct{ epoch, want string }{{epoch, "resume"}, {"another", "snapshot"}} {
		err := p.send(ctx, protocol.Subscribe{Type: "subscribe", Subscription: protocol.Subscription{Sub: "t", Notebook: p.notebook, Epoch: at.epoch, N: n}})
		if err != nil {
			return err
		}
		f, err := p.until(ctx, func(f frame) bool { return f.Sub == "t" && f.Type != "events" && f.Type != "snapshot_part" })
		if err != nil {
			return err
		}
		if f.Type != at.want || f.Type == "resume" && f.From != n+1 {
			return fmt.Errorf("epoch %s was answered by %q from %d", at.epoch, f.Type, f.From)
		}
	}
	return nil
}

// execute runs code and reads to its end, checking that no number is missing. A state in place of steps is right too (P25).
func (p *page) execute(ctx context.Context, n uint64, code string) error {
	return p.executeIn(ctx, n, protocol.CellID(newCell()), code)
}

func (p *page) executeIn(ctx context.Context, n uint64, cell protocol.CellID, code string) error {
	id := newCommand()
	if err := p.send(ctx, protocol.Command{Type: protocol.CmdExecute, CmdID: id, Notebook: p.notebook, CellID: cell, Code: &code}); err != nil {
		return err
	}
	for {
		f, err := p.until(ctx, func(f frame) bool { return f.Type == "events" || strings.HasPrefix(f.Type, "snapshot") })
		if err != nil {
			return err
		}
		if f.State != nil {
			n = f.State.N
		}
		if f.Type != "events" {
			if strings.Contains(string(f.raw), fmt.Sprintf(`{"id":%q,"state":"done"`, id)) {
				return nil
			}
			continue
		}
		if f.From != n+1 || f.N < f.From {
			return fmt.Errorf("events %d to %d came after %d", f.From, f.N, n)
		}
		n = f.N
		for _, event := range f.Events {
			if strings.Contains(string(event), `"run_done"`) && strings.Contains(string(event), string(id)) {
				return nil
			}
		}
	}
}

func newCommand() protocol.CommandID { return protocol.CommandID(uuid.Must(uuid.NewV7()).String()) }

func contiguous(ctx context.Context, p *page) error {
	_, n, err := p.begin(ctx)
	if err != nil {
		return err
	}
	return p.execute(ctx, n, "for i in range(2000): print(i, flush=True)")
}

func once(ctx context.Context, p *page) error {
	if _, _, err := p.begin(ctx); err != nil {
		return err
	}
	cmd := protocol.Command{Type: protocol.CmdCellInsert, CmdID: newCommand(), Notebook: p.notebook, CellID: protocol.CellID(newCell()), CellType: "code"}
	for _, want := range []string{protocol.AckAccepted, protocol.AckDuplicate} {
		if err := p.send(ctx, cmd); err != nil {
			return err
		}
		f, err := p.until(ctx, is("ack"))
		if err != nil {
			return err
		}
		if f.Status != want || f.CmdID != string(cmd.CmdID) {
			return fmt.Errorf("the ack says %q of %s", f.Status, f.CmdID)
		}
	}
	return nil
}

func pings(ctx context.Context, p *page) error {
	if _, _, err := p.begin(ctx); err != nil {
		return err
	}
	return p.ping(ctx)
}

// ping shows that the line is good.
func (p *page) ping(ctx context.Context) error {
	if err := p.send(ctx, protocol.Ping{Type: "ping"}); err != nil {
		return err
	}
	_, err := p.until(ctx, is("ping"))
	return err
}

func beats(ctx context.Context, p *page) error {
	_, n, err := p.begin(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 12*time.Second)
	defer cancel()
	f, err := p.until(ctx, is("ping"))
	if err == nil && f.Tops["s"] < n {
		err = fmt.Errorf("the ping says %v, the page was at %d", f.Tops, n)
	}
	return err
}

func reloads(ctx context.Context, p *page) error {
	if err := p.send(ctx, protocol.Hello{Type: "hello", Protocol: protocol.Version + 1000, ClientID: protocol.ClientID(uuid.NewString())}); err != nil {
		return err
	}
	f, err := p.until(ctx, func(frame) bool { return true })
	if code := websocket.CloseStatus(err); code != protocol.CloseReload {
		return fmt.Errorf("answered by %q, closed with %d", f.Type, code)
	}
	return nil
}

func remembers(ctx context.Context, p *page) error {
	if _, _, err := p.begin(ctx); err != nil {
		return err
	}
	if err := p.send(ctx, protocol.Request{Type: "request", RequestID: "q", Notebook: p.notebook, Kind: "history"}); err != nil {
		return err
	}
	f, err := p.until(ctx, is("response"))
	if err == nil && (f.ReqID != "q" || f.Error == "" && !slices.Contains(f.Values, "pass")) { // a kernel may be slow; that is said
		err = fmt.Errorf("the answer is %.500s", f.raw)
	}
	return err
}

func smallFrames(ctx context.Context, p *page) error {
	_, n, err := p.begin(ctx)
	if err == nil {
		err = p.execute(ctx, n, "print('\\x1b[0m' * 400_000)\nfor i in range(20): print('é' * 100_000)")
	}
	if err == nil && p.largest > protocol.MaxFrame {
		err = fmt.Errorf("a frame had %d bytes", p.largest)
	}
	return err
}

func unknownOnPage(ctx context.Context, p *page) error {
	if _, _, err := p.begin(ctx); err != nil {
		return err
	}
	if err := p.send(ctx, map[string]string{"type": "dance"}); err != nil {
		return err
	}
	f, err := p.until(ctx, is("error"))
	if err == nil && f.Code != "unknown_type" {
		err = fmt.Errorf("the code is %q", f.Code)
	}
	if err == nil {
		err = p.ping(ctx)
	}
	return err
}
