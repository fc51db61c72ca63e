package httpapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/internal/protocol"
)

// faultyRoute is one row of the table of errors: how the route is asked, and the statuses that it answers mistakes with, in the order of mistakes; "-" where
// the mistake cannot be made. What begins with "{" is a body, anything else goes in the place of the route's query, or of its last part.
type faultyRoute struct {
	route            string
	right            string // asks for what is there
	missing, outside string // for what is not there; for what lies outside the folder
	largest          int    // the size of a body that is taken
	want             string
}

var mistakes = []string{"no credentials", "wrong method", "not said to be JSON", "bad JSON", "nothing there", "outside", "too large"}

var errorTable = []faultyRoute{
	// what people's browsers ask for: a stranger is led to the login
	{route: "GET /healthz", want: "200 405 - - - - -"},
	{route: "GET /login", want: "200 405 - - - - -"},
	{route: "POST /login", right: "token=no", largest: 16 << 10, want: "401 405 - - - - 400"},
	{route: "GET /logout", want: "302 405 - - - - -"},
	{route: "POST /logout", want: "401 405 - - - - -"},
	{route: "GET /frame", want: "200 405 - - - - -"},
	{route: "/", want: "302 405 - - - - -"},
	{route: "GET /ws", want: "401 405 - - - - -"},
	// the programs' interface
	{route: "POST /runnel/v1/line", right: `{"type":"ping"}`, largest: protocol.MaxClientMessage, want: "401 405 415 - - - 413"},
	{route: "GET /runnel/v1/line/{id}", missing: "none", want: "401 405 - - 404 - -"},
	{route: "POST /runnel/v1/line/{id}", right: `{"type":"ping"}`, missing: "none", largest: protocol.MaxClientMessage, want: "401 405 415 - 404 - 413"},
	{route: "DELETE /runnel/v1/line/{id}", missing: "none", want: "401 405 - - 404 - -"},
	{route: "GET /runnel/v1/files", missing: "path=none", outside: "path=../x", want: "401 405 - - 404 403 -"},
	{route: "POST /runnel/v1/files", right: `{"op":"mkdir","path":"d"}`, missing: `{"op":"delete","path":"none"}`, outside: `{"op":"delete","path":"../x"}`,
		largest: maxJSON, want: "401 405 415 400 404 403 413"},
	{route: "GET /runnel/v1/file", right: "path=a.txt", missing: "path=none", outside: "path=../outside.txt", want: "401 405 - - 404 403 -"},
	{route: "PUT /runnel/v1/file", right: "path=new.txt", missing: "path=none/new.txt", outside: "path=../outside.txt", largest: maxUpload, want: "401 405 - - 404 403 413"},
	{route: "GET /runnel/v1/kernels", outside: "path=../x", want: "401 405 - - - 403 -"},
	{route: "POST /runnel/v1/kernels/{id}/interrupt", missing: "none", want: "401 405 - - 404 - -"},
	{route: "POST /runnel/v1/kernels/{id}/stop", missing: "none", want: "401 405 - - 404 - -"},
	{route: "GET /runnel/v1/packages", missing: "notebook=none.ipynb", outside: "notebook=../x.ipynb", want: "401 405 - - 404 404 -"},
	{route: "POST /runnel/v1/packages", right: `{"notebook":"n.ipynb","requirement":"x"}`, missing: `{"notebook":"none.ipynb","requirement":"x"}`,
		outside: `{"notebook":"../x.ipynb","requirement":"x"}`, largest: maxJSON, want: "401 405 415 400 404 404 413"},
	{route: "GET /runnel/v1/status", want: "401 405 - - - - -"},
	{route: "GET /runnel/v1/snapshot", right: "notebook=n.ipynb", missing: "notebook=none.ipynb", want: "401 405 - - 404 - -"},
	{route: "GET /runnel/v1/blobs/{hash}", missing: strings.Repeat("c", 64), outside: "..%2fblobs", want: "401 405 - - 404 400 -"},
	{route: "GET /runnel/v1/outputs", right: "notebook=n.ipynb&output=o", missing: "notebook=none.ipynb&output=o", want: "401 405 - - 404 - -"},
	{route: "/runnel/", want: "401 404 - - - - -"},
}

// codes are the error codes of the statuses (H3).
var codes = map[int]string{400: "invalid", 401: "unauthorized", 403: "forbidden", 404: "not_found", 405: "invalid", 409: "conflict", 413: "too_large", 415: "invalid"}

