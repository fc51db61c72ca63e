# The commands of this repository. `make help` lists them; continuous integration calls the same ones.
SHELL := /bin/bash
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
GO_BUILD := CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)'

.PHONY: help run build web cross check test test-env unit race fuzz e2e bench bench-page soak vm doctor clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build ## build everything and open a folder of sample notebooks (./notebooks)
	@test -d notebooks || cp -R examples notebooks
	bin/runnel serve notebooks

build: web ## bin/runnel: one static binary with the page inside
	$(GO_BUILD) -o bin/runnel ./cmd/runnel

web: ## build the page and put it where the binary takes it from
	@scripts/web.sh

cross: web ## compile for Linux and macOS, amd64 and arm64
	@for p in linux/amd64 linux/arm64 darwin/amd64 darwin/arm64; do \
	  echo "bin/runnel-$${p/\//-}"; GOOS=$${p%/*} GOARCH=$${p#*/} $(GO_BUILD) -o bin/runnel-$${p/\//-} ./cmd/runnel || exit 1; done

check: ## format, vet, staticcheck, tidy go.mod, the page's types and lint
	@scripts/check.sh

test: ## install what the tests need and run everything
	@scripts/test.sh

test-env: ## the Python and Deno kernels that the tests use, nginx and strace (in .cache)
	@scripts/test-env.sh
	@scripts/need-programs.sh

unit: ## the Go tests, quickly and without the race detector
	go test ./...

race: ## the Go tests under the race detector
	go test -race ./...

fuzz: ## every fuzz target for 20 s each (FUZZTIME=1m for longer)
	@scripts/fuzz.sh $${FUZZTIME:-20s}

e2e: build bin/fakekernel ## Chromium drives the built binary
	@cd web && CHROMIUM="$$(../scripts/need-chromium.sh)" npm run --silent e2e

bin/fakekernel: FORCE # the scripted kernel, for tests of the page that need no Python
	@CGO_ENABLED=0 go build -trimpath -o $@ ./internal/jupyter/jupytertest/fakekernel
FORCE:

bench: build ## measure beside the kernel itself and the newest Jupyter Server
	@scripts/bench-env.sh
	bin/runnel bench --python .cache/bench-env/bin/python --peer jupyter --peer-python .cache/bench-env/bin/python

bench-page: build ## measure what a person sees, in Chromium
	@scripts/bench-page.sh

soak: build bin/fakekernel ## the fault tests at the numbers that the promises name (long)
	RUNNEL_SOAK=1 go test -count=1 -timeout 0 -v ./internal/faults ./internal/files
	@cd web && RUNNEL_SOAK=1 CHROMIUM="$$(../scripts/need-chromium.sh)" npm run --silent e2e -- e2e/flood.test.ts

vm: build ## the fault tests that need a machine of their own: they boot a small one (Linux)
	@scripts/vm.sh

doctor: build ## check this machine: one line for each promise, with its figure
	bin/runnel doctor

clean: ## remove what was built (not ./notebooks)
	rm -rf bin .cache web/node_modules web/dist internal/webui/dist
