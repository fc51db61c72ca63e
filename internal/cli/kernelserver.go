package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/runnel-dev/runnel/internal/kernel"
	"github.com/runnel-dev/runnel/internal/server"
)

// serverPatience is how long a server may take to answer.
const serverPatience = 5 * time.Second

var (
	// errNoServer: there is none, or it knows nothing of the kernel.
	errNoServer = errors.New("no server has this kernel")
	// errSilent: it is there and does not answer.
	errSilent = errors.New("the server does not answer")
)

// tellServer has the server of the folder do something to a kernel (H6), so that its notebook knows. With errNoServer
// nothing was done; with errSilent it may still be.
func tellServer(ctx context.Context, n server.Note, id kernel.ID, what string, force bool) error {
	if n.URL == "" {
		return errNoServer
	}
	to := n.URL + "/runnel/v1/kernels/" + url.PathEscape(string(id)) + "/" + what
	if force {
		to += "?force=1"
	}
	asked, cancel := context.WithTimeout(ctx, serverPatience)
	defer cancel()
	request, err := http.NewRequestWithContext(asked, http.MethodPost, to, nil)
	if err != nil {
		return fmt.Errorf("ask the server: %w", err)
	}
	request.Header.Set("Authorization", "Bearer "+n.Token)
	response, err := direct.Do(request)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case asked.Err() != nil:
		return errSilent
	case err != nil:
		return errNoServer // it has just ended, or another program has its address
	}
	defer func() { _ = response.Body.Close() }()
	switch response.StatusCode {
	case http.StatusAccepted:
		return nil
	case http.StatusNotFound, http.StatusUnauthorized:
		return errNoServer
	}
	var answer struct{ Error string }
	if json.NewDecoder(io.LimitReader(response.Body, 64<<10)).Decode(&answer) != nil || answer.Error == "" {
		answer.Error = response.Status
	}
	return fmt.Errorf("the server says: %s", strings.TrimSuffix(answer.Error, "."))
}

// direct goes through no proxy: the server is on this machine.
var direct = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
