package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/google/renameio/v2"
)

// Life is how long a login lasts after it was last used.
const Life = 30 * 24 * time.Hour

// maxLogins bounds the table; the one unused for longest leaves first.
const maxLogins = 1000

// NewToken makes a secret of 256 bits, in hex.
func NewToken() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// Auth knows the token and the logins. It is safe for concurrent use.
type Auth struct {
	token [32]byte
	file  string
	now   func() time.Time

	mu     sync.Mutex // guards what follows
	logins map[string]*login
	lines  map[string]map[*line]struct{} // open connections of a login
}

type login struct {
	Made time.Time `json:"made"`
	Used time.Time `json:"used"`
}

// line is a connection that ends with its login.
type line struct{ cancel context.CancelCauseFunc }

// table is the file's form. Token is the hash of the token's hash: other tokens' logins do not count.
type table struct {
	Token  string            `json:"token"`
	Logins map[string]*login `json:"logins"`
}

// Open reads the logins from file, which need not exist; empty: they are kept in memory. Logins made with another token are gone.
func Open(token, file string) (*Auth, error) {
	if token == "" {
		return nil, errors.New("open logins: no token")
	}
	a := &Auth{token: sha256.Sum256([]byte(token)), file: file, now: time.Now, logins: map[string]*login{}, lines: map[string]map[*line]struct{}{}}
	if file == "" {
		return a, nil
	}
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return a, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open logins: %w", err)
	}
	var t table
	// A file that cannot be read back costs a login, not a start.
	if json.Unmarshal(data, &t) == nil && t.Token == a.mark() && t.Logins != nil {
		a.logins = t.Logins
	}
	return a, nil
}

func (a *Auth) mark() string {
	sum := sha256.Sum256(a.token[:])
	return hex.EncodeToString(sum[:])
}

// Token says whether this is the token.
func (a *Auth) Token(token string) bool {
	sum := sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(sum[:], a.token[:]) == 1
}

// Login makes a login and returns its secret, for a cookie.
func (a *Auth) Login() (string, error) {
	secret := NewToken()
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	for key, l := range a.logins {
		if now.Sub(l.Used) > Life {
			delete(a.logins, key)
		}
	}
	for len(a.logins) >= maxLogins {
		oldest := ""
		for key, l := range a.logins {
			if oldest == "" || l.Used.Before(a.logins[oldest].Used) {
				oldest = key
			}
		}
		a.endLocked(oldest)
	}
	a.logins[keyOf(secret)] = &login{now, now}
	return secret, a.saveLocked()
}

func keyOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// Known says whether the secret is of a login that still counts.
func (a *Auth) Known(secret string) bool {
	if secret == "" {
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	l, ok := a.logins[keyOf(secret)]
	if !ok {
		return false
	}
	now := a.now()
	if now.Sub(l.Used) > Life {
		a.endLocked(keyOf(secret))
		return false
	}
	if now.Sub(l.Used) > time.Hour {
		l.Used = now
		_ = a.saveLocked() // it only prolongs the login
	}
	return true
}

// Logout ends a login and its connections.
func (a *Auth) Logout(secret string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.endLocked(keyOf(secret))
	return a.saveLocked()
}

func (a *Auth) endLocked(key string) {
	delete(a.logins, key)
	for l := range a.lines[key] {
		l.cancel(ErrLoggedOut)
	}
	delete(a.lines, key)
}

// ErrLoggedOut is the cause of a connection's end when its login ended.
var ErrLoggedOut = errors.New("logged out")

// Hold ties ctx to a login: it is cancelled with ErrLoggedOut when the login ends. An empty secret (the token itself was
// shown) ties it to nothing. release must be called.
func (a *Auth) Hold(ctx context.Context, secret string) (held context.Context, release func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	if secret == "" {
		return ctx, func() { cancel(nil) }
	}
	key, l := keyOf(secret), &line{cancel}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.logins[key] == nil {
		cancel(ErrLoggedOut)
		return ctx, func() {}
	}
	if a.lines[key] == nil {
		a.lines[key] = map[*line]struct{}{}
	}
	a.lines[key][l] = struct{}{}
	return ctx, func() {
		a.mu.Lock()
		delete(a.lines[key], l)
		if len(a.lines[key]) == 0 {
			delete(a.lines, key)
		}
		a.mu.Unlock()
		cancel(nil)
	}
}

func (a *Auth) saveLocked() error {
	if a.file == "" {
		return nil
	}
	data, err := json.Marshal(table{a.mark(), a.logins})
	if err != nil {
		return fmt.Errorf("save logins: %w", err)
	}
	if err := renameio.WriteFile(a.file, data, 0o600); err != nil {
		return fmt.Errorf("save logins: %w", err)
	}
	return nil
}
