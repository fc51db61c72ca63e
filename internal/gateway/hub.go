package gateway

import (
	"context"

	"github.com/runnel-dev/runnel/internal/protocol"
	"github.com/runnel-dev/runnel/internal/session"
)

// Of makes a Hub of the real one.
func Of(hub *session.Hub) Hub { return realHub{hub} }

type realHub struct{ hub *session.Hub }

func (h realHub) Open(ctx context.Context, path string, create bool) (Session, error) {
	s, err := h.hub.Open(ctx, path, create)
	if err != nil {
		return nil, err
	}
	return realSession{s}, nil
}

type realSession struct{ *session.Session }

func (s realSession) Subscribe(client protocol.ClientID, at protocol.Subscription) Cursor {
	return s.Session.Subscribe(client, at)
}

func (s realSession) SubscribePlain(client protocol.ClientID) Cursor {
	return s.Session.SubscribePlain(client)
}
