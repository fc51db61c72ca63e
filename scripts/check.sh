#!/bin/sh
# Everything about the code that needs no running of it. All findings are shown
# before it fails.
cd "$(dirname "$0")/.." || exit 1
failed=0
export CGO_ENABLED=0 GOFLAGS=-trimpath # as the binary is built, so that nothing is compiled again for this

unformatted=$(gofmt -l cmd internal)
[ -z "$unformatted" ] || { printf 'not formatted (run gofmt -w on them):\n%s\n' "$unformatted"; failed=1; }
echo "go vet";        go vet ./... || failed=1
echo "go vet, make vm"; GOOS=linux go vet -tags vm ./internal/faults || failed=1
echo "go vet, for macOS"; GOOS=darwin GOARCH=arm64 CGO_ENABLED=0 go vet ./... || failed=1
echo "staticcheck";   go tool staticcheck ./... || failed=1
echo "go mod tidy";   go mod tidy -diff || failed=1
scripts/web-deps.sh || exit 1
echo "tsc";           (cd web && npm run --silent typecheck) || failed=1
echo "lint";          (cd web && npm run --silent lint) || failed=1
exit $failed
