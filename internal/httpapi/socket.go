package httpapi

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/coder/websocket"
	"github.com/google/uuid"

	"github.com/runnel-dev/runnel/internal/auth"
	"github.com/runnel-dev/runnel/internal/gateway"
	"github.com/runnel-dev/runnel/internal/protocol"
)

// maxClients bounds the connections, so that a flood of them ends before memory does.
const maxClients = 4096

// deflateFrom is the size from which messages to other machines are compressed: small ones would only wait for it. Each message is
// compressed by itself, so that a connection that says nothing costs no memory. What a client sends is bounded after it was unpacked.
const deflateFrom = 4 << 10

// socket is GET /ws. The guard has checked who it is and where it comes from.
func (a *API) socket(w http.ResponseWriter, r *http.Request) {
	if a.clients.Load() >= maxClients {
		refuse(w, http.StatusServiceUnavailable, "unavailable", "Too many connections.")
		return
	}
	options := &websocket.AcceptOptions{InsecureSkipVerify: true} // by the guard, more strictly
	if comesFromAfar(r) {
		options.CompressionMode, options.CompressionThreshold = websocket.CompressionNoContextTakeover, deflateFrom
	}
	conn, err := websocket.Accept(w, r, options)
	if err != nil {
		a.cfg.Logger.Debug("no WebSocket", "reason", err)
		return
	}
	defer func() { _ = conn.CloseNow() }()
	a.serve(r, gateway.NewWebSocket(conn, netConnOf(r)))
}

// serve runs a connection until it is over, the login that opened it ends, or the server stops.
func (a *API) serve(r *http.Request, t gateway.Transport) {
	if !a.begin() {
		t.Close(protocol.CloseRestarting, "the server stops")
		return
	}
	defer a.done()
	held, release := a.cfg.Auth.Hold(a.ctx, callerOf(r).cookie)
	defer release()
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(held))
	defer cancel(nil)
	stop := context.AfterFunc(held, func() {
		cause := context.Cause(held)
		if errors.Is(cause, auth.ErrLoggedOut) {
			cause = gateway.Ending{Code: protocol.CloseUnauthorized, Reason: "logged out"}
		}
		cancel(cause)
	})
	defer stop()
	client := protocol.ClientID("plain-" + uuid.NewString())
	err := gateway.Serve(ctx, t, gateway.Params{Hub: a.cfg.Notebooks, Notebook: r.URL.Query().Get("notebook"), Client: client,
		ServerID: a.cfg.ServerID, Version: a.cfg.Version, Blob: a.openBlob, Logger: a.cfg.Logger})
	if err != nil {
		a.cfg.Logger.Debug("a connection ended", "client", client, "reason", err)
	}
}

func (a *API) openBlob(_ context.Context, hash string) (io.ReadCloser, error) {
	f, err := a.cfg.Blob(hash)
	if err != nil {
		return nil, err
	}
	return f, nil
}
