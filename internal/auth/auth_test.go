package auth

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func open(t *testing.T, token, file string) *Auth {
	t.Helper()
	a, err := Open(token, file)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func newLogin(t *testing.T, a *Auth) string {
	t.Helper()
	secret, err := a.Login()
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

func TestToken(t *testing.T) {
	token := NewToken()
	if len(token) != 64 || token == NewToken() {
		t.Fatalf("token %q", token)
	}
	a := open(t, token, "")
	for _, wrong := range []string{"", "x", token[:63], token + "0", strings.ToUpper(token), strings.Repeat("a", 1<<16)} {
		if a.Token(wrong) {
			t.Errorf("%.80q is taken for the token", wrong)
		}
	}
	if !a.Token(token) {
		t.Error("the token is not known")
	}
	if _, err := Open("", ""); err == nil {
		t.Error("no token at all is accepted")
	}
}

func TestLogins_surviveARestart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "logins.json")
	a := open(t, "one", file)
	secret := newLogin(t, a)
	data, err := os.ReadFile(file)
	if err != nil || strings.Contains(string(data), secret) || strings.Contains(string(data), "one") {
		t.Fatalf("the file holds a secret: %v %s", err, data)
	}
	if info, _ := os.Stat(file); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	if !open(t, "one", file).Known(secret) {
		t.Error("a restart logs out")
	}
	if open(t, "two", file).Known(secret) {
		t.Error("another token does not log out")
	}
	if err := os.WriteFile(file, []byte("{broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	if open(t, "one", file).Known(secret) {
		t.Error("a broken file knows a login")
	}
}

func TestLogout_endsConnections(t *testing.T) {
	a := open(t, "one", "")
	mine, other := newLogin(t, a), newLogin(t, a)
	ctx, release := a.Hold(context.Background(), mine)
	defer release()
	stays, release := a.Hold(context.Background(), other)
	defer release()
	byToken, release := a.Hold(context.Background(), "")
	defer release()
	if err := a.Logout(mine); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(context.Cause(ctx), ErrLoggedOut) || a.Known(mine) {
		t.Errorf("after a logout: %v", context.Cause(ctx))
	}
	if stays.Err() != nil || byToken.Err() != nil || !a.Known(other) {
		t.Error("another login ended too")
	}
	late, release := a.Hold(context.Background(), mine)
	defer release()
	if !errors.Is(context.Cause(late), ErrLoggedOut) {
		t.Error("an ended login can hold")
	}
}

func TestLogins_endByThemselves(t *testing.T) {
	a := open(t, "one", "")
	now := time.Now()
	a.now = func() time.Time { return now }
	secret := newLogin(t, a)
	now = now.Add(Life - time.Minute)
	if !a.Known(secret) {
		t.Error("a login ended early")
	}
	now = now.Add(Life - time.Minute)
	if !a.Known(secret) {
		t.Error("a login that is used ended")
	}
	now = now.Add(Life + time.Minute)
	if a.Known(secret) {
		t.Error("a login never ends")
	}
	for range maxLogins + 10 {
		newLogin(t, a)
	}
	if len(a.logins) > maxLogins {
		t.Errorf("%d logins", len(a.logins))
	}
}

func TestLimit(t *testing.T) {
	var l Limit
	now := time.Now()
	for i := range perSource {
		if wait := l.Wait("a", now); wait > 0 {
			t.Fatalf("guess %d must wait %v", i, wait)
		}
		l.Wrong("a", now)
	}
	if wait := l.Wait("a", now); wait < time.Second || wait > limitPeriod {
		t.Errorf("the next must wait %v", wait)
	}
	if wait := l.Wait("b", now); wait > 0 {
		t.Errorf("another source must wait %v", wait)
	}
	if wait := l.Wait("a", now.Add(limitPeriod)); wait > 0 {
		t.Errorf("after a while it must wait %v", wait)
	}
	for i := range altogether {
		l.Wrong(string(rune('A'+i)), now)
	}
	if l.Wait("new", now) == 0 {
		t.Error("there is no ceiling for all")
	}
}
