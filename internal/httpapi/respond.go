package httpapi

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/runnel-dev/runnel/internal/fault"
)

// statuses is the one table from kinds of errors to HTTP.
var statuses = map[fault.Kind]int{
	fault.Internal: http.StatusInternalServerError, fault.Invalid: http.StatusBadRequest, fault.NotFound: http.StatusNotFound,
	fault.Conflict: http.StatusConflict, fault.Unauthorized: http.StatusUnauthorized, fault.Forbidden: http.StatusForbidden,
	fault.TooLarge: http.StatusRequestEntityTooLarge, fault.Unavailable: http.StatusServiceUnavailable,
	fault.NoSpace: http.StatusInsufficientStorage,
}

// fail answers with an error. What is inside it goes to the log, when it is ours.
func (a *API) fail(w http.ResponseWriter, r *http.Request, err error) {
	kind := fault.KindOf(err)
	if tooBig, ok := errors.AsType[*http.MaxBytesError](err); ok {
		kind, err = fault.TooLarge, fault.Newf(fault.TooLarge, "That is over the limit of %d MiB.", max(1, tooBig.Limit>>20))
	}
	if kind == fault.Internal && r.Context().Err() == nil {
		a.cfg.Logger.Error("a request failed", "method", r.Method, "path", capped(r.URL.Path), "reason", err)
	}
	refuse(w, statuses[kind], kind.String(), fault.Message(err))
}

// refuse answers with an error in words.
func refuse(w http.ResponseWriter, status int, code, text string) {
	writeJSON(w, status, map[string]string{"error": text, "code": code})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client is gone
}

// Limits of what a request may hold.
const (
	maxJSON   = 1 << 20
	maxUpload = 100 << 20
	bodyTime  = 30 * time.Second // a body may make no progress for so long
)

// body is the request's body with a limit, and with an end to waiting for one that does not come.
func body(w http.ResponseWriter, r *http.Request, limit int64) io.Reader {
	return &impatient{http.MaxBytesReader(w, r.Body, limit), http.NewResponseController(w)}
}

type impatient struct {
	r       io.Reader
	control *http.ResponseController
}

func (i *impatient) Read(p []byte) (int, error) {
	_ = i.control.SetReadDeadline(time.Now().Add(bodyTime))
	n, err := i.r.Read(p)
	if errors.Is(err, io.EOF) { // after any other error the end of a body that does not come is not waited for either
		_ = i.control.SetReadDeadline(time.Time{})
	}
	return n, err
}

// readJSON reads a JSON body. Anything but JSON is refused by its type already (S6).
func readJSON(w http.ResponseWriter, r *http.Request, v any) error {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return errNotJSON
	}
	data, err := io.ReadAll(body(w, r, maxJSON))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fault.Wrap(fault.Invalid, "The body is not the JSON that is needed here.", err)
	}
	return nil
}

var errNotJSON = errors.New("body is not JSON")

// failBody is fail for what readJSON says.
func (a *API) failBody(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, errNotJSON) {
		refuse(w, http.StatusUnsupportedMediaType, "invalid", "Send JSON, with the header Content-Type: application/json.")
		return
	}
	a.fail(w, r, err)
}

// capped is text from outside for the log.
func capped(s string) string {
	if len(s) > 200 {
		s = s[:200] + "..."
	}
	return strings.ToValidUTF8(s, "?")
}