// TestErrors is the table of what each route answers to each mistake: the status, and of programs' routes the code and a sentence. A mistake is made alone: all
// else is right. It leaves nothing behind in the folder, and reads nothing beside it.
func TestErrors(t *testing.T) {
	s := start(t)
	outside := filepath.Join(filepath.Dir(s.dir), "outside.txt")
	if err := os.WriteFile(outside, []byte("outside"), 0o600); err != nil {
		t.Fatal(err)
	}
	before := listing(t, s.dir)
	for _, r := range s.api.routes() {
		if !slices.ContainsFunc(errorTable, func(row faultyRoute) bool { return row.route == r.pattern }) {
			t.Errorf("the table lacks %s", r.pattern)
		}
	}
	for _, row := range errorTable {
		want := strings.Fields(row.want)
		for i, mistake := range mistakes {
			if want[i] == "-" {
				continue
			}
			t.Run(row.route+", "+mistake, func(t *testing.T) {
				response, body := s.mistake(t, row, mistake)
				if got := fmt.Sprint(response.StatusCode); got != want[i] {
					t.Fatalf("answered with %s %.200s, want %s", got, body, want[i])
				}
				if response.StatusCode < 400 || !strings.HasPrefix(response.Header.Get("Content-Type"), "application/json") && !strings.Contains(row.route, "/runnel/") {
					return
				}
				var answer struct{ Error, Code string }
				if err := json.Unmarshal([]byte(body), &answer); err != nil || answer.Code != codes[response.StatusCode] || answer.Error == "" {
					t.Errorf("the answer is %s, want the code %s", body, codes[response.StatusCode])
				}
			})
		}
	}
	if after := listing(t, s.dir); after != before {
		t.Errorf("the folder has become %s, was %s", after, before)
	}
	if data, err := os.ReadFile(outside); err != nil || string(data) != "outside" {
		t.Errorf("the file outside is %q, %v", data, err)
	}
}

// mistake asks a route for all that is right, but for one thing.
func (s *testServer) mistake(t *testing.T, row faultyRoute, mistake string) (*http.Response, string) {
	t.Helper()
	method, path, ok := strings.Cut(row.route, " ")
	if !ok {
		method, path = http.MethodGet, row.route
	}
	what := row.right
	switch mistake {
	case "nothing there":
		what = row.missing
	case "outside":
		what = row.outside
	}
	last := strings.NewReplacer("{hash}", strings.Repeat("a", 64), "{id}", "k1")
	query, body := "", ""
	switch {
	case strings.HasPrefix(what, "{") || method == http.MethodPost && strings.HasPrefix(what, "token="):
		body = what
	case strings.Contains(what, "="):
		query = "?" + what
	case what != "":
		last = strings.NewReplacer("{hash}", what, "{id}", what)
	}
	if strings.HasPrefix(path, "/runnel/v1/line/") && mistake != "nothing there" {
		_, opened := s.do(http.MethodPost, "/runnel/v1/line", "", "Authorization", bearer)
		var line struct{ ID string }
		if err := json.Unmarshal([]byte(opened), &line); err != nil {
			t.Fatal(err)
		}
		last = strings.NewReplacer("{id}", line.ID)
	}
	headers := map[string]string{"Authorization": bearer, "Content-Type": "application/json"}
	if path == "/login" {
		headers = map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
	}
	switch mistake {
	case "no credentials":
		delete(headers, "Authorization")
	case "wrong method":
		method = http.MethodPatch
		headers["Authorization"] = bearer
	case "not said to be JSON":
		headers["Content-Type"] = "text/plain"
	case "bad JSON":
		body = "{"
	case "too large":
		headers["Expect"] = "100-continue" // a body that is refused is not sent
		if body += strings.Repeat(" ", row.largest+1-len(body)); path == "/login" {
			body = strings.ReplaceAll(body, " ", "x")
		}
	}
	list := make([]string, 0, 2*len(headers))
	for name, value := range headers {
		list = append(list, name, value)
	}
	return s.do(method, last.Replace(path)+query, body, list...)
}

// listing is what a folder holds, names and contents.
func listing(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all bytes.Buffer
	for _, e := range entries {
		data, _ := os.ReadFile(filepath.Join(dir, e.Name()))
		fmt.Fprintf(&all, "%s %q\n", e.Name(), data)
	}
	return all.String()
}
